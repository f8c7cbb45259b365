"""Replacement of meaningless numbers, so that the output of models stays finite.

A graph cannot report an error in words, and exported models are called by unknown programs, some of
which pass uninitialized memory.
"""

from keras import ops

from ddsp_tf.features.loudness import FLOOR_DB
from ddsp_tf.typing import Tensor

# Above any measured level: a sine of full scale has 20 dB.
HIGHEST_DB = 40.0
# A single comparison finds NaN, infinity and numbers that would overflow: NaN compares false.
LARGEST = 1e6
# Inputs that are not curves.
_OTHERS = ("noise", "z", "instrument", "audio")


def finite(values: Tensor) -> Tensor:
    """Replaces NaN, infinity and absurdly large numbers by 0.

    Args:
        values: Tensor of any shape.

    Returns:
        Tensor of the same shape.

    Example:
        >>> finite(ops.convert_to_tensor([1.0, float("nan"), float("-inf")])).numpy().tolist()
        [1.0, 0.0, 0.0]
    """
    return ops.where(ops.abs(values) < LARGEST, values, 0.0)


def sanitized(features: dict[str, Tensor], sample_rate: int, hop: int) -> dict[str, Tensor]:
    """Returns features that any model can play.

    A frame with a number that is not finite is silent: no pitch, the lowest level, no noise.
    Negative pitch counts as no pitch; pitch above the Nyquist frequency has no audible harmonic;
    levels are clipped to -80..40 dB. Measured features pass unchanged.

    Args:
        features: Dictionary with "f0_hz" and levels, [batch, frames] each; and optionally "noise"
            and "audio", [batch, frames * hop], and "z" and "instrument", [batch, frames, channels].
        sample_rate: Samples per second.
        hop: Samples per frame.

    Returns:
        Dictionary of the same names and shapes.

    Example:
        >>> nan = float("nan")
        >>> curves = {"f0_hz": [[440.0, -1.0, nan]], "loudness_db": [[-20.0, 99.0, -20.0]]}
        >>> curves = {name: ops.convert_to_tensor(curve) for name, curve in curves.items()}
        >>> {name: curve.numpy().tolist() for name, curve in sanitized(curves, 16000, 64).items()}
        {'f0_hz': [[440.0, 0.0, 0.0]], 'loudness_db': [[-20.0, 40.0, -80.0]]}
    """
    curves = {name: value for name, value in features.items() if name not in _OTHERS}
    known = None
    for curve in curves.values():
        own = ops.abs(curve) < LARGEST
        known = own if known is None else ops.logical_and(known, own)
    clean = {}
    for name, curve in curves.items():
        if name == "f0_hz":
            clean[name] = ops.where(known, ops.clip(curve, 0.0, sample_rate / 2.0), 0.0)
        else:
            clean[name] = ops.where(known, ops.clip(curve, FLOOR_DB, HIGHEST_DB), FLOOR_DB)
    if "noise" in features:
        clean["noise"] = _silenced(features["noise"], known, hop)
    for name in ("z", "instrument", "audio"):
        if name in features:
            clean[name] = finite(features[name])
    return clean


def _silenced(noise: Tensor, known: Tensor, hop: int) -> Tensor:
    # The number of frames comes from the curves, so that noise of another length is an error.
    batch, frames = ops.shape(known)[0], ops.shape(known)[1]
    noise = ops.reshape(noise, (batch, frames, hop))
    noise = ops.where(known[:, :, None], finite(noise), 0.0)
    return ops.reshape(noise, (batch, frames * hop))
