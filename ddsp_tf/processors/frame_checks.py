"""Checks of effects' inputs that can be made before the signal is computed."""

from ddsp_tf.typing import Tensor


def check_channels(node: str, name: str, frames: Tensor, argument: str, expected: int) -> None:
    """Refuses controls of another size.

    Args:
        node: The processor's name.
        name: The input's name.
        frames: [batch, frames, channels].
        argument: What prescribes the number of channels.
        expected: That number.

    Raises:
        ValueError: If the channels differ.

    Example:
        >>> import numpy as np
        >>> check_channels("filter", "magnitudes", np.ones((1, 2, 5)), "n_bands", 5)
    """
    if frames.shape[-1] != expected:
        raise ValueError(
            f"{node}: {name} has {frames.shape[-1]} channels; expected {argument}={expected}"
        )


def check_samples(node: str, signal: Tensor, frames: Tensor, hop: int) -> None:
    """Refuses a signal that is not as long as its frames, where both lengths are known.

    Args:
        node: The processor's name.
        signal: [batch, samples].
        frames: [batch, frames, channels].
        hop: Samples per frame.

    Raises:
        ValueError: If the lengths differ.

    Example:
        >>> import numpy as np
        >>> check_samples("filter", np.ones((1, 8)), np.ones((1, 2, 5)), hop=4)
    """
    samples, n_frames = signal.shape[1], frames.shape[1]
    if samples is not None and n_frames is not None and samples != n_frames * hop:
        raise ValueError(
            f"{node}: signal has {samples} samples; expected {n_frames} frames * "
            f"hop={hop} = {n_frames * hop}"
        )
