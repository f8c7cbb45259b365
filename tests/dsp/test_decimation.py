"""Decimation passes what the lower rate can hold and stops the rest."""

import numpy as np
import pytest
from backends import to_numpy

from ddsp_tf.dsp.decimation import decimate, decimation_filter


@pytest.mark.parametrize("factor", [2, 3, 6])
@pytest.mark.parametrize(("share", "gain"), [(0.01, 1.0), (0.41, 1.0), (0.6, 0.0), (0.9, 0.0)])
def test_gain_by_frequency(factor, share, gain):
    taps = decimation_filter(factor)
    cycles = share / factor * np.arange(taps.size - factor + 2000 * factor)
    outputs = to_numpy(decimate(np.sin(2 * np.pi * cycles)[None].astype(np.float32), taps, factor))
    assert outputs.shape == (1, 2000)
    assert np.sqrt(2.0 * np.mean(outputs**2)) == pytest.approx(gain, abs=0.002)


def test_blocks_join(rng):
    taps, audio = decimation_filter(3), rng.normal(size=(2, 996)).astype(np.float32)
    history = taps.size - 3
    whole = to_numpy(decimate(audio, taps, 3))
    first = to_numpy(decimate(audio[:, : history + 300], taps, 3))
    second = to_numpy(decimate(audio[:, 300:], taps, 3))
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)


def test_a_factor_of_one_changes_nothing(rng):
    audio = rng.normal(size=(1, 50)).astype(np.float32)
    np.testing.assert_array_equal(to_numpy(decimate(audio, decimation_filter(1), 1)), audio)
