import numpy as np
import pytest
import synthesizer_references as expected
from backends import TENSORFLOW, compiled, to_numpy
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.processors import Harmonic, Wavetable


@pytest.fixture
def raw(rng):
    """Raw amplitudes, pitch and tables of 64 points, batch 3 of 12 frames."""
    return {
        "amplitudes": rng.normal(size=(3, 12, 1)).astype(np.float32),
        "f0_hz": rng.uniform(200.0, 900.0, (3, 12, 1)).astype(np.float32),
        "wavetables": rng.normal(size=(3, 12, 64)).astype(np.float32),
    }


def tone(f0_hz, table, frames=250, **settings):
    """One second of a table at a steady pitch, [samples]."""
    one = np.ones((1, frames, 1), np.float32)
    processor = Wavetable(n_points=len(table), scale=False, learned=False, **settings)
    return to_numpy(compiled(processor)(one, f0_hz * one, np.float32(table)[None, None]))[0]


@pytest.mark.parametrize("interpolation", ["hann", "linear"])
def test_what_every_processor_does(run_processor_test, raw, interpolation):
    processor = Wavetable(n_points=64, learned=False, interpolation=interpolation)
    run_processor_test(processor, raw)


def test_a_learned_table_does_it_too(run_processor_test, raw):
    processor = Wavetable(n_points=64)
    processor.build()
    processor.wavetable.assign(raw.pop("wavetables")[0, 0])
    run_processor_test(processor, raw)


def test_equals_interpolation_in_float64(raw):
    ours = to_numpy(compiled(Wavetable(n_points=64, learned=False))(*raw.values()))
    assert_close(ours, expected.wavetable(*raw.values()), SUMS)


def test_starts_as_a_sine(raw):
    inputs = [raw["amplitudes"], raw["f0_hz"]]
    ours = to_numpy(Wavetable()(*inputs))
    one_share = np.ones((3, 12, 1), np.float32)
    sine = Harmonic(1, scale=False).get_signal(
        expected.exp_sigmoid(inputs[0]).astype(np.float32), one_share, inputs[1]
    )
    assert_close(ours, to_numpy(sine), SUMS)


def test_one_table_for_all_frames_is_that_table_in_every_frame(raw):
    processor = Wavetable(n_points=64, learned=False)
    one = raw["wavetables"][:, :1]
    every = np.repeat(one, 12, axis=1)
    ours = [to_numpy(processor(raw["amplitudes"], raw["f0_hz"], table)) for table in (one, every)]
    assert_close(*ours)


def test_tables_are_crossfaded():
    first, last = np.zeros((2, 8), np.float32)
    first[:], last[:] = 1.0, -1.0
    tables = np.stack([first, last, last])[None]
    one = np.ones((1, 3, 1), np.float32)
    processor = Wavetable(n_points=8, scale=False, learned=False, interpolation="linear")
    signal = to_numpy(processor(one, 100.0 * one, tables))[0]
    assert_close(signal[:64], 1.0 - np.arange(64) / 32.0)
    assert_close(signal[64:], -1.0)


def aliasing_db(signal, f0_hz):
    """Level of what is not at a multiple of f0, over the rest."""
    power = np.abs(np.fft.rfft(signal * np.kaiser(signal.size, 20.0))) ** 2
    hz = np.arange(power.size) * 16000.0 / signal.size
    harmonic = np.abs(hz / f0_hz - np.round(hz / f0_hz)) * f0_hz < 10.0
    return 10.0 * np.log10(power[~harmonic].sum() / power[harmonic].sum())


@pytest.mark.parametrize("f0_hz", [441.3, 1661.2, 3001.7])
def test_a_sawtooth_does_not_alias(f0_hz):
    sawtooth = np.linspace(1.0, -1.0, 2048, endpoint=False)
    assert aliasing_db(tone(f0_hz, sawtooth), f0_hz) < -80.0
    position = 2048.0 * (f0_hz * (1 + np.arange(16000)) / 16000.0 % 1.0)
    naive = np.interp(position, np.arange(2049), np.append(sawtooth, sawtooth[0]))
    assert aliasing_db(naive, f0_hz) > -30.0


@pytest.mark.parametrize("f0_hz", [0.0, 8000.0, 12000.0])
def test_no_pitch_and_pitch_above_nyquist(f0_hz):
    signal = tone(f0_hz, np.sin(2 * np.pi * np.arange(64) / 64), frames=4)
    assert_close(signal, 0.0, peak=1.0)


def test_the_table_learns(raw):
    processor = Wavetable(n_points=64)
    processor.build()
    assert [tuple(weight.shape) for weight in processor.trainable_weights] == [(64,)]
    inputs = [raw["amplitudes"], raw["f0_hz"]]

    def heard(table):
        controls = processor.get_controls(*inputs)
        return ops.sum(processor.get_signal(**{**controls, "wavetables": table}) ** 2)

    if TENSORFLOW:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = ops.sum(processor(*inputs) ** 2)
        ours = to_numpy(tape.gradient(value, processor.wavetable.value))
    else:
        import jax

        def of_weights(weights):
            return ops.sum(processor.stateless_call([weights], [], *inputs)[0] ** 2)

        ours = to_numpy(jax.jit(jax.grad(of_weights))(processor.wavetable.value))
    table = to_numpy(processor.wavetable.value)
    change = np.float32(0.01) * np.sign(ours)
    rise = float(heard((table + change)[None, None])) - float(heard((table - change)[None, None]))
    assert rise == pytest.approx(2.0 * np.sum(ours * change), rel=1e-2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_points": 2}, "n_points=2; expected an even number of at least 4"),
        ({"n_points": 33}, "n_points=33; expected an even number"),
        ({"frame_rate": 300}, "does not divide"),
        ({"interpolation": "cubic"}, "interpolation='cubic'"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        Wavetable(**wrong)


def test_tables_missing_unexpected_or_of_another_size(raw):
    with pytest.raises(ValueError, match="organ: wavetables are given, but learned=True"):
        Wavetable(n_points=64, name="organ")(*raw.values())
    with pytest.raises(ValueError, match="organ: wavetables was not given"):
        Wavetable(learned=False, name="organ")(raw["amplitudes"], raw["f0_hz"])
    with pytest.raises(ValueError, match=r"organ: wavetables has shape .*, 64\); .* frames, 32\]"):
        Wavetable(n_points=32, learned=False, name="organ")(*raw.values())
