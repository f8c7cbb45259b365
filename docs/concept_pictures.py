"""Makes the pictures of docs/concepts.md from the result of `make demo`: `make pictures`.

`controls.png` follows four seconds of the unseen phrase through the model, `loss_views.png` shows
what the spectral loss compares, `loss_terms.png` how its terms rate common mistakes.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from keras import ops
from matplotlib import pyplot
from PIL import Image

from ddsp_tf.app.recordings import recording
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.playing import load_player
from ddsp_tf.inference.rendering import white_noise
from ddsp_tf.losses import MultiScaleSpectralLoss

SECONDS = 4.0
SIZES = (2048, 256, 64)
SHORT_NAMES = {
    "magnitude": "linear",
    "log_magnitude": "log",
    "delta_time": "over time",
    "delta_frequency": "over frequency",
    "cumulative_frequency": "summed",
    "loudness": "loudness",
}


def controls_and_signals(model, curves, seed=0):
    """Every processor's signal and controls for curves [frames]; numpy, without batch."""
    batch = {name: np.asarray(curves[name], np.float32)[None] for name in model.feature_names}
    batch["noise"] = white_noise((1, batch["f0_hz"].shape[1] * model.hop), seed)
    signals, controls = model.render(batch)
    signals = {name: ops.convert_to_numpy(signal)[0] for name, signal in signals.items()}
    return signals, {
        node: {name: ops.convert_to_numpy(value)[0] for name, value in own.items()}
        for node, own in controls.items()
        if node in ("harmonic", "filtered_noise")
    }


def draw_controls(path, audio, curves, signals, controls, model):
    """One time axis: recording, features, controls, sounds."""
    figure, axes = pyplot.subplots(8, 1, figsize=(9, 14), sharex=True)
    seconds = len(curves["f0_hz"]) / model.frame_rate
    time = np.arange(len(curves["f0_hz"])) / model.frame_rate
    harmonic, noise = controls["harmonic"], controls["filtered_noise"]
    draw_spectrogram(axes[0], audio, model.sample_rate, "the recording")
    pitch = np.where(curves["f0_confidence"] >= 0.5, curves["f0_hz"], np.nan)
    axes[1].plot(time, curves["f0_hz"], color="0.75", linewidth=1)
    axes[1].plot(time, pitch, color="tab:blue")
    axes[1].set(title="feature: f0 (grey where the tracker is unsure)", ylabel="Hz")
    axes[2].plot(time, curves["loudness_db"], color="tab:blue")
    axes[2].set(title="feature: loudness", ylabel="dB")
    axes[3].plot(time, harmonic["amplitudes"][:, 0], color="tab:green")
    axes[3].set(title="control: amplitude of the whole tone", ylabel="linear")
    shares_db = decibels(harmonic["harmonic_distribution"])
    extent = (0, seconds, 0.5, harmonic["harmonic_distribution"].shape[1] + 0.5)
    draw_map(axes[4], shares_db, extent, "control: share of each harmonic", "harmonic")
    extent = (0, seconds, 0, model.sample_rate / 2000)
    gains_db = decibels(noise["noise_magnitudes"])
    draw_map(axes[5], gains_db, extent, "control: gain of each noise band", "kHz")
    draw_spectrogram(axes[6], signals["dry"], model.sample_rate, "sound: harmonics + noise")
    draw_spectrogram(
        axes[7], list(signals.values())[-1], model.sample_rate, "sound: with the room, the output"
    )
    axes[7].set_xlabel("seconds")
    axes[0].set_xlim(0, seconds)
    save(figure, path)


def draw_loss_views(path, target, render, sample_rate):
    """Rows: window sizes. Columns: what the linear and the log term compare."""
    figure, axes = pyplot.subplots(len(SIZES), 4, figsize=(11, 7), sharex=True, sharey=True)
    for row, size in zip(axes, SIZES, strict=True):
        views = [magnitudes(audio, size) for audio in (target, render)]
        logs = [np.log(np.maximum(view, 1e-5)) for view in views]
        for axis, view in zip(row, (views[0], views[1], logs[0], logs[1]), strict=True):
            low = -7 if view is logs[0] or view is logs[1] else 0
            high = max(view.max() for view in (logs if low else views))
            extent = (0, len(target) / sample_rate, 0, sample_rate / 2000)
            axis.imshow(view.T, origin="lower", aspect="auto", extent=extent, vmin=low, vmax=high)
        row[0].set_ylabel(f"{size} samples\nkHz")
    titles = ("linear: recording", "linear: model", "log: recording", "log: model")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    save(figure, path)


def mistakes(model, curves):
    """Returns renders with one deliberate mistake each, by name, and the correct one."""
    signals, controls = controls_and_signals(model, curves)
    harmonic, noise = (
        {name: value[None] for name, value in controls[node].items() if name != "noise"}
        for node in ("harmonic", "filtered_noise")
    )
    processors = {processor.name: processor for processor in model.processor_group.processors}
    draw = white_noise((1, len(signals["dry"])), seed=0)

    def play(level=1.0, pitch=1.0, tilt=0.0, noise_gain=1.0, seed=None, room=True, late=0):
        distribution = harmonic["harmonic_distribution"]
        order = np.arange(1, distribution.shape[-1] + 1)
        distribution = distribution * order**tilt
        distribution = distribution / np.maximum(distribution.sum(-1, keepdims=True), 1e-7)
        sines = processors["harmonic"].get_signal(
            harmonic["amplitudes"], np.float32(distribution), np.float32(pitch * harmonic["f0_hz"])
        )
        hiss = processors["filtered_noise"].get_signal(
            np.float32(noise_gain * noise["noise_magnitudes"]),
            noise=draw if seed is None else white_noise(draw.shape, seed),
        )
        dry = np.float32(level) * (ops.convert_to_numpy(sines) + ops.convert_to_numpy(hiss))
        wet = ops.convert_to_numpy(processors["reverb"](dry)) if room else dry
        return np.pad(wet, ((0, 0), (late, 0)))[:, : wet.shape[1]]

    return play(), {
        "3 dB softer": play(level=10 ** (-3 / 20)),
        "10 cents sharp": play(pitch=2 ** (10 / 1200)),
        "an octave high": play(pitch=2.0),
        "too bright": play(tilt=0.5),
        "noise 10 dB too soft": play(noise_gain=10 ** (-10 / 20)),
        "other noise, same gains": play(seed=1),
        "no room": play(room=False),
        "10 ms late": play(late=model.sample_rate // 100),
    }


def draw_loss_terms(path, model, curves):
    """A table of numbers: mistakes by terms, in units of the first mistake."""
    weights = {f"{name}_weight": 1.0 for name in SHORT_NAMES if "magnitude" not in name}
    loss = MultiScaleSpectralLoss(sample_rate=model.sample_rate, **weights)
    right, wrong = mistakes(model, curves)
    sums = [loss.kind_sums(right, render) for render in wrong.values()]
    table = np.array([[float(row[name][0]) for name in SHORT_NAMES] for row in sums])
    figure, axis = pyplot.subplots(figsize=(9, 4.5))
    relative = table / table[:1]
    axis.imshow(np.log2(np.maximum(relative, 1e-3)), cmap="PuOr_r", vmin=-4, vmax=4, aspect="auto")
    axis.set_xticks(range(len(SHORT_NAMES)), SHORT_NAMES.values())
    axis.set_yticks(range(len(wrong)), wrong)
    axis.xaxis.tick_top()
    for (row, column), value in np.ndenumerate(relative):
        ink = "white" if value < 0.35 else "black"
        axis.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink)
    save(figure, path)


def decibels(gain):
    """Decibels of gains, not below -100."""
    return 20 * np.log10(np.maximum(gain, 1e-5))


def magnitudes(audio, size):
    """Hann-windowed spectra [frames, bins], as the loss makes them."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 4]
    return np.abs(np.fft.rfft(frames * np.hanning(size + 1)[:-1]))


def draw_spectrogram(axis, audio, sample_rate, title):
    """Short-time spectra of audio [samples]."""
    level_db = decibels(magnitudes(np.pad(audio, 512), 1024))
    extent = (0, len(audio) / sample_rate, 0, sample_rate / 2000)
    draw_map(axis, level_db, extent, title, "kHz")


def draw_map(axis, values_db, extent, title, label):
    """Decibels [time, rows] as colours, 60 dB deep."""
    deepest = values_db.max() - 60
    axis.imshow(values_db.T, origin="lower", aspect="auto", extent=extent, vmin=deepest)
    axis.set(title=title, ylabel=label)


def save(figure, path):
    """Writes a PNG file of few colours."""
    for axis in figure.axes:
        axis.title.set_fontsize(10)
    figure.tight_layout()
    file = io.BytesIO()
    figure.savefig(file, dpi=80)
    pyplot.close(figure)
    Image.open(file).convert("RGB").quantize(96).save(path, optimize=True)


def main():
    """Draws everything into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="the folder that `make demo` made")
    parser.add_argument("out", type=Path, help="folder for the PNG files")
    arguments = parser.parse_args()
    model = load_model(arguments.demo / "run")
    _, extractor = load_player(arguments.demo / "run")
    audio = read_audio(recording("violin_unseen"), model.sample_rate)
    audio = audio[: int(SECONDS * model.sample_rate)]
    curves = extractor.extract(audio)
    signals, controls = controls_and_signals(model, curves)
    render = list(signals.values())[-1]
    draw_controls(arguments.out / "controls.png", audio, curves, signals, controls, model)
    draw_loss_views(arguments.out / "loss_views.png", audio, render, model.sample_rate)
    draw_loss_terms(arguments.out / "loss_terms.png", model, curves)


if __name__ == "__main__":
    main()
