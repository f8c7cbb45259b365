"""Every processor, network and model behaves as a Keras layer."""

import keras
import numpy as np
import pytest
from layer_harness import run_layer_test
from small_models import make_curves, make_decoder, make_group, make_group_inputs, make_model
from tolerance import SUMS, phases

from ddsp_tf import models, processors
from ddsp_tf.models.conditional_normalization import ConditionalNormalization
from ddsp_tf.models.dense_stack import DenseStack
from ddsp_tf.models.dilated_conv_decoder import DilatedConv
from ddsp_tf.models.min_gru_decoder import MinGru

RNG = np.random.default_rng(4)
BATCH, FRAMES, HOP = 3, 10, 64


def frames(channels, low=-1.0, high=1.0):
    return RNG.uniform(low, high, (BATCH, FRAMES, channels))


def signal(frames=FRAMES):
    return RNG.uniform(-0.5, 0.5, (BATCH, frames * HOP))


F0_HZ = frames(1, 200.0, 400.0)
SCALED = {"f0_hz": frames(1), "loudness_db": frames(1)}

# Layer -> how it is made, its inputs, and the weights it has once it is built.
LAYERS = {
    "Harmonic": (lambda: processors.Harmonic(4), (frames(1), frames(4), F0_HZ), 0),
    "Harmonic with a response": (
        lambda: processors.Harmonic(4, response_points=9),
        (frames(1), frames(4), F0_HZ),
        1,
    ),
    "inharmonic": (
        lambda: processors.Harmonic(4, inharmonic=True),
        (frames(1), frames(4), F0_HZ, frames(4)),
        0,
    ),
    "Sinusoidal": (lambda: processors.Sinusoidal(3), (frames(3), frames(3)), 0),
    "Wavetable": (lambda: processors.Wavetable(64), (frames(1), F0_HZ), 1),
    "FilteredNoise": (lambda: processors.FilteredNoise(9, seed=1), (frames(9),), 0),
    "Reverb": (lambda: processors.Reverb(100), (signal(),), 1),
    "Reverb, given": (
        lambda: processors.Reverb(100, learned=False),
        (signal(), RNG.normal(size=(BATCH, 100))),
        0,
    ),
    "ExpDecayReverb": (lambda: processors.ExpDecayReverb(100), (signal(),), 2),
    "FilteredNoiseReverb": (lambda: processors.FilteredNoiseReverb(100, 10), (signal(),), 1),
    "FirFilter": (lambda: processors.FirFilter(9), (signal(), frames(9)), 0),
    "ModDelay": (lambda: processors.ModDelay(), (signal(), frames(1), frames(1)), 0),
    "Mix": (lambda: processors.Mix(), (signal(), signal(), frames(1)), 0),
    "Add": (lambda: processors.Add(), (signal(), signal()), 0),
    "Crop": (lambda: processors.Crop(10), (signal(),), 0),
    "DenseStack": (lambda: DenseStack(8, 2), (frames(3),), 8),
    "ConditionalNormalization": (
        lambda: ConditionalNormalization(2),
        (frames(4), np.full((BATCH, 1, 2), 0.5)),
        2,
    ),
    "MinGru": (lambda: MinGru(4), (frames(4), RNG.normal(size=(BATCH, 4))), 6),
    "DilatedConv": (
        lambda: DilatedConv(4, 3, 2),
        (frames(4), RNG.normal(size=(BATCH, 16))),
        6,
    ),
    "RnnDecoder": (lambda: make_decoder("gru"), (SCALED,), 17),
    "MinGruDecoder": (lambda: make_decoder("min_gru"), (SCALED,), 28),
    "DilatedConvDecoder": (lambda: make_decoder("dilated_conv"), (SCALED,), 34),
    "MfccRnnEncoder": (
        lambda: models.MfccRnnEncoder(
            z_dims=2, stride=5, n_mels=20, n_coefficients=6, rnn_channels=8
        ),
        (signal(),),
        7,
    ),
    "ProcessorGroup": (make_group, (make_group_inputs(BATCH, FRAMES),), 1),
}
SINES = ("Harmonic", "inharmonic", "Sinusoidal", "Wavetable", "ProcessorGroup")


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_a_keras_layer(name):
    make, arguments, weights = LAYERS[name]
    rounding = phases(8000.0, FRAMES / 250) if name.startswith(SINES) else SUMS
    run_layer_test(make, arguments, weights, rounding, stateless=name != "FilteredNoise")


def test_no_layer_is_left_out():
    tested = {type(make()) for make, _, _ in LAYERS.values()}
    apart = {"Processor", "Autoencoder", "LevelMatching"}
    for package in (processors, models):
        for name in set(package.__all__) - apart:
            assert getattr(package, name) in tested, name


@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "float16"])
@pytest.mark.parametrize(
    "make", [processors.Harmonic, lambda **k: processors.ProcessorGroup(make_nodes(), **k)]
)
def test_processors_refuse_another_dtype(make, dtype):
    with pytest.raises(ValueError, match=f"dtype='{dtype}'; expected 'float32'"):
        make(dtype=dtype)
    assert make(dtype="float32").compute_dtype == "float32"


def make_nodes():
    return [(processors.FilteredNoise(9), ["noise_magnitudes"])]


def test_networks_pass_their_dtype_on():
    decoder = make_decoder("min_gru", dtype="mixed_bfloat16")
    decoder({name: np.float32(value) for name, value in SCALED.items()})
    policies = {layer.dtype_policy.name for layer in decoder._flatten_layers()}
    assert policies == {"mixed_bfloat16"}


@pytest.mark.parametrize("form", [dict, list, tuple])
def test_inputs_come_by_position_by_name_or_together(form):
    harmonic = processors.Harmonic(4)
    values = [np.float32(value) for value in LAYERS["Harmonic"][1]]
    named = dict(zip(harmonic.input_names, values, strict=True))
    expected = np.asarray(harmonic(*values))
    together = named if form is dict else form(values)
    np.testing.assert_array_equal(np.asarray(harmonic(together)), expected)
    np.testing.assert_array_equal(np.asarray(harmonic(**named)), expected)


def test_static_shapes_stay():
    inputs = [keras.Input((10, size)) for size in (1, 4, 1)]
    assert processors.Harmonic(4)(*inputs).shape == (None, 640)
    model = keras.Sequential([keras.Input((640,)), processors.Reverb(50), processors.Crop(40)])
    assert model.output_shape == (None, 600)


A, D, F = (np.float32(value) for value in LAYERS["Harmonic"][1])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((A, D, F[:, :-1]), r"harmonic: f0_hz has 9 frames, but amplitudes has 10|amplitudes has"),
        ((A, D[:, :, :3], F), r"harmonic: harmonic_distribution has shape \(3, 10, 3\); expected"),
        ((A[0], D, F), r"harmonic: amplitudes has shape \(10, 1\); expected \[batch, frames, 1\]"),
        ((A, D, np.nan * F), r"harmonic: f0_hz is nan at \[0, 0, 0\]; expected finite numbers"),
        ((A, D), "harmonic: f0_hz was not given"),
        (({"amplitudes": A, "volume": D},), r"harmonic: found \['amplitudes', 'volume'\]"),
    ],
)
def test_wrong_inputs_are_named_in_one_line(inputs, message):
    with pytest.raises(ValueError, match=message) as caught:
        processors.Harmonic(4)(*inputs)
    assert "\n" not in str(caught.value)


def test_integers_are_no_audio():
    with pytest.raises(ValueError, match=r"reverb: signal holds int16; expected floats in -1..1"):
        processors.Reverb(10)(np.ones((1, 100), np.int16))
    with pytest.raises(ValueError, match="add: signal_2 holds int32"):
        processors.Add(name="add").get_controls(np.ones((1, 9), "f"), np.ones((1, 9), np.int32))


def test_a_model_under_float64_computes():
    floatx = keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        model, curves = make_model(), make_curves(1, 10)
        audio = keras.ops.convert_to_numpy(model(curves))
        blocks = keras.ops.convert_to_numpy(model.stream(curves, model.initial_state(1))[0])
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(floatx)
    assert audio.dtype == blocks.dtype == np.float32
    assert np.isfinite(audio).all() and np.isfinite(blocks).all()
