"""A pitch tracker that needs no network."""

import numpy as np

from ddsp_tf.features.pitch import PitchTracker


class CountingTracker(PitchTracker):
    """Gives frame k a pitch of 100 + k Hz, and confidence wherever there is sound."""

    name = "counting"
    version = "1"

    def track(self, audio, sample_rate, hop):
        """Counts frames instead of listening."""
        frames = audio.size // hop
        loud = np.abs(audio[: frames * hop]).reshape(frames, hop).max(axis=1) > 0.01
        return 100 + np.arange(frames, dtype=np.float32), loud.astype(np.float32)
