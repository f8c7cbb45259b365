"""Every effect on a note, a tone or noise: `python docs/examples/effects.py effects.png`.

An effect is a Keras layer. It takes raw network outputs or, with `scale=False` as here, physical
values. Values that change over time are given once a frame, [batch, frames, channels].
"""

import argparse

import numpy as np
from keras import ops

from ddsp_tf.processors import ExpDecayReverb, FilteredNoiseReverb, FirFilter, ModDelay, Reverb

SAMPLE_RATE, FRAME_RATE, SECONDS = 16000, 250, 2
FRAMES = FRAME_RATE * SECONDS
TIME = np.arange(SAMPLE_RATE * SECONDS) / SAMPLE_RATE


def tone(f0_hz: float = 330.0) -> np.ndarray:
    """Twelve harmonics, [1, samples]."""
    return sum(0.3 / k * np.sin(2 * np.pi * k * f0_hz * TIME) for k in range(1, 13))[None]


def swing(rate_hz: float) -> np.ndarray:
    """A phase that moves up and down between 0 and 1, [1, frames, 1]."""
    time = np.arange(FRAMES) / FRAME_RATE
    return 0.5 - 0.5 * np.cos(2 * np.pi * rate_hz * time)[None, :, None]


def climbing_band(n_bands: int = 65) -> np.ndarray:
    """Gains of a band that climbs from 0 Hz to Nyquist, [1, frames, n_bands]."""
    centre = np.linspace(0, n_bands - 1, FRAMES)[:, None]
    return np.exp(-(((np.arange(n_bands) - centre) / 4) ** 2))[None]


def darkening_room(n_frames: int = 100, n_bands: int = 16) -> np.ndarray:
    """Gains of a room where high frequencies die first, [n_frames, n_bands]."""
    time, band = np.linspace(0, 1, n_frames)[:, None], np.linspace(0, 1, n_bands)
    return 0.2 * np.exp(-(4 + 40 * band) * time)


def render() -> dict[str, np.ndarray]:
    """Returns the audio of every effect, [samples], by the title of its picture."""
    note = tone() * np.exp(-12 * TIME) * (TIME < 0.25)
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, note.shape)
    gain = np.ones((1, FRAMES, 1))

    # A reverb is learned, unless its parameters are given with every call: a response ...
    echoes = np.zeros(SAMPLE_RATE)
    echoes[[6400, 12800]] = [0.5, 0.25]
    echo = Reverb(length=SAMPLE_RATE, learned=False)(note, echoes)
    # ... a gain and a decay for noise ...
    hall = ExpDecayReverb(length=SAMPLE_RATE, learned=False, scale=False)
    hall = hall(note, gain=np.full((1, 1), 0.2), decay=np.full((1, 1), 8.0))
    # ... or the filters of noise.
    room = FilteredNoiseReverb(length=SAMPLE_RATE, n_frames=100, learned=False, scale=False)
    room = room(note, darkening_room())

    # A filter follows its frames without delay; the phases of delays may move as slowly as desired.
    band = FirFilter(n_bands=65, scale=False)(noise, climbing_band())
    flanger = ModDelay.flanger(scale=False)(noise, gain, swing(0.5))
    chorus = ModDelay.chorus(scale=False)(tone(), gain, swing(0.5))
    vibrato = ModDelay.vibrato(scale=False)(tone(), gain, swing(5.0))
    pictures = {
        "a note": note,
        "FirFilter on noise, a band climbs": band,
        "Reverb on the note, two echoes": echo,
        "ModDelay.flanger on noise, 0.5 Hz": flanger,
        "ExpDecayReverb on the note": hall,
        "ModDelay.chorus on a tone, 0.5 Hz": chorus,
        "FilteredNoiseReverb on the note": room,
        "ModDelay.vibrato on a tone, 5 Hz": vibrato,
    }
    return {title: ops.convert_to_numpy(audio)[0] for title, audio in pictures.items()}


def main():
    """Draws the spectrograms, 60 dB from black to white."""
    from matplotlib import pyplot

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", help="the PNG file")
    out = parser.parse_args().out
    figure, axes = pyplot.subplots(4, 2, figsize=(10, 8), sharex=True, sharey=True)
    for axis, (title, audio) in zip(axes.flat, render().items(), strict=True):
        spectrum = np.lib.stride_tricks.sliding_window_view(audio, 1024)[::64] * np.hanning(1024)
        level_db = 20 * np.log10(np.abs(np.fft.rfft(spectrum)).T + 1e-6)
        extent = (0.032, SECONDS - 0.032, 0, SAMPLE_RATE / 2000)
        axis.imshow(level_db, vmin=-25, vmax=35, origin="lower", aspect="auto", extent=extent)
        axis.set_title(title, fontsize=10)
        axis.set(xlabel="seconds", ylabel="kHz")
        axis.label_outer()
    figure.tight_layout()
    figure.savefig(out, dpi=80)


if __name__ == "__main__":
    main()
