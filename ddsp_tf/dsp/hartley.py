"""The Hartley transform: an inverse Fourier transform for LiteRT, which has none."""

from keras import ops

from ddsp_tf.typing import Tensor


def hartley(real: Tensor, imaginary: Tensor) -> Tensor:
    """Returns the Hartley transform of a real signal from its one-sided spectrum.

    H[k] = sum over n of x[n] (cos + sin)(2 pi k n / size) = Re X[k] - Im X[k]. It is real, and its
    own inverse up to a factor of size: the product of cos + sin at k and at m, summed over n, is
    size for k = m and 0 otherwise. For the upper half, X[size - k] is the conjugate of X[k].

    Args:
        real: Real part of the spectrum [..., size / 2 + 1].
        imaginary: Imaginary part of the spectrum [..., size / 2 + 1].

    Returns:
        [..., size].

    Example:
        >>> signal = ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0])
        >>> transform = hartley(*ops.rfft(signal))
        >>> (hartley(*ops.rfft(transform)) / 4.0).numpy().tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    mirrored = ops.flip((real + imaginary)[..., 1:-1], axis=-1)
    return ops.concatenate([real - imaginary, mirrored], axis=-1)
