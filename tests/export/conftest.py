"""What tests of exported models share."""

import numpy as np
import pytest


@pytest.fixture
def make_features(rng):
    """Makes features of the tiny model: `make_features(batch, frames)` -> dictionary."""

    def make(batch, frames, hop=160):
        return {
            "f0_hz": rng.uniform(200.0, 500.0, (batch, frames)).astype(np.float32),
            "loudness_db": rng.uniform(-50.0, -10.0, (batch, frames)).astype(np.float32),
            "noise": rng.uniform(-1.0, 1.0, (batch, frames * hop)).astype(np.float32),
        }

    return make


def _spoilt(name, value):
    def spoil(features):
        features[name][0, 3:6] = value

    return spoil


@pytest.fixture(
    params=[
        pytest.param(_spoilt("f0_hz", np.nan), id="NaN f0"),
        pytest.param(_spoilt("f0_hz", np.inf), id="infinite f0"),
        pytest.param(_spoilt("f0_hz", -440.0), id="negative f0"),
        pytest.param(_spoilt("f0_hz", 8000.1), id="f0 above Nyquist"),
        pytest.param(_spoilt("f0_hz", 3e38), id="huge f0"),
        pytest.param(_spoilt("loudness_db", np.nan), id="NaN loudness"),
        pytest.param(_spoilt("loudness_db", -np.inf), id="loudness of silence"),
        pytest.param(_spoilt("loudness_db", 1e5), id="huge loudness"),
        pytest.param(_spoilt("noise", np.nan), id="NaN noise"),
    ]
)
def spoil(request):
    """Makes some of the features bad, in place."""
    return request.param
