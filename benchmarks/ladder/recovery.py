"""Rung 1: known controls, noise filters and an impulse response, recovered through the loss."""

from pathlib import Path

import numpy as np
from fitted_inputs import FittedInputs, descend, losses
from gates import Result, Table
from keras import ops
from material import room_response
from one_clip import keep_sounds
from plan import Plan

from ddsp_tf.app.recordings import recording
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.dsp.noise_filter import impulse_response
from ddsp_tf.inference.rendering import white_noise
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.processors import FilteredNoise, Harmonic, ProcessorGroup, Reverb

_RATE, _FRAME_RATE, _FRAMES = 16000, 100, 50
_HOP = _RATE // _FRAME_RATE
_HARMONICS, _BANDS, _DRAWS = 20, 17, 4
_ROOM_SECONDS = 0.12


def climb(plan: Plan, folder: Path, on_step=None) -> Result:
    """Makes sounds from known numbers, and recovers these by gradient descent on the loss.

    Args:
        plan: Steps and bounds.
        folder: Folder for all files.
        on_step: Called as `on_step(done, 4, {})`.

    Returns:
        The rung's result.
    """
    result = Result(1, "known controls recovered", "synthetic", folder)
    result.tables.append(
        Table(
            f"{plan.recovery_steps} steps of descent",
            ["what", "loss before", "loss after", "error before, dB", "error after, dB"],
            [],
        )
    )
    rng = np.random.default_rng(plan.seed)
    sounds = {}
    parts = (_harmonics, _noise, _noise_with_other_draws, _room)
    for done, part in enumerate(parts):
        sounds |= part(plan, rng, result)
        if on_step:
            on_step(done + 1, len(parts), {})
    keep_sounds(result, sounds, _RATE)
    return result


def _harmonics(plan, rng, result):
    f0_hz = (220.0 + 20.0 * np.sin(np.arange(_FRAMES) / 9.0))[None, :, None]
    known = {"amplitudes": _curves(rng, 1), "harmonic_distribution": _curves(rng, _HARMONICS)}
    synthesizer = Harmonic(_HARMONICS, _RATE, _FRAME_RATE)
    group = ProcessorGroup([(synthesizer, ["amplitudes", "harmonic_distribution", "f0_hz"])])
    silence = np.zeros((1, _FRAMES * _HOP), np.float32)

    def levels(model):
        controls = model.controls(silence)["harmonic"]
        return controls["amplitudes"] * controls["harmonic_distribution"]

    truth = FittedInputs(group, known, {"f0_hz": f0_hz})
    start = {name: np.zeros_like(value) for name, value in known.items()}
    model = FittedInputs(group, start, {"f0_hz": f0_hz})
    target = ops.convert_to_numpy(truth(silence))
    # Harmonics 40 dB below the strongest of their frame hardly affect any loss.
    heard = levels(truth) > 0.01 * levels(truth).max(axis=2, keepdims=True)

    def error_db():
        difference = np.abs(20.0 * np.log10(levels(model) / levels(truth)))
        return np.percentile(difference[heard], 95)

    _, last = _descend(
        "harmonics, 95 % of them", plan, result, model, target, lambda step: silence, error_db
    )
    result.at_most("error of 95 % of the harmonics, dB", last, plan.reached["harmonics_db"])
    return {"harmonics": target[0], "harmonics recovered": ops.convert_to_numpy(model(silence))[0]}


def _noise(plan, rng, result):
    return _noise_filter(plan, rng, result, "the same noise", "noise_filter_db", fresh=False)


def _noise_with_other_draws(plan, rng, result):
    return _noise_filter(plan, rng, result, "other noise", "noise_filter_fresh_db", fresh=True)


def _noise_filter(plan, rng, result, what, bound, fresh):
    synthesizer = FilteredNoise(_BANDS, _RATE, _FRAME_RATE)
    group = ProcessorGroup([(synthesizer, ["noise_magnitudes"])])
    known = {"noise_magnitudes": _curves(rng, _BANDS) + 3.0}
    shape = (_DRAWS, _FRAMES * _HOP)
    noise = white_noise(shape, seed=plan.seed)

    def response(model):
        # The window averages neighbouring bands, so the filter can be found, not its numbers.
        gains = model.controls(noise[:1])["filtered_noise"]["noise_magnitudes"]
        return np.abs(np.fft.rfft(ops.convert_to_numpy(impulse_response(gains)), 64))

    truth = FittedInputs(group, known)
    model = FittedInputs(group, {name: np.zeros_like(value) for name, value in known.items()})
    target = ops.convert_to_numpy(truth(noise))

    def error_db():
        return np.abs(20.0 * np.log10(response(model) / response(truth))).mean()

    def signal_of(step):
        return white_noise(shape, seed=plan.seed + 1 + step) if fresh else noise

    name = f"noise filter, {what}"
    _, last = _descend(name, plan, result, model, target, signal_of, error_db, rate=0.2)
    result.at_most(f"mean error of the {name}, dB", last, plan.reached[bound])
    return {name: target[0], f"{name} recovered": ops.convert_to_numpy(model(noise))[0]}


def _room(plan, rng, result):
    violin = read_audio(recording("violin"), _RATE)
    starts = (np.array([12.0, 40.0]) * _RATE).astype(int)
    dry = np.stack([violin[start : start + _RATE] for start in starts])
    known = room_response(_ROOM_SECONDS, _RATE, plan.seed)
    given = Reverb(length=known.size, learned=False)
    target = ops.convert_to_numpy(given(dry, known))
    learned = Reverb(length=known.size)
    model = FittedInputs(ProcessorGroup([(learned, ["dry"])]), signal_name="dry")

    def error_db():
        found = ops.convert_to_numpy(learned.impulse_response)
        return 10.0 * np.log10(np.square(found - known).sum() / np.square(known).sum())

    _, last = _descend(
        "impulse response", plan, result, model, target, lambda step: dry, error_db, rate=3e-3
    )
    result.at_least(
        "impulse response over its error, dB", -last, plan.reached["impulse_response_db"]
    )
    found = ops.convert_to_numpy(learned.impulse_response)
    return {"room": known, "room recovered": found, "violin in the room": target[0]}


def _descend(what, plan, result, model, target, signal_of, error_db, rate=0.1):
    """Descends; adds a row to the table; returns the error before and after."""
    loss = MultiScaleSpectralLoss()

    def now():
        return losses(loss, target, model(signal_of(0)))["loss"], float(error_db())

    before = now()
    descend(model, loss, target, signal_of, steps=plan.recovery_steps, rate=rate)
    after = now()
    result.tables[0].rows.append(
        [what, f"{before[0]:.2f}", f"{after[0]:.2f}", f"{before[1]:.1f}", f"{after[1]:.2f}"]
    )
    return before[1], after[1]


def _curves(rng, channels):
    """Smooth raw inputs, [1, frames, channels]."""
    points = rng.normal(size=(_FRAMES // 10 + 2, channels))
    time = np.arange(_FRAMES) / 10.0
    columns = [np.interp(time, np.arange(len(points)), column) for column in points.T]
    return np.stack(columns, axis=1)[None].astype(np.float32)
