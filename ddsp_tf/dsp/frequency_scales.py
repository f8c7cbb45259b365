"""Scales from raw network outputs to frequencies of free sinusoids."""

from keras import ops

from ddsp_tf.typing import Tensor
from ddsp_tf.units import hz_to_midi, midi_to_hz


def frequencies_sigmoid(
    raw: Tensor, depth: int = 1, min_hz: float = 0.0, max_hz: float = 8000.0
) -> Tensor:
    """Computes frequencies as sums of sigmoids, each over a smaller range than the one before.

    With depth 1, one number moves a frequency over the whole range in equal steps of pitch; with a
    greater depth, the first numbers are coarse and the last ones fine. The scale of Engel et al.,
    "Self-supervised pitch detection by inverse audio synthesis" (ICML 2020 workshop).

    Args:
        raw: Raw network outputs [batch, frames, sinusoids * depth]; the depth varies fastest.
        depth: Numbers per frequency, at least 1.
        min_hz: Lowest frequency; 0 stands for MIDI note 0, 8.2 Hz.
        max_hz: Highest frequency.

    Returns:
        [batch, frames, sinusoids] Hz.

    Example:
        >>> frequencies_sigmoid(ops.zeros((1, 1, 1)), min_hz=100.0, max_hz=400.0).numpy().round(2)
        array([[[200.]]], dtype=float32)
    """
    shares = ops.sigmoid(_with_depth(raw, depth))
    total, left = 0.0, max_hz - min_hz
    kept = left ** (-1.0 / depth)
    for level in range(depth):
        last = level == depth - 1
        top = left if last else left * (1.0 - kept)
        # Deeper levels share the range that earlier ones leave; only the last has a floor.
        total = total + unit_to_hz(shares[..., level], min_hz if last else 0.0, top)
        left = left - top
    return total if depth > 1 else unit_to_hz(shares[..., 0], min_hz, max_hz)


def frequencies_softmax(
    raw: Tensor, depth: int = 64, min_hz: float = 20.0, max_hz: float = 8000.0
) -> Tensor:
    """Computes frequencies as means over a grid of pitches, weighted by a softmax.

    The scale of Engel et al., "Self-supervised pitch detection by inverse audio synthesis" (ICML
    2020 workshop).

    Args:
        raw: Raw network outputs [batch, frames, sinusoids * depth]; the depth varies fastest.
        depth: Pitches in the grid, at least 2.
        min_hz: Lowest frequency.
        max_hz: Highest frequency.

    Returns:
        [batch, frames, sinusoids] Hz.

    Example:
        >>> raw = ops.convert_to_tensor([[[0.0, 0.0, 0.0, 99.0]]])  # two sinusoids, depth 2
        >>> frequencies_softmax(raw, depth=2, min_hz=100.0, max_hz=400.0).numpy().round(2).tolist()
        [[[200.0, 400.0]]]
    """
    shares = ops.softmax(_with_depth(raw, depth), axis=-1)
    grid = ops.linspace(0.0, 1.0, depth, dtype="float32")
    return unit_to_hz(ops.sum(shares * grid, axis=-1), min_hz, max_hz)


def unit_to_hz(unit: Tensor, min_hz: float, max_hz: float) -> Tensor:
    """Maps numbers in 0..1 to frequencies, in equal steps of pitch.

    Args:
        unit: Numbers in 0..1, any shape.
        min_hz: Frequency of 0; 0 Hz stands for MIDI note 0, 8.2 Hz.
        max_hz: Frequency of 1.

    Returns:
        Hz, same shape.

    Example:
        >>> float(unit_to_hz(0.5, 110.0, 440.0))
        220.0
    """
    low, high = hz_to_midi(min_hz), hz_to_midi(max_hz)
    return midi_to_hz(low + (high - low) * unit)


def _with_depth(raw, depth):
    channels = raw.shape[-1]
    if channels % depth:
        raise ValueError(f"depth={depth} does not divide {channels} channels")
    shape = ops.shape(raw)
    return ops.reshape(raw, (shape[0], shape[1], channels // depth, depth))
