"""Checks of the audio that users pass in as an array."""

from typing import Any

import numpy as np

from ddsp_tf.errors import UserError

# 40 dB above full scale: above any recording in floats, but below audio in integers.
_LARGEST_PEAK = 100.0


def mono_audio(audio: Any, sample_rate: float, hop: int) -> np.ndarray:
    """Checks audio and returns it as float32.

    Args:
        audio: Mono audio [samples], floats in -1..1.
        sample_rate: Samples per second, above 0.
        hop: Samples between two frames, at least 1.

    Returns:
        float32 [samples].

    Raises:
        UserError: If the audio is not mono, holds integers, is not finite or far above full scale,
            or a rate is not positive.

    Example:
        >>> mono_audio(np.zeros(100, np.int16), 16000, 64)
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: audio holds int16; expected floats in -1..1; divide by 32768
    """
    try:
        audio = np.asarray(audio)
    except ValueError as error:
        raise UserError(f"audio is not an array of numbers ({error})") from error
    if not (np.isfinite(sample_rate) and sample_rate > 0):
        raise UserError(f"sample_rate is {sample_rate}; expected Hz above 0")
    if hop < 1:
        raise UserError(f"hop is {hop}; expected 1 sample or more")
    if audio.dtype.kind in "iu":
        advice = f"divide by {np.iinfo(audio.dtype).max + 1}"
        raise UserError(f"audio holds {audio.dtype}; expected floats in -1..1; {advice}")
    if audio.dtype.kind != "f":
        raise UserError(f"audio holds {audio.dtype}; expected floats in -1..1")
    if audio.ndim != 1:
        raise UserError(f"audio of shape {audio.shape}: expected mono [samples]")
    if not np.isfinite(audio).all():
        raise UserError("audio: found NaN or infinite samples; expected numbers in -1..1")
    peak = float(np.abs(audio).max(initial=0.0))
    if peak > _LARGEST_PEAK:
        raise UserError(f"audio peaks at {peak:g}; expected samples in -1..1")
    return audio.astype(np.float32, copy=False)
