"""Impulse responses of rooms."""

import numpy as np
from keras import ops

from ddsp_tf.dsp.noise_filter import filter_frames, response_radius
from ddsp_tf.typing import Tensor

# A decay of exp(15) nepers ends within one sample of any response that fits into memory.
_STEEPEST = 15.0


def set_direct_sound(impulse_response: Tensor, gain: float) -> Tensor:
    """Replaces the first tap, the direct sound.

    Args:
        impulse_response: Impulse response [..., taps].
        gain: Level of the first tap: 1 passes the dry signal, 0 leaves only the room.

    Returns:
        [..., taps].

    Example:
        >>> set_direct_sound(np.array([7.0, 0.5], np.float32), 1.0).numpy().tolist()
        [1.0, 0.5]
    """
    direct = ops.full_like(impulse_response[..., :1], gain)
    return ops.concatenate([direct, impulse_response[..., 1:]], axis=-1)


def decay_exponent(raw: Tensor) -> Tensor:
    """Maps a raw network output to the decay of `decaying_noise`: `2 + exp(raw)`.

    Args:
        raw: Any shape.

    Returns:
        Nepers by which the response falls from its first tap to its last, above 2, same shape.

    Example:
        >>> float(decay_exponent(0.0))
        3.0
    """
    # Otherwise exp overflows, and infinity times the first tap's time 0 is NaN.
    return 2.0 + ops.exp(ops.minimum(ops.convert_to_tensor(raw, "float32"), _STEEPEST))


def decaying_noise(gain: Tensor, decay: Tensor, noise: Tensor) -> Tensor:
    """Computes exponentially decaying noise: `gain * exp(-decay * n / (taps - 1)) * noise[n]`.

    The level falls by 60 dB within a fraction of `6.91 / decay` of the response.

    Args:
        gain: Linear level of the first tap [..., 1].
        decay: Nepers from the first tap to the last [..., 1].
        noise: Noise [..., taps], usually white in [-1, 1]; at least 2 taps.

    Returns:
        [..., taps].

    Example:
        >>> import math
        >>> noise = np.ones(3, np.float32)
        >>> decaying_noise([2.0], [math.log(4.0)], noise).numpy().round(3).tolist()
        [2.0, 1.0, 0.5]
    """
    gain, decay, noise = (ops.convert_to_tensor(x, "float32") for x in (gain, decay, noise))
    time = np.linspace(0.0, 1.0, noise.shape[-1]).astype(np.float32)
    return gain * ops.exp(-decay * time) * noise


def filtered_noise_response(magnitudes: Tensor, noise: Tensor) -> Tensor:
    """Filters noise so that its spectrum changes from frame to frame.

    Args:
        magnitudes: Gains from 0 Hz to Nyquist [batch, frames, n_bands].
        noise: Noise [1 or batch, taps], usually white in [-1, 1]; frames divide taps.

    Returns:
        [batch, taps], without delay.

    Example:
        >>> noise = np.float32([[0.5, -1.0, 0.25, 1.0]])
        >>> flat = np.ones((1, 2, 3), np.float32)
        >>> filtered_noise_response(flat, noise).numpy().round(3).tolist()
        [[0.5, -1.0, 0.25, 1.0]]
    """
    taps, radius = noise.shape[-1], response_radius(magnitudes.shape[-1])
    filtered = filter_frames(noise, magnitudes, taps // magnitudes.shape[1])
    return filtered[:, radius : radius + taps]
