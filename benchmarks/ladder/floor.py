"""The lowest loss that a model can reach on a clip.

A spectral loss compares one draw of noise with another. Where a bin holds noise, two draws of the
same noise differ by ln 2 in log magnitude on average, at each window size. A perfect model
therefore does not reach 0; its loss depends on the share of noise in the clip. Two floors are
measured:

- **noise redrawn**: the clip against itself with its noise drawn again. The pitched part is
identical, so this is the part of the loss that is due to noise alone.
- **synthesizers**: the clip against the best result of the configuration's own synthesizers, with
  every control free in every frame and no network. It adds what the synthesizers cannot express,
  such as the phases of harmonics.
"""

import numpy as np
from fitted_inputs import FittedInputs, descend, losses
from keras import ops

from ddsp_tf.inference.rendering import white_noise
from ddsp_tf.processors import FilteredNoise

_PERIODS = 6
_WINDOWS = (256, 2048)
_NOISE_BANDS = 65
_NOISE_WINDOW = 512
_SMOOTHED_FRAMES = 5
# Power of white noise between -1 and 1.
_WHITE_POWER = 1.0 / 3.0


def pitched_part(audio, f0_hz, f0_confidence, sample_rate: int) -> np.ndarray:
    """Fits harmonics to a recording, window by window.

    Around every frame with a pitch, sines and cosines at the multiples of f0 are fitted by least
    squares over six periods; the fits are crossfaded. Phases are free, so attacks and vibrato are
    included.

    Args:
        audio: Audio [samples].
        f0_hz: Pitch in Hz [frames].
        f0_confidence: Confidence of the pitch [frames]; below 0.5 there is none.
        sample_rate: Samples per second.

    Returns:
        Pitched part of the recording, [samples].
    """
    audio = np.asarray(audio, np.float64)
    frames = len(f0_hz)
    hop = len(audio) // frames
    centres = np.arange(frames) * hop
    phase = 2.0 * np.pi * np.cumsum(np.interp(np.arange(len(audio)), centres, f0_hz)) / sample_rate
    total, weights = np.zeros(len(audio)), np.full(len(audio), 1e-9)
    for centre, f0, confidence in zip(centres, f0_hz, f0_confidence, strict=True):
        pitched = f0 > 0.0 and confidence >= 0.5
        window = _PERIODS * sample_rate / f0 if pitched else 4.0 * hop
        half = int(np.clip(max(window, 2 * hop), *_WINDOWS)) // 2
        place = np.arange(max(centre - half, 0), min(centre + half, len(audio)))
        weight = 0.5 + 0.5 * np.cos(np.pi * (place - centre) / half)
        weights[place] += weight
        if pitched:
            harmonics = np.arange(1, int(0.5 * sample_rate / f0) + 1)
            angles = phase[place, None] * harmonics
            basis = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
            weighted = basis * weight[:, None]
            # A little damping, because a window at the ends of the clip may hold too few samples.
            normal = weighted.T @ basis + 1e-6 * len(place) * np.eye(basis.shape[1])
            total[place] += weight * (basis @ np.linalg.solve(normal, weighted.T @ audio[place]))
    return (total / weights).astype(np.float32)


def redrawn(noise, hop: int, sample_rate: int, seed: int) -> np.ndarray:
    """Draws noise again, with the same power at every time and frequency but other samples.

    Args:
        noise: Noise [samples], a whole number of hops.
        hop: Samples between two measurements of the power.
        sample_rate: Samples per second.
        seed: Seed of the draw.

    Returns:
        [samples].
    """
    frames = len(noise) // hop
    half = _NOISE_WINDOW // 2
    window = np.hanning(_NOISE_WINDOW)
    padded = np.pad(np.float64(noise), half)
    pieces = np.stack([padded[k * hop : k * hop + _NOISE_WINDOW] for k in range(frames)])
    power = np.abs(np.fft.rfft(pieces * window)) ** 2 / (window**2).sum()
    smoothing = np.ones(_SMOOTHED_FRAMES) / _SMOOTHED_FRAMES
    edges = np.pad(power, ((_SMOOTHED_FRAMES // 2,) * 2, (0, 0)), mode="edge")
    power = np.apply_along_axis(np.convolve, 0, edges, smoothing, "valid")
    per_band = half // (_NOISE_BANDS - 1)
    # Each band's mean over the bins nearer to it than to its neighbours.
    bins = np.pad(power, ((0, 0), (per_band // 2, per_band // 2)), mode="edge")
    bands = bins[:, : _NOISE_BANDS * per_band].reshape(frames, _NOISE_BANDS, per_band).mean(axis=2)
    gains = np.sqrt(bands / _WHITE_POWER)[None].astype(np.float32)
    synthesizer = FilteredNoise(
        n_bands=_NOISE_BANDS, sample_rate=sample_rate, frame_rate=sample_rate // hop, scale=False
    )
    white = white_noise((1, frames * hop), seed)
    return ops.convert_to_numpy(synthesizer.get_signal(gains, white))[0]


def noise_floor(clip: dict, loss, sample_rate: int, draws: int = 4):
    """Measures the loss of a clip against itself with its noise drawn again.

    Args:
        clip: Clip with "audio" [samples], "f0_hz" and "f0_confidence" [frames].
        loss: `MultiScaleSpectralLoss`.
        sample_rate: Samples per second.
        draws: Draws over which the loss is averaged.

    Returns:
        Tuple of the losses by name, and the first of the redrawn clips [samples].
    """
    audio, hop = clip["audio"], len(clip["audio"]) // len(clip["f0_hz"])
    pitched = pitched_part(audio, clip["f0_hz"], clip["f0_confidence"], sample_rate)
    sounds = [
        pitched + redrawn(audio - pitched, hop, sample_rate, seed=draw) for draw in range(draws)
    ]
    target = np.repeat(audio[None], draws, axis=0)
    return losses(loss, target, np.stack(sounds)), sounds[0]


def synthesizer_floor(clip: dict, group, loss, *, steps: int, rate: float = 0.1, draws: int = 4):
    """Measures how close the processors come to a clip with every control free.

    Args:
        clip: Clip with "audio" [samples] and "f0_hz" [frames].
        group: A `ProcessorGroup` that takes "f0_hz"; its weights are changed.
        loss: `MultiScaleSpectralLoss`.
        steps: Steps of gradient descent.
        rate: Highest learning rate.
        draws: Draws of noise over which the loss is averaged.

    Returns:
        Tuple of the losses by name, and the best rendering of the clip [samples].
    """
    frames, target = len(clip["f0_hz"]), clip["audio"][None]
    start = {name: np.zeros((1, frames, size)) for name, size in group.input_sizes.items()}
    model = FittedInputs(group, start, {"f0_hz": clip["f0_hz"][None, :, None]})
    descend(
        model,
        loss,
        target,
        lambda step: white_noise(target.shape, seed=step),
        steps=steps,
        rate=rate,
    )
    # Other draws than those of the descent.
    noise = white_noise((draws, target.shape[1]), seed=steps)
    audio = ops.convert_to_numpy(model(noise))
    return losses(loss, np.repeat(target, draws, axis=0), audio), audio[0]
