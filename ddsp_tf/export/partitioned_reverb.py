"""Convolution with a long response in blocks of a fixed length: real time without latency."""

import numpy as np
from keras import ops

from ddsp_tf.dsp.hartley import hartley
from ddsp_tf.models.sanitizing import LARGEST, finite
from ddsp_tf.processors import Processor
from ddsp_tf.typing import State, Tensor


class PartitionedReverb(Processor):
    """Convolves blocks of a fixed number of samples with a fixed impulse response.

    It streams the same audio as a learned reverb, by uniformly partitioned convolution (Stockham,
    "High-speed convolution and correlation", 1966) with the frequency-domain delay line of Garcia,
    "Optimal filter partition for efficient convolution with short input/output delay" (2002). The
    response is divided into parts that fit into one transform together with a block. The state
    contains the spectra of past blocks, so each block takes one Fourier transform, one product with
    the spectrum of every part, and one inverse transform.

    A part of n blocks is multiplied by every n-th past spectrum. The state therefore consists of n
    delay lines that take turns: a block shifts and multiplies only one of them.

    Args:
        response: Impulse response, [taps] numpy array, direct sound included.
        block: Samples in a block.
        name: Name of the layer.

    Call arguments:
        signal: Audio [batch, block].

    Example:
        >>> reverb = PartitionedReverb(np.array([1.0, 0.0, 0.0, 0.5]), block=2, name="reverb")
        >>> state, played = reverb.initial_state(1), []
        >>> for block in ([1.0, 0.0], [0.0, 0.0], [0.0, 0.0]):
        ...     audio, state = reverb.stream(state, ops.convert_to_tensor([block]))
        ...     played += audio[0].numpy().round(3).tolist()
        >>> played
        [1.0, 0.0, 0.0, 0.5, 0.0, 0.0]
    """

    input_names = ("signal",)

    def __init__(self, response: np.ndarray, block: int, name: str):
        super().__init__(name=name)
        self.block = block
        # LiteRT only transforms powers of two.
        self.size = 1 << (2 * block - 1).bit_length()
        self.lines = (self.size - block + 1) // block
        length = self.lines * block
        parts = -(-len(response) // length)
        padded = np.pad(np.asarray(response, np.float64), (0, parts * length - len(response)))
        spectra = np.fft.rfft(padded.reshape(parts, length), self.size)
        self.parts, self.bins = spectra.shape
        self._real = spectra.real.astype(np.float32)
        self._imaginary = spectra.imag.astype(np.float32)

    @property
    def unchecked_state(self) -> tuple[str, ...]:
        """Names of the delay lines, which are too large to be checked in every block.

        Meaningless numbers leave them after as many blocks as they are long, and the output is
        checked.
        """
        return tuple(f"{name}_{k}" for name in ("real", "imaginary") for k in range(self.lines))

    def get_controls(self, signal: Tensor) -> dict[str, Tensor]:
        """Returns the signal."""
        return {"signal": signal}

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence."""
        spectra = ops.zeros((batch_size, self.parts, self.bins))
        tail = ops.zeros((batch_size, self.size - self.block))
        return {**dict.fromkeys(self.unchecked_state, spectra), "tail": tail}

    def stream(self, state: State, signal: Tensor) -> tuple[Tensor, State]:
        """Convolves one block."""
        padded = ops.pad(signal, [[0, 0], [0, self.size - self.block]])
        last, after, current = self.lines - 1, {}, []
        for name, new in zip(("real", "imaginary"), ops.rfft(padded, self.size), strict=True):
            line = ops.concatenate([new[:, None, :], state[f"{name}_0"][:, :-1]], axis=1)
            # The maximum changes nothing, but keeps outputs from being inputs: LiteRT's compiled
            # models give such an output the memory of the input, and lose it.
            waiting = {k: ops.maximum(state[f"{name}_{k + 1}"], -LARGEST) for k in range(last)}
            after |= {f"{name}_{k}": spectra for k, spectra in waiting.items()}
            after[f"{name}_{last}"] = line
            current.append(line)
        real, imaginary = current
        wet = self._inverse(
            ops.sum(real * self._real - imaginary * self._imaginary, axis=1),
            ops.sum(real * self._imaginary + imaginary * self._real, axis=1),
        )
        wet = finite(wet) + ops.pad(state["tail"], [[0, 0], [0, self.block]])
        after["tail"] = wet[:, self.block :]
        return wet[:, : self.block], after

    def _inverse(self, real, imaginary):
        """Computes the inverse transform by a forward one, because LiteRT has no inverse transform.

        The Hartley transform, real minus imaginary part, is its own inverse up to the length.
        """
        real, imaginary = ops.rfft(hartley(real, imaginary), self.size)
        return hartley(real, imaginary) * (1.0 / self.size)
