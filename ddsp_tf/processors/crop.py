"""Removes samples at an end of a signal."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Crop(Processor):
    """A signal without its first or last samples.

    Its result no longer has `hop` samples per frame, so in a graph it can be combined only with
    equally cropped signals, and not with controls.

    A stream cropped at the start is delayed by `latency`, and the removed samples are silent. A
    stream does not know its end: cropped there, it passes everything on, and the caller drops the
    last `n_samples`.

    Args:
        n_samples: Samples to remove, at least 0.
        end: "start" or "end".
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: [batch, samples].

    Returns:
        [batch, samples - n_samples]; empty if there are no more.

    Raises:
        ValueError: If n_samples is negative, or there is no such end.

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
        """The samples removed at the start."""
        return self.n_samples if self.end == "start" else 0

    @property
    def removed_samples(self) -> int:
        """The samples removed."""
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
        """Before the first sample."""
        return {"gate": ops.zeros((batch_size, self.latency), "float32")}

    def stream(self, state: State, signal: Tensor) -> tuple[Tensor, State]:
        """Silences what is removed at the start."""
        gate = ops.concatenate([state["gate"], ops.ones_like(signal)], axis=1)
        length = ops.shape(signal)[1]
        return signal * gate[:, :length], {"gate": gate[:, length:]}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "n_samples": self.n_samples, "end": self.end}
