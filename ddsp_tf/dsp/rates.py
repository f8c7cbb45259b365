"""Sample rates and frame rates, without Keras for processes that only measure features."""


def hop_size(sample_rate: int, frame_rate: float) -> int:
    """Returns the number of samples from one frame to the next.

    Args:
        sample_rate: Samples per second.
        frame_rate: Frames per second; must divide the sample rate.

    Returns:
        `sample_rate / frame_rate`.

    Raises:
        ValueError: If the ratio is not an integer.

    Example:
        >>> hop_size(16000, 250)
        64
    """
    if frame_rate <= 0 or sample_rate <= 0 or sample_rate % frame_rate:
        raise ValueError(
            f"frame_rate={frame_rate} does not divide sample_rate={sample_rate}; "
            "samples per frame must be a whole number"
        )
    return int(sample_rate // frame_rate)
