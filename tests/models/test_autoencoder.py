import keras
import numpy as np
import pytest
from backends import TENSORFLOW, compiled, tensorflow_only, to_numpy
from small_models import HOP, make_curves, make_decoder, make_group, make_model
from tolerance import SUMS, assert_close

from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.models import Autoencoder, RnnDecoder
from ddsp_tf.processors import Harmonic, ProcessorGroup

FRAMES = 20


@pytest.fixture
def model():
    """The whole chain with random weights."""
    return make_model()


@pytest.fixture
def curves():
    """Features and noise, batch 2."""
    return make_curves(2, FRAMES)


def play(model, curves):
    return to_numpy(compiled(lambda features: model(features))(curves))


def test_plays_any_batch_and_length(model, curves):
    audio = play(model, curves)
    assert audio.shape == (2, FRAMES * HOP) and audio.dtype == np.float32
    assert np.all(np.isfinite(audio)) and np.abs(audio).max() > 0.01
    start = {name: value[:1] for name, value in curves.items()}
    start = {name: value[:, : value.shape[1] // 2] for name, value in start.items()}
    # The last frame has no successor to lead to, and the noise's filters reach 8 samples.
    known = (FRAMES // 2 - 1) * HOP - 8
    assert_close(play(model, start)[:, :known], audio[:1, :known], SUMS)


def test_needs_no_more_than_its_features(model, curves):
    assert model.feature_names == ("f0_hz", "loudness_db")
    audio = play(model, curves)
    more = {**curves, "f0_confidence": np.full((2, FRAMES), np.nan, np.float32)}
    np.testing.assert_array_equal(play(model, more), audio)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loudness_db": None}, "the features lack 'loudness_db', which the model needs"),
        (
            {"loudness_db": np.zeros((2, FRAMES + 1))},
            r"loudness_db has the shape \[2, 21\]; expected \[2, 20\], because f0_hz has \[2, 20\]",
        ),
        ({"f0_hz": np.zeros(FRAMES)}, r"f0_hz has the shape \[20\]; expected \[batch, frames\]"),
        ({"noise": np.zeros((2, 5))}, r"noise has the shape \[2, 5\]; expected \[2, 1280\]"),
        ({"noise": np.zeros((1, 1280))}, r"noise has the shape \[1, 1280\]; expected \[2, 1280\]"),
    ],
)
@pytest.mark.parametrize("method", ["__call__", "render", "decode", "stream"])
def test_features_that_do_not_fit_are_named_in_one_line(model, curves, change, message, method):
    features = {name: value for name, value in {**curves, **change}.items() if value is not None}
    state = (model.initial_state(2),) if method == "stream" else ()
    with pytest.raises(ValueError, match=f"^{message}[^\n]*$"):
        getattr(model, method)(features, *state)


def test_features_are_a_dictionary(model, curves):
    with pytest.raises(
        ValueError, match="features are a ndarray; expected a dictionary with f0_hz"
    ):
        model(curves["f0_hz"])


@pytest.mark.parametrize("number", [np.nan, -np.inf, np.inf, 1e30])
@pytest.mark.parametrize("name", ["f0_hz", "loudness_db", "noise"])
def test_a_frame_without_a_number_is_silent(model, curves, name, number):
    curves[name][0, 3] = number
    graph = compiled(model.render)
    for signals in (to_numpy(model(curves)), to_numpy(graph(curves)[0]["reverb"])):
        assert np.isfinite(signals).all() and np.abs(signals).max() > 0.01
    if name != "noise":
        controls = graph(curves)[1]
        assert to_numpy(controls["harmonic"]["f0_hz"])[0, 3, 0] == 0.0


def test_training_and_predicting_survive_such_frames(model, curves):
    target = 0.1 * curves["noise"]
    curves["loudness_db"][1, 5:8] = np.nan
    features = {name: curves[name] for name in model.feature_names}
    options = {"jit_compile": False} if TENSORFLOW else {}
    model.compile("sgd", MultiScaleSpectralLoss((64,)), **options)
    assert np.isfinite(model.predict(features, verbose=0)).all()
    assert np.isfinite(model.train_on_batch(features, target))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_decoder_gets_scaled_features_and_processors_physical_ones(model):
    class Recorder(RnnDecoder):
        def call(self, inputs, state=None):
            self.seen = {name: to_numpy(value) for name, value in inputs.items()}
            return super().call(inputs, state)

    decoder = Recorder(model.decoder.output_sizes, stack_channels=4, rnn_channels=4)
    f0_hz = np.array([[440.0, 880.0, 0.0]], np.float32)
    loudness_db = np.array([[-80.0, -20.0, 0.0]], np.float32)
    inputs, _ = Autoencoder(decoder, make_group()).decode(
        {"f0_hz": f0_hz, "loudness_db": loudness_db}
    )
    assert_close(decoder.seen["f0_hz"][0, :, 0], [69 / 127, 81 / 127, 0])
    assert_close(decoder.seen["loudness_db"][0, :, 0], [0.0, 0.75, 1.0])
    np.testing.assert_array_equal(to_numpy(inputs["f0_hz"])[0, :, 0], f0_hz[0])
    assert set(inputs) == {*decoder.output_sizes, "f0_hz"}


def test_f0_is_a_feature_even_if_the_decoder_does_not_look():
    model = Autoencoder(make_decoder(input_names=("power_db",)), make_group())
    assert model.feature_names == ("f0_hz", "power_db")


def test_renders_all_signals_and_controls(model, curves):
    signals, controls = compiled(model.render)(curves)
    assert set(signals) == {"harmonic", "filtered_noise", "dry", "reverb"}
    audio = play(model, curves)
    assert_close(to_numpy(signals["reverb"]), audio)
    f0_hz = to_numpy(controls["harmonic"]["f0_hz"])
    np.testing.assert_array_equal(f0_hz[:, :, 0], curves["f0_hz"])


@pytest.mark.parametrize("sizes", [(1, 4, 15)])
def test_streaming_equals_the_whole(model, curves, sizes):
    expected = play(model, curves)[:, : FRAMES * HOP - model.latency]
    stream = compiled(model.stream)
    state, start, blocks = model.initial_state(2), 0, []
    for size in sizes:
        block = {}
        for name, value in curves.items():
            step = value.shape[1] // FRAMES
            block[name] = value[:, start * step : (start + size) * step]
        audio, state = stream(block, state)
        blocks.append(to_numpy(audio))
        start += size
    streamed = np.concatenate(blocks, axis=1)
    assert_close(streamed[:, model.latency :], expected, SUMS)


def test_a_saved_model_plays_the_same(model, curves, tmp_path):
    expected = play(model, curves)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, Autoencoder) and loaded.get_config() == model.get_config()
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert_close(play(loaded, curves), expected)


def test_compiles_and_fits(model, curves):
    before = [weight.copy() for weight in model.get_weights()]
    target = 0.1 * curves["noise"]
    options = {"jit_compile": False} if TENSORFLOW else {}
    model.compile("adam", loss=MultiScaleSpectralLoss((512, 64)), **options)
    history = model.fit(curves, target, batch_size=1, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    changed = [np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(changed[: len(model.trainable_weights)])


def test_mixed_precision_ends_in_float32(model, curves):
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        half = Autoencoder(make_decoder(), make_group())
    finally:
        keras.config.set_dtype_policy(policy)
    half.build()
    half.set_weights(model.get_weights())
    inputs, _ = compiled(half.decode)(curves)
    assert {keras.backend.standardize_dtype(value.dtype) for value in inputs.values()} == {
        "float32"
    }
    seen = {}
    decode = half.decode
    half.decode = lambda features, **others: seen.update(features) or decode(features, **others)
    # Half precision in the network moves controls a little, but not the phase.
    difference = play(half, curves) - play(model, curves)
    assert keras.backend.standardize_dtype(seen["f0_hz"].dtype) == "float32"
    assert 0.0 < np.abs(difference).max() < 0.05


@tensorflow_only
def test_unknown_length(model, curves):
    import tensorflow as tf

    signature = {name: tf.TensorSpec([None, None]) for name in curves}
    graph = tf.function(lambda x: model(x), input_signature=[signature])
    assert_close(to_numpy(graph(curves)), play(model, curves), SUMS)


@pytest.mark.parametrize(
    ("decoder", "model", "message"),
    [
        ({"input_names": ("f0_hz", "mood")}, {}, "decoder input 'mood'; expected one of"),
        (
            {"output_sizes": {"amplitudes": 1, "harmonic_distribution": 4}},
            {},
            "the processors need 'noise_magnitudes', but the decoder's outputs are",
        ),
        (
            {
                "output_sizes": {
                    "amplitudes": 1,
                    "harmonic_distribution": 5,
                    "noise_magnitudes": 9,
                }
            },
            {},
            "the processors take 4 harmonic_distribution, but the decoder makes 5",
        ),
        ({}, {"frame_rate": 100}, "harmonic.frame_rate=250, but the model's is 100"),
        ({}, {"sample_rate": 48000}, "harmonic.sample_rate=16000, but the model's is 48000"),
        ({}, {"frame_rate": 300}, "frame_rate=300 does not divide sample_rate=16000"),
    ],
)
def test_parts_that_do_not_fit(decoder, model, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(make_decoder(**decoder), make_group(), **model)


def test_a_decoder_may_make_more_than_is_used(curves):
    names = ["amplitudes", "harmonic_distribution", "f0_hz"]
    model = Autoencoder(make_decoder(), ProcessorGroup([(Harmonic(4), names)]))
    assert play(model, curves).shape == (2, FRAMES * HOP)
