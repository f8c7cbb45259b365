"""Plays an exported SavedModel block by block from Python."""

import os
from pathlib import Path

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.export.description import read_description


class ExportedModel:
    """An exported SavedModel with the streaming interface of `Autoencoder`.

    Args:
        folder: The export.

    Raises:
        UserError: If the folder is not an export, or its SavedModel cannot be loaded.
    """

    def __init__(self, folder: str | os.PathLike):
        import tensorflow as tf

        self.description = read_description(folder)
        self.sample_rate = self.description["sample_rate"]
        self.frame_rate = self.description["frame_rate"]
        self.hop = self.description["hop"]
        self.latency = self.description["latency_samples"]
        self.feature_names = tuple(self.description["features"])
        try:
            self._saved_model = tf.saved_model.load(str(Path(folder) / "saved_model"))
        except (OSError, ValueError) as error:
            raise UserError(f"{folder}/saved_model: cannot be loaded ({error})") from error
        self._stream = self._saved_model.signatures["stream"]

    def initial_state(self, batch_size: int) -> dict[str, np.ndarray]:
        """Returns the state before the first block: zeros."""
        shapes = self.description["state"]
        return {key: np.zeros((batch_size, *shape), np.float32) for key, shape in shapes.items()}

    def stream(self, features, state):
        """Plays one block; see `Autoencoder.stream`."""
        import tensorflow as tf

        inputs = {key: tf.constant(value) for key, value in {**features, **state}.items()}
        outputs = dict(self._stream(**inputs))
        return outputs.pop("audio"), outputs
