import numpy as np
import pytest
from backends import compiled, to_numpy
from small_models import make_decoder, randomize
from tolerance import assert_close

from ddsp_tf.models import DilatedConvDecoder
from ddsp_tf.models.dilated_conv_decoder import DilatedConv

SIZES = {"amplitudes": 1, "harmonic_distribution": 60, "noise_magnitudes": 65}


def test_size_of_the_decoder():
    decoder = DilatedConvDecoder(SIZES)
    decoder.build()
    assert decoder.receptive_field == 1 + 2 * 2 * (1 + 3 + 9 + 27 + 81)
    assert decoder.state_size == 484 * 128
    assert decoder.count_params() == 3_526_654


def test_layer_is_its_formula(rng):
    layer = DilatedConv(3, kernel_size=3, dilation=2)
    layer.build()
    randomize(layer)
    inputs = rng.normal(size=(2, 9, 3)).astype(np.float32)
    history = rng.normal(size=(2, 4, 3)).astype(np.float32)
    scale, offset, kernel, bias, output_kernel, output_bias = map(np.float64, layer.get_weights())
    x = inputs - inputs.mean(-1, keepdims=True, dtype=np.float64)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * scale + offset
    line = np.concatenate([history, x], axis=1)
    kernel, expected = kernel.reshape(3, 3, 6), []
    for frame in range(9):
        now = sum(line[:, frame + 2 * tap] @ kernel[tap] for tap in range(3)) + bias
        gated = np.tanh(now[:, :3]) / (1.0 + np.exp(-now[:, 3:]))
        expected.append(inputs[:, frame] + gated @ output_kernel + output_bias)
    outputs, after = compiled(layer)(inputs, history.reshape(2, -1))
    assert_close(to_numpy(outputs), np.stack(expected, axis=1))
    assert_close(to_numpy(after), line[:, -4:].reshape(2, -1))


def test_looks_back_as_far_as_it_says():
    decoder = make_decoder("dilated_conv", input_names=("f0_hz",))
    assert decoder.receptive_field == 1 + 1 + 3 + 1
    decoder.build()
    randomize(decoder)
    f0 = np.zeros((2, 20, 1), np.float32)
    f0[1, 7] = 1.0
    outputs = to_numpy(compiled(decoder)({"f0_hz": f0})[0]["noise_magnitudes"])
    changed = np.flatnonzero(np.abs(outputs[1] - outputs[0]).max(axis=-1))
    assert changed.min() == 7 and changed.max() == 7 + decoder.receptive_field - 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"conv_layers": 0}, "conv_layers=0, .* expected at least one"),
        ({"dilations": ()}, "expected at least one"),
        ({"kernel_size": 1}, "kernel_size=1, .* expected at least 1, 2 and 1"),
    ],
)
def test_mistakes(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_decoder("dilated_conv", **wrong)
