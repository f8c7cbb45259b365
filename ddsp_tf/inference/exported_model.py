"""Plays an exported SavedModel block by block from Python."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.files.export_description import read_description
from ddsp_tf.typing import State, Tensor


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
        self.z_dims = len(self.description["mean_z"] or [])
        try:
            self._saved_model = tf.saved_model.load(str(Path(folder) / "saved_model"))
        except (OSError, ValueError) as error:
            raise UserError(f"{folder}/saved_model: cannot be loaded ({error})") from error
        self._step = self._saved_model.signatures["step"]

    def initial_state(self, batch_size: int) -> dict[str, np.ndarray]:
        """Returns the state before the first block: zeros."""
        sizes = self.description["state"]["saved_model"]
        return {name: np.zeros((batch_size, size), np.float32) for name, size in sizes.items()}

    def stream(self, features: Mapping[str, Tensor], state: State) -> tuple[Tensor, State]:
        """Plays one block; see `Autoencoder.stream`."""
        import tensorflow as tf

        inputs = {**features, **state}
        mean_z = self.description["mean_z"]
        if mean_z is not None and "z" not in features:
            batch_size = len(features["f0_hz"])
            inputs["z"] = np.tile(np.array(mean_z, np.float32), (batch_size, 1, 1))
        inputs = {name: tf.constant(value) for name, value in inputs.items()}
        outputs = dict(self._step(**inputs))
        return outputs.pop("audio"), outputs
