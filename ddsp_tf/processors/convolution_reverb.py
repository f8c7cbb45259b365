"""Base class of reverbs by convolution."""

from typing import Any

import numpy as np
from keras import ops

from ddsp_tf.dsp.convolution import convolve_block, fft_convolve
from ddsp_tf.dsp.framing import add_tail
from ddsp_tf.dsp.impulse_responses import set_direct_sound
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor


class ConvolutionReverb(Processor):
    """Convolves a signal with an impulse response that a subclass provides.

    Subclasses implement `get_controls`, which returns "signal" and "impulse_response".

    Streaming has no latency, and the cost of a block depends on its length; see
    `ddsp_tf.dsp.convolution.convolve_block`.

    Args:
        length: Taps of the response, at least 2.
        learned: Whether the response is computed from trainable weights; False if the caller passes
            its parameters with every call.
        add_dry: Whether the signal itself passes unchanged; False returns only the room.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Raises:
        ValueError: If the length is below 2.
    """

    # Names of the response's parameters. A group does not pass them to a learned reverb, because
    # other nodes may have inputs of the same names.
    response_inputs: tuple[str, ...] = ()

    def __init__(self, length: int, learned: bool, add_dry: bool, name: str, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if length < 2:
            raise ValueError(f"length={length}; expected at least 2 samples")
        self.length = length
        self.learned = learned
        self.add_dry = add_dry

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the signal and, unless they are learned, of the response's parameters."""
        return ("signal",) if self.learned else ("signal", *self.response_inputs)

    def get_signal(self, signal: Tensor, impulse_response: Tensor) -> Tensor:
        """Convolves a signal with a response.

        Args:
            signal: Audio [batch, samples].
            impulse_response: Impulse response [taps] or [batch, taps], direct sound included.

        Returns:
            Audio [batch, samples]; the ringing after it is cut off.
        """
        return fft_convolve(signal, _rows(impulse_response), False, self.execution)

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence."""
        return {"tail": ops.zeros((batch_size, self.length - 1), "float32")}

    def stream(
        self, state: State, signal: Tensor, impulse_response: Tensor
    ) -> tuple[Tensor, State]:
        """Convolves one block; the ringing after it is kept in the state."""
        if impulse_response.shape[-1] != self.length:
            raise ValueError(
                f"{self.name}: impulse_response has {impulse_response.shape[-1]} taps; "
                f"a stream expects length={self.length}"
            )
        wet = convolve_block(signal, _rows(impulse_response), self.execution)
        done, tail = add_tail(wet, state["tail"], ops.shape(signal)[1])
        return done, {"tail": tail}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "length": self.length,
            "learned": self.learned,
            "add_dry": self.add_dry,
        }

    def _controls(self, signal, taps):
        response = set_direct_sound(taps, 1.0 if self.add_dry else 0.0)
        return {"signal": signal, "impulse_response": response}

    def _given_or_learned(self, **given):
        """Returns the given tensors by name, and learned ones where the caller gave none."""
        found = {}
        for name, value in given.items():
            if value is None and not self.learned:
                raise ValueError(
                    f"{self.name}: {name} was not given; learned=False expects it with every call"
                )
            value = getattr(self, name) if value is None else value
            found[name] = ops.convert_to_tensor(value, "float32")
        return found

    def _given_or_seeded(self, noise):
        """Returns the given noise, or the seed's, which is the same on every backend."""
        if noise is None:
            noise = np.random.default_rng(self.seed).uniform(-1.0, 1.0, self.length)
        noise = ops.convert_to_tensor(noise, "float32")
        if noise.shape[-1] != self.length:
            raise ValueError(
                f"{self.name}: noise has {noise.shape[-1]} samples; expected length={self.length}"
            )
        return noise


def _rows(impulse_response):
    return impulse_response if len(impulse_response.shape) == 2 else impulse_response[None, :]
