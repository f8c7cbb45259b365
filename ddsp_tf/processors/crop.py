"""Removes samples at an end of a signal."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Crop(Processor):
    """A signal without its first or last samples.

    The result no longer has `hop` samples per frame, so in a graph it can only be combined with
    equally cropped signals, and not with controls.

    A stream cropped at the start is delayed by `latency`, and the removed samples are silent. A
    stream does not know where it ends: if cropped at the end, it passes everything through, and the
    caller drops the last `n_samples`.

    Args:
        n_samples: Samples to remove, at least 0.
        end: End to remove samples from, "start" or "end".
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: Audio [batch, samples].

    Returns:
        Audio [batch, samples - n_samples]; empty if nothing remains.

    Raises:
        ValueError: If n_samples is negative, or the end is unknown.

    Example:
        >>> Crop(n_samples=2)(ops.convert_to_tensor([[1.0, 2.0, 3.0]])).numpy().tolist()
        [[3.0]]
    """

    input_names = ("signal",)

    def __init__(self, n_samples: int, end: str = "start", name: str = "crop", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if n_samples < 0:
            raise ValueError(f"n_samples={n_samples}; expected at least 0")
        if end not in ("start", "end"):
            raise ValueError(f"end={end!r}; expected 'start' or 'end'")
        self.n_samples = n_samples
        self.end = end

    @property
    def latency(self) -> int:
        """Samples removed at the start."""
        return self.n_samples if self.end == "start" else 0

    @property
    def removed_samples(self) -> int:
        """Samples removed at either end."""
        return self.n_samples

    def get_controls(self, signal: Tensor) -> dict[str, Tensor]:
        """Returns the signal."""
        return {"signal": signal}

    def get_signal(self, signal: Tensor) -> Tensor:
        """Returns [batch, samples - n_samples] of a signal [batch, samples]."""
        if self.end == "start":
            return signal[:, self.n_samples :]
        return signal[:, : -self.n_samples] if self.n_samples else signal

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first sample."""
        return {"gate": ops.zeros((batch_size, self.latency), "float32")}

    def stream(self, state: State, signal: Tensor) -> tuple[Tensor, State]:
        """Silences the samples that are removed at the start."""
        gate = ops.concatenate([state["gate"], ops.ones_like(signal)], axis=1)
        length = ops.shape(signal)[1]
        return signal * gate[:, :length], {"gate": gate[:, length:]}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "n_samples": self.n_samples, "end": self.end}
