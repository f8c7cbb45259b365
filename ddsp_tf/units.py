"""Units of pitch and level, and the scaling between physical units and network inputs.

Every function takes tensors, numpy arrays or numbers of any shape and returns a float32 tensor of
the same shape on the active Keras backend.
"""

import math

from keras import ops

from ddsp_tf.typing import Tensor

MIDI_RANGE = 127.0
DB_RANGE = 80.0


def hz_to_midi(f0_hz: Tensor) -> Tensor:
    """Converts frequency to MIDI note number; 0 Hz and below give 0.

    Args:
        f0_hz: Frequency in Hz, any shape.

    Returns:
        MIDI note number (A4 = 440 Hz = 69), fractional, same shape.

    Example:
        >>> float(hz_to_midi(440.0))
        69.0
    """
    f0_hz = ops.convert_to_tensor(f0_hz, "float32")
    positive = f0_hz > 0.0
    octaves = ops.log(ops.where(positive, f0_hz, 440.0) / 440.0) / math.log(2.0)
    return ops.where(positive, 69.0 + 12.0 * octaves, 0.0)


def midi_to_hz(midi: Tensor) -> Tensor:
    """Converts MIDI note number to frequency in Hz.

    Args:
        midi: Note number, fractional, any shape.

    Returns:
        Frequency in Hz, same shape.

    Example:
        >>> float(midi_to_hz(69.0))
        440.0
    """
    midi = ops.convert_to_tensor(midi, "float32")
    return 440.0 * ops.exp((midi - 69.0) * (math.log(2.0) / 12.0))


def scale_f0_hz(f0_hz: Tensor) -> Tensor:
    """Scales frequency to 0..1 for a network: MIDI note number divided by 127.

    Args:
        f0_hz: Frequency in Hz, any shape; 0 means no pitch.

    Returns:
        Scaled pitch, same shape.

    Example:
        >>> round(float(scale_f0_hz(440.0)), 4)
        0.5433
    """
    return hz_to_midi(f0_hz) / MIDI_RANGE


def scale_db(db: Tensor) -> Tensor:
    """Scales a level of -80..0 dB to 0..1 for a network.

    Args:
        db: Level in dB, any shape; levels outside the range are not clipped.

    Returns:
        Scaled level, same shape.

    Example:
        >>> float(scale_db(-20.0))
        0.75
    """
    return ops.convert_to_tensor(db, "float32") / DB_RANGE + 1.0


def exp_sigmoid(
    x: Tensor, exponent: float = 10.0, max_value: float = 2.0, threshold: float = 1e-7
) -> Tensor:
    """Maps any number to a positive amplitude: a sigmoid that is steep in decibels.

    `max_value * sigmoid(x) ** ln(exponent) + threshold`, as in Engel et al., "DDSP" (ICLR 2020).

    Args:
        x: Raw network output, any shape.
        exponent: Steepness, above 1.
        max_value: Amplitude for large x.
        threshold: Amplitude for very negative x, so that gradients do not vanish.

    Returns:
        Amplitude in threshold .. max_value + threshold, same shape.

    Example:
        >>> round(float(exp_sigmoid(0.0)), 4)
        0.4054
    """
    # ops.power(sigmoid, exponent) has an infinite slope at 0; this form has a finite one.
    log_sigmoid = ops.log_sigmoid(ops.convert_to_tensor(x, "float32"))
    return max_value * ops.exp(math.log(exponent) * log_sigmoid) + threshold


def amplify_exp_sigmoid(x: Tensor, log_gain: Tensor, exponent: float = 10.0) -> Tensor:
    """Shifts raw network outputs so that their `exp_sigmoid` is amplified.

    For the result y, max_value * sigmoid(x) ** ln(exponent) gives log sigmoid(y) = log sigmoid(x) +
    log_gain / ln(exponent), and y = log(s / (1 - s)) with s = sigmoid(y). The threshold is not
    amplified, and the largest value limits the gain.

    Args:
        x: Raw network output, any shape.
        log_gain: Natural logarithm of the gain, of a shape that broadcasts to that of x.
        exponent: Exponent of `exp_sigmoid`.

    Returns:
        Raw outputs whose `exp_sigmoid` is `exp(log_gain)` times that of x.

    Example:
        >>> gain = exp_sigmoid(amplify_exp_sigmoid(-1.0, math.log(2.0))) / exp_sigmoid(-1.0)
        >>> round(float(gain), 5)
        2.0
    """
    log_sigmoid = ops.log_sigmoid(ops.convert_to_tensor(x, "float32"))
    # 1 - sigmoid must not vanish: the limit is 0.02 dB below the largest value.
    moved = ops.minimum(log_sigmoid + log_gain / math.log(exponent), -1e-3)
    return moved - ops.log(1.0 - ops.exp(moved))
