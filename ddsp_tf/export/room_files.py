"""Export of a model's room as audio files, for convolution reverbs in other programs."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from ddsp_tf.models import Autoencoder

SAMPLE_RATES = (44100, 48000)


def impulse_response(model: Autoencoder) -> np.ndarray | None:
    """Returns a model's impulse response.

    Args:
        model: Model with or without a reverb, built.

    Returns:
        Response [taps], float32, at the model's sample rate, direct sound included; None without a
        reverb, or if each of several instruments has its own.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> impulse_response(load_experiment("demo").model).shape
        (4000,)
    """
    group = model.processor_group
    for processor in group.processors[::-1]:
        if processor.input_names == ("signal",) and not getattr(processor, "instruments", ()):
            controls = processor.get_controls(np.zeros((1, 1), np.float32))
            if "impulse_response" in controls:
                return np.asarray(controls["impulse_response"], np.float32).reshape(-1)
    return None


def resampled_response(response: np.ndarray, sample_rate: int, to_rate: int) -> np.ndarray:
    """Resamples an impulse response, so that convolution sounds the same at another rate.

    The direct sound, tap 0, remains one sample. The rest is resampled as a signal and divided by
    the ratio of the rates, because a convolution at the new rate sums more taps by that ratio.

    Args:
        response: Impulse response [taps], direct sound included.
        sample_rate: Sample rate of the response in Hz.
        to_rate: New sample rate in Hz.

    Returns:
        Response [about taps * to_rate / sample_rate], float32.

    Example:
        >>> response = np.zeros(1600, np.float32); response[0] = 1.0; response[800] = 0.5
        >>> longer = resampled_response(response, 16000, 48000)
        >>> longer.shape, float(longer[0].round(3)), int(longer[1:].argmax()) + 1
        ((4800,), 1.0, 2400)
        >>> float(longer[2000:2800].sum().round(3))
        0.5
    """
    room = np.array(response, np.float64)
    direct, room[0] = room[0], 0.0
    room = soxr.resample(room, sample_rate, to_rate, quality="VHQ") * (sample_rate / to_rate)
    room[0] += direct
    return room.astype(np.float32)


def write_impulse_responses(model: Autoencoder, folder: Path) -> list[str]:
    """Writes `ir.wav` at the model's sample rate, `ir_44100.wav` and `ir_48000.wav`.

    Args:
        model: Model to write the room of, built.
        folder: Existing folder to write to.

    Returns:
        Names of the files; none if the model has no reverb.
    """
    response = impulse_response(model)
    if response is None:
        return []
    soundfile.write(folder / "ir.wav", response, model.sample_rate, subtype="FLOAT")
    files = ["ir.wav"]
    for rate in SAMPLE_RATES:
        files.append(f"ir_{rate}.wav")
        taps = resampled_response(response, model.sample_rate, rate)
        soundfile.write(folder / files[-1], taps, rate, subtype="FLOAT")
    return files
