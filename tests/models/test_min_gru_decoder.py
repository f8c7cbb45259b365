import numpy as np
import pytest
from backends import compiled, to_numpy
from small_models import make_decoder, randomize
from tolerance import SUMS, assert_close

from ddsp_tf.models import MinGruDecoder
from ddsp_tf.models.min_gru_decoder import MinGru

SIZES = {"amplitudes": 1, "harmonic_distribution": 60, "noise_magnitudes": 65}


@pytest.mark.parametrize(
    ("channels", "parameters"),
    [({}, 4_016_254), ({"stack_channels": 256, "rnn_channels": 128}, 729_086)],
)
def test_sizes_by_default_and_of_the_shipped_decoder(channels, parameters):
    decoder = MinGruDecoder(SIZES, **channels)
    decoder.build()
    assert decoder.count_params() == parameters
    assert decoder.state_size == 2 * decoder.rnn_channels


def test_layer_is_its_formula(rng):
    layer = MinGru(4)
    layer.build()
    randomize(layer)
    inputs = rng.normal(size=(2, 33, 4)).astype(np.float32)
    state = rng.normal(size=(2, 4)).astype(np.float32)
    scale, offset, gate, gate_bias, candidate, candidate_bias = map(np.float64, layer.get_weights())
    x = inputs - inputs.mean(-1, keepdims=True, dtype=np.float64)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * scale + offset
    z = 1.0 / (1.0 + np.exp(-(x @ gate + gate_bias)))
    c = x @ candidate + candidate_bias
    h, expected = np.float64(state), []
    for frame in range(inputs.shape[1]):
        h = (1.0 - z[:, frame]) * h + z[:, frame] * c[:, frame]
        expected.append(inputs[:, frame] + h)
    outputs, last = compiled(layer)(inputs, state)
    assert_close(to_numpy(outputs), np.stack(expected, axis=1))
    assert_close(to_numpy(last), h)


def test_a_new_layer_remembers_differently_long():
    layer = MinGru(5)
    layer.build()
    memory = 1.0 + np.exp(-to_numpy(layer.gate.bias))
    assert_close(memory, np.geomspace(2.0, 256.0, 5), SUMS, relative=True)
    # A sound of one frame has left 1 / e of itself after that many frames without another one.
    kept = (1.0 - 1.0 / memory[1:]) ** memory[1:]
    assert np.all((kept > 0.3) & (kept < np.exp(-1.0)))


def test_saturated_gates_stay_finite():
    layer = MinGru(3)
    layer.build()
    layer.gate.bias.assign([-200.0, 0.0, 200.0])
    inputs = np.float32(np.random.default_rng(0).normal(size=(1, 40, 3)))
    outputs, last = compiled(layer)(inputs, np.ones((1, 3), np.float32))
    assert np.isfinite(to_numpy(outputs)).all()
    # A closed gate keeps the state for good.
    np.testing.assert_allclose(to_numpy(last)[0, 0], 1.0)


def test_no_recurrence():
    with pytest.raises(ValueError, match="rnn_layers=0; expected at least 1"):
        make_decoder("min_gru", rnn_layers=0)
    with pytest.raises(ValueError, match="channels=0; expected at least 1"):
        MinGru(0)
