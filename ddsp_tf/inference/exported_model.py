"""Plays an exported SavedModel block by block from Python."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.files.export_description import check_files, read_description
from ddsp_tf.inference.curves import checked_numbers
from ddsp_tf.inference.saved_program import check_saved_model
from ddsp_tf.models.ensemble import mixture_weights
from ddsp_tf.typing import Mixture, State, Tensor


class ExportedModel:
    """An exported SavedModel with the streaming interface of `Autoencoder`.

    Before TensorFlow loads it, its files are compared with the checksums in model.json, and its
    operators with those that exports use: see `check_saved_model`.

    Args:
        folder: Export to load.
        instrument: Instrument that plays if the features name none, for a model with several: a
            name, or shares by name; None for equal shares of all.

    Raises:
        UserError: If the folder is not an export, is damaged, contains a program that does more
            than compute, or has no such instrument.
    """

    def __init__(self, folder: str | os.PathLike, instrument: Mixture = None):
        import tensorflow as tf

        saved_model = Path(folder) / "saved_model"
        self.description = read_description(folder)
        check_files(folder, self.description, "saved_model")
        check_saved_model(saved_model)
        self.sample_rate = self.description.sample_rate
        self.frame_rate = self.description.frame_rate
        self.hop = self.description.hop
        self.latency = self.description.latency_samples
        self.feature_names = tuple(self.description.features)
        self.instruments = tuple(self.description.instruments)
        self._vectors: dict[str, Any] = {}
        if self.description.mean_z:
            self._vectors["z"] = self.description.mean_z
        if self.instruments or instrument is not None:
            try:
                self._vectors["instrument"] = mixture_weights(self.instruments, instrument)
            except ValueError as error:
                raise UserError(f"{folder}: {error}") from error
        try:
            self._saved_model = tf.saved_model.load(str(saved_model))
            self._step = self._saved_model.signatures["step"]
        except Exception as error:  # TensorFlow raises many types for a damaged folder.
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(f"{saved_model}: cannot be loaded ({reason})") from error

    @property
    def vector_sizes(self) -> dict[str, int]:
        """Channels of the optional features, "z" and "instrument"."""
        return {name: len(vector) for name, vector in self._vectors.items()}

    def initial_state(self, batch_size: int) -> dict[str, np.ndarray]:
        """Returns the state before the first block: zeros, [batch_size, size] each."""
        sizes = self.description.state["saved_model"]
        return {name: np.zeros((batch_size, size), np.float32) for name, size in sizes.items()}

    def stream(self, features: Mapping[str, Tensor], state: State) -> tuple[Tensor, State]:
        """Plays one block; see `Autoencoder.stream`.

        Args:
            features: Dictionary of [batch, frames] arrays and "noise" [batch, frames * hop].
                Depending on the model, it may contain "z" [batch, frames or 1, z_dims], by default
                the mean timbre, and "instrument" [batch, frames or 1, instruments], by default that
                of the constructor.
            state: State from `initial_state` or the previous block.

        Returns:
            Tuple of audio [batch, frames * hop] and the state after it.

        Raises:
            UserError: If an array is missing or has another shape.
        """
        import tensorflow as tf

        inputs = {**features, **state}
        for name, vector in self._vectors.items():
            default = np.tile(np.array(vector, np.float32), (len(features["f0_hz"]), 1, 1))
            inputs.setdefault(name, default)
        names = self._step.structured_input_signature[1]
        if missing := [name for name in names if name not in inputs]:
            raise UserError(f"the exported model needs {missing[0]!r}; found {', '.join(inputs)}")
        arrays = {name: tf.constant(checked_numbers(name, inputs[name])) for name in names}
        try:
            outputs = dict(self._step(**arrays))
        except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
            shapes = ", ".join(f"{name} {array.shape.as_list()}" for name, array in arrays.items())
            raise UserError(
                f"the exported model does not play {shapes}; expected [batch, frames] curves, "
                f"noise [batch, frames * {self.hop}] and the state of the block before"
            ) from error
        return outputs.pop("audio"), outputs
