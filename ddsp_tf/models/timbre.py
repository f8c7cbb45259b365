"""The timbre z of a model: given, measured from audio, or the mean over recordings."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from keras import ops

from ddsp_tf.backend.compilation import compiled
from ddsp_tf.typing import Tensor


class Timbre:
    """Methods of an `Autoencoder` for the timbre, if its decoder has an input "z"."""

    decoder: Any
    encoder: Any
    mean_z: Any

    @property
    def z_dims(self) -> int:
        """Channels of the timbre z; 0 for a model without timbre."""
        return self.decoder.input_sizes.get("z", 0)

    def encode(self, audio: Tensor) -> Tensor:
        """Measures the timbre of recordings.

        Args:
            audio: Audio [batch, samples].

        Returns:
            z, [batch, samples // hop, z_dims].

        Raises:
            ValueError: If the model has no encoder.
        """
        if self.encoder is None:
            raise ValueError("this model has no encoder")
        return self.encoder(audio)

    def keep_mean_z(self, recordings: Iterable[Tensor]) -> None:
        """Sets `mean_z`, the timbre of a model that is given no other.

        Args:
            recordings: Iterable of audio, [batch, samples] each; at least one.
        """
        total, frames = np.zeros(self.z_dims), 0
        for audio in recordings:
            z = ops.convert_to_numpy(compiled(self.encode)(audio))
            total, frames = total + z.sum(axis=(0, 1)), frames + z.shape[0] * z.shape[1]
        if frames == 0:
            raise ValueError("no recordings; expected at least one")
        self.mean_z.assign((total / frames).astype(np.float32))

    def _played_z(self, features: Mapping[str, Tensor], curves: Mapping[str, Tensor]) -> Tensor:
        """Returns the timbre of features, one for each frame of the curves [batch, frames, 1]."""
        z = features.get("z")
        if z is None and "audio" in features:
            z = self.encode(features["audio"])
        z = ops.convert_to_tensor(self.mean_z) if z is None else z
        return z + ops.zeros_like(curves["f0_hz"])
