import numpy as np
import pytest
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.dsp.wavetable import band_limited, read_tables


def sawtooth(points):
    return np.linspace(1.0, -1.0, points, endpoint=False, dtype=np.float32)[None, None]


def test_band_limit_is_a_mask_on_the_spectrum(rng):
    tables = rng.normal(size=(2, 3, 32)).astype(np.float32)
    f0_hz = np.float32([500.0, 1000.0, 3000.0])[None, :, None]
    ours = np.fft.rfft(to_numpy(compiled(lambda t: band_limited(t, f0_hz, 16000))(tables)))
    order = np.arange(17)
    expected = np.where(f0_hz * order < 8000.0, np.fft.rfft(tables), 0.0)
    assert_close(ours, expected, SUMS)


@pytest.mark.parametrize("f0_hz", [0.0, -1.0])
def test_nothing_is_left_without_a_pitch(f0_hz):
    ours = to_numpy(band_limited(sawtooth(16) + 1.0, np.full((1, 1, 1), f0_hz, "float32"), 16000))
    assert_close(ours, 0.0, peak=1.0)


def test_reading_is_periodic_linear_interpolation(rng):
    tables = rng.normal(size=(2, 3, 16))
    phase = rng.uniform(0.0, 50.0, (2, 3, 40))
    expected = np.empty(phase.shape)
    for at in np.ndindex(2, 3):
        closed = np.append(tables[at], tables[at][0])
        expected[at] = np.interp(16.0 * (phase[at] % 1.0), np.arange(17), closed)
    ours = to_numpy(compiled(read_tables)(np.float32(tables), np.float32(phase)))
    assert_close(ours, expected, SUMS)


def test_a_phase_just_below_a_whole_cycle_stays_inside():
    table = np.arange(8, dtype=np.float32)[None, None]
    phase = np.nextafter(np.float32([[[1.0, 2.0, 3.0]]]), np.float32(0.0))
    ours = to_numpy(read_tables(table, phase))
    assert np.all((ours >= 0.0) & (ours <= 7.0))


def test_gradient_of_a_table_says_how_often_a_point_is_read():
    phase = np.float32([[[0.0, 0.25, 0.25, 0.625]]])
    (slope,) = gradient(lambda t: ops.sum(read_tables(t, phase)), np.zeros((1, 1, 4)))
    np.testing.assert_allclose(slope[0, 0], [1.0, 2.0, 0.5, 0.5])


@tensorflow_only
def test_unknown_length(rng):
    tables = rng.normal(size=(2, 3, 16)).astype(np.float32)
    phase = rng.uniform(0.0, 1.0, (2, 3, 5)).astype(np.float32)
    ours = with_unknown_length(read_tables, tables, phase)
    assert_close(ours, to_numpy(read_tables(tables, phase)))
