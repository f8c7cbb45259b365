"""YIN on signals whose pitch is known exactly."""

import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy, with_unknown_length
from pitch_signals import (
    HOLLOW,
    MISSING_FUNDAMENTAL,
    RICH,
    WEAK_FUNDAMENTAL,
    cents_between,
    glide,
    notes,
    steady,
    tone,
    vibrato,
)

from ddsp_tf.features.yin import yin_pitch

KINDS = {
    "sine": (1.0,),
    "rich": RICH,
    "hollow": HOLLOW,
    "weak fundamental": WEAK_FUNDAMENTAL,
    "missing fundamental": MISSING_FUNDAMENTAL,
}


def curves():
    """A second or two each: 30 Hz to 2 kHz in steps of 5.3 semitones, glides, vibrato."""
    yield from (steady(hz) for hz in 30.0 * 2.0 ** (np.arange(14) * 6.06 / 13))
    yield from (glide(*ends) for ends in ((40, 160), (800, 200), (600, 1900)))
    yield from (vibrato(hz) for hz in (60, 220, 880))


def track(audio, sample_rate=16000, hop=160, **settings):
    run = compiled(lambda tensor: yin_pitch(tensor, sample_rate, hop, **settings))
    f0_hz, confidence = run(np.atleast_2d(audio))
    return to_numpy(f0_hz), to_numpy(confidence)


def errors(snr_db):
    """Cents and confidence of every frame of every test signal."""
    cents, confidence = [], []
    for seed, (kind, amplitudes) in enumerate(KINDS.items()):
        signals = [tone(curve, amplitudes=amplitudes, phase_seed=seed) for curve in curves()]
        # Too high to keep three harmonics below the Nyquist frequency: no pitch to find.
        signals = [s for s in signals if kind != "missing fundamental" or s.f0_hz.max() < 1200]
        # Signals of one length are one batch.
        for samples in {signal.audio.size for signal in signals}:
            batch = [s.with_noise(snr_db, seed) for s in signals if s.audio.size == samples]
            f0_hz, sure = track(np.stack([signal.audio for signal in batch]))
            truth = np.stack([signal.frames(160) for signal in batch])
            cents.append(cents_between(f0_hz, truth).ravel())
            confidence.append(sure.ravel())
    return np.concatenate(cents), np.concatenate(confidence)


@tensorflow_only
@pytest.mark.parametrize(
    ("snr_db", "within_50", "within_25", "voiced"),
    [(np.inf, 0.995, 0.995, 0.995), (10.0, 0.995, 0.99, 0.99), (0.0, 0.9, 0.8, 0.85)],
)
def test_accuracy_from_30_hz_to_2_khz(snr_db, within_50, within_25, voiced):
    cents, confidence = errors(snr_db)
    assert np.mean(cents < 50) >= within_50
    assert np.mean(cents < 25) >= within_25
    assert np.mean(confidence >= 0.5) >= voiced


@pytest.mark.parametrize(("sample_rate", "hop"), [(16000, 64), (44100, 147), (48000, 192)])
def test_glide_has_no_lag_at_any_rate(sample_rate, hop):
    signal = tone(glide(200, 800, 1.0, sample_rate), sample_rate, RICH)
    f0_hz, confidence = track(signal.audio, sample_rate, hop)
    truth = signal.frames(hop)
    assert f0_hz.shape == confidence.shape == (1, truth.size)
    inside = slice(truth.size // 20, -truth.size // 20)
    # The glide moves 2.4 cents a millisecond.
    assert np.max(cents_between(f0_hz[0], truth)[inside]) < 5
    assert abs(np.mean(np.log2(f0_hz[0] / truth)[inside])) * 1200 < 1


@pytest.mark.parametrize("ratio", [2.0, 0.5, 3.0, 2 ** (2 / 12)])
def test_step_stays_a_step(ratio):
    signal = tone(notes([300.0, 300.0 * ratio]), amplitudes=RICH)
    f0_hz = track(signal.audio, hop=64)[0][0]
    truth = signal.frames(64)
    edge = np.abs(np.arange(truth.size) - truth.size // 2) <= 4
    assert np.max(cents_between(f0_hz, truth)[~edge][2:-2]) < 10


def test_confidence_is_the_share_of_power_that_repeats(rng):
    noise = 0.1 * rng.normal(size=32000).astype(np.float32)
    _, confidence = track(noise)
    assert np.mean(confidence >= 0.5) < 0.01
    gate = np.repeat([1.0, 0.0, 1.0], 8000)
    _, confidence = track(tone(steady(300.0, 1.5), amplitudes=RICH).audio * gate)
    assert np.all(confidence[0, 55:95] == 0)
    assert np.min(confidence[0, 5:45]) > 0.98
    assert np.all((confidence >= 0) & (confidence <= 1))


def test_very_quiet_sound_has_no_confidence():
    audio = tone(steady(300.0)).audio
    assert np.median(track(audio * 1e-2)[1]) > 0.9
    assert np.max(track(audio * 1e-4)[1]) < 0.1


def test_range_is_obeyed():
    audio = tone(steady(200.0), amplitudes=RICH).audio
    assert np.all(track(audio, lowest_hz=300.0, highest_hz=900.0)[0] > 290)
    assert np.all(track(audio, lowest_hz=40.0, highest_hz=150.0)[0] < 155)


def test_batch_and_offset_do_not_matter(rng):
    audio = rng.normal(size=(2, 8000)).astype(np.float32)
    audio[1] += 5 * tone(steady(100.0, 0.5)).audio
    together = track(audio, hop=100)
    alone = track(audio[1], hop=100)
    np.testing.assert_allclose(together[0][1], alone[0][0], rtol=1e-4)
    later = track(np.pad(tone(vibrato(100.0, seconds=0.5)).audio + 0.1, (1000, 0)), hop=100)
    direct = track(tone(vibrato(100.0, seconds=0.5)).audio + 0.1, hop=100)
    np.testing.assert_allclose(later[0][0, 30:70], direct[0][0, 20:60], rtol=1e-4)


@tensorflow_only
def test_graph_of_unknown_shape_gives_the_same():
    audio = np.stack([tone(steady(hz, 0.3), amplitudes=RICH).audio for hz in (50, 700)])
    in_graph = with_unknown_length(lambda tensor: yin_pitch(tensor, 16000, 64), audio)
    for ours, expected in zip(in_graph, yin_pitch(audio, 16000, 64), strict=True):
        np.testing.assert_allclose(ours, to_numpy(expected), rtol=1e-5, atol=1e-6)
    nothing = with_unknown_length(lambda tensor: yin_pitch(tensor, 16000, 64), audio[:, :10])
    assert [part.shape for part in nothing] == [(2, 0), (2, 0)]


@tensorflow_only
def test_litert_runs_it_with_builtin_operators():
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    audio = tone(glide(100, 300, 0.5), amplitudes=RICH).audio[None]
    function = tf.function(lambda tensor: yin_pitch(tensor, 16000, 64))
    concrete = function.get_concrete_function(tf.TensorSpec(audio.shape, tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], audio)
    interpreter.invoke()
    details = interpreter.get_output_details()
    expected = yin_pitch(audio, 16000, 64)
    for detail, value in zip(details, expected, strict=True):
        np.testing.assert_allclose(
            interpreter.get_tensor(detail["index"]), to_numpy(value), rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize(
    "settings", [{"lowest_hz": 500, "highest_hz": 400}, {"sample_rate": 100}, {"hop": 0}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match="range"):
        yin_pitch(np.zeros((1, 1000)), **{"sample_rate": 16000, "hop": 64, **settings})
