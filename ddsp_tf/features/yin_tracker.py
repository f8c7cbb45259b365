"""YIN as a pitch tracker of recordings."""

import functools
import math

import keras
import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.audio_input import mono_audio
from ddsp_tf.features.chunks import track_in_chunks
from ddsp_tf.features.pitch import PitchTracker, fill_unvoiced
from ddsp_tf.features.yin import yin_pitch, yin_reach

_CHUNK_SECONDS = 8.0


class YinTracker(PitchTracker):
    """Tracks pitch with YIN: the lag after which the sound repeats, on the best path through time.

    It needs no network, works at any sample rate, reaches lower than the networks, and exists for
    exported graphs, too (`yin_pitch`). Its confidence is the periodic share of the sound's power;
    frames with half of it are voiced.

    Args:
        lowest_hz: Lowest pitch considered in Hz, 20 or more.
        highest_hz: Highest pitch considered in Hz; at most a quarter of the audio's sample rate
            counts.

    Raises:
        UserError: If the range is too narrow or out of bounds.

    Example:
        >>> tracker = YinTracker(lowest_hz=40.0)
        >>> sine = 0.5 * np.sin(2 * np.pi * 55 / 16000 * np.arange(16000, dtype=np.float32))
        >>> f0_hz, f0_confidence = tracker.track(sine, sample_rate=16000, hop=160)
        >>> f0_hz.shape, bool(abs(f0_hz[50] - 55) < 0.1), bool(f0_confidence[50] > 0.9)
        ((100,), True, True)
    """

    name = "yin"
    releases_lock = False
    version = "1"

    def __init__(self, lowest_hz: float = 30.0, highest_hz: float = 2100.0) -> None:
        if not 20.0 <= lowest_hz < 1.05 * lowest_hz <= highest_hz < math.inf:
            raise UserError(
                f"pitch tracker yin: found the range {lowest_hz} to {highest_hz} Hz; expected one "
                "above 20 Hz that spans a semitone or more"
            )
        super().__init__(lowest_hz=float(lowest_hz), highest_hz=float(highest_hz))

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch considered."""
        return self.settings["lowest_hz"], self.settings["highest_hz"]

    def track(self, audio: np.ndarray, sample_rate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Tracks one recording; see `PitchTracker.track`."""
        audio = mono_audio(audio, sample_rate, hop)
        lowest_hz = self.settings["lowest_hz"]
        if lowest_hz >= sample_rate / 4:
            raise UserError(
                f"pitch tracker yin: lowest_hz {lowest_hz:g}; expected less than a quarter of the "
                f"sample rate, {sample_rate}"
            )
        context = math.ceil(yin_reach(sample_rate, hop, lowest_hz) / hop)
        chunk = max(1, round(_CHUNK_SECONDS * sample_rate / hop))
        answers_hz, confidence = track_in_chunks(
            audio,
            hop,
            chunk,
            context,
            lambda piece: _run(piece, chunk + 2 * context, sample_rate, hop, *self.range_hz),
        )
        instants = np.arange(answers_hz.size, dtype=np.float64)
        return fill_unvoiced(instants, answers_hz, confidence, instants)


def _run(piece, most_frames, sample_rate, hop, lowest_hz, highest_hz):
    # Few different lengths, because each one is compiled.
    frames = piece.size // hop
    padded = min(most_frames, 2 ** math.ceil(math.log2(max(frames, 16))))
    piece = np.pad(piece, (0, padded * hop - piece.size))[None]
    results = compiled_yin(sample_rate, hop, lowest_hz, highest_hz)(piece)
    return tuple(keras.ops.convert_to_numpy(part)[0, :frames] for part in results)


@functools.lru_cache(maxsize=8)
def compiled_yin(sample_rate: int, hop: int, lowest_hz: float, highest_hz: float):
    """Compiles `yin_pitch` for one sample rate, hop and range; JAX does so for every shape."""

    def function(audio):
        return yin_pitch(audio, sample_rate, hop, lowest_hz, highest_hz)

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(
        function, input_signature=[tf.TensorSpec([None, None], tf.float32)], autograph=False
    )
