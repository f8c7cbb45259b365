"""Models with a z."""

import keras
import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy
from small_models import HOP, make_curves, make_decoder, make_group, make_model_with_timbre
from tolerance import SUMS, assert_close

from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.models import Autoencoder, MfccRnnEncoder
from ddsp_tf.processors import Harmonic, ProcessorGroup

FRAMES = 20
INPUTS = {"input_names": ("f0_hz", "loudness_db", "z"), "input_sizes": {"z": 2}}


@pytest.fixture
def model():
    """A model with an encoder."""
    return make_model_with_timbre()


@pytest.fixture
def curves():
    """Features and noise, batch 2."""
    return make_curves(2, FRAMES)


@pytest.fixture
def audio(rng):
    """Something to take the timbre of, batch 2."""
    return rng.normal(0.0, 0.1, (2, FRAMES * HOP)).astype(np.float32)


def play(model, curves):
    return to_numpy(compiled(lambda features: model(features))(curves))


def test_names_of_its_features(model):
    assert model.z_dims == 2
    assert model.feature_names == ("f0_hz", "loudness_db")
    assert model.optional_feature_names == ("z", "audio")
    without_encoder = Autoencoder(make_decoder(**INPUTS), make_group())
    assert without_encoder.z_dims == 2 and without_encoder.optional_feature_names == ("z",)
    plain = Autoencoder(make_decoder(), make_group())
    assert plain.z_dims == 0 and plain.optional_feature_names == ()


def test_plays_the_timbre_of_audio_or_z_or_the_mean(model, curves, audio):
    z = to_numpy(compiled(model.encode)(audio))
    assert z.shape == (2, FRAMES, 2)
    of_audio = play(model, {**curves, "audio": audio})
    assert_close(play(model, {**curves, "z": z}), of_audio)
    # z counts if both are given.
    constant = np.float32([[[0.5, -1.0]]])
    constant = np.repeat(constant, 2, axis=0)
    of_z = play(model, {**curves, "z": constant, "audio": audio})
    assert np.abs(of_z - of_audio).max() > 1e-3
    whole = np.repeat(constant, FRAMES, axis=1)
    assert_close(play(model, {**curves, "z": whole}), of_z)
    # Without either, the mean.
    assert not to_numpy(model.mean_z).any()
    model.mean_z.assign([0.5, -1.0])
    assert_close(play(model, curves), of_z)


def test_keeps_the_mean_of_recordings(model, audio):
    model.keep_mean_z([audio, audio[:1, : HOP * 5]])
    encode = compiled(model.encode)
    first, second = encode(audio), encode(audio[:1, : HOP * 5])
    together = np.concatenate([to_numpy(z).reshape(-1, 2) for z in (first, second)])
    assert_close(to_numpy(model.mean_z), together.mean(axis=0))
    with pytest.raises(ValueError, match="no recordings"):
        model.keep_mean_z([])


def test_streams_a_given_z(model, curves, audio):
    curves["z"] = to_numpy(compiled(model.encode)(audio))
    expected = play(model, curves)[:, : FRAMES * HOP - model.latency]
    stream, state, blocks, start = compiled(model.stream), model.initial_state(2), [], 0
    for size in (3, 17):
        part = slice(start, start + size)
        block = {name: curves[name][:, part] for name in ("f0_hz", "loudness_db", "z")}
        block["noise"] = curves["noise"][:, start * HOP : (start + size) * HOP]
        # The block's audio would be another timbre: it is not looked at.
        block["audio"] = np.full_like(block["noise"], np.nan)
        sound, state = stream(block, state)
        blocks.append(to_numpy(sound))
        start += size
    streamed = np.concatenate(blocks, axis=1)[:, model.latency :]
    assert_close(streamed, expected, SUMS)


def test_a_saved_model_plays_the_same(model, curves, audio, tmp_path):
    model.mean_z.assign([0.25, 2.0])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    for features in (curves, {**curves, "audio": audio}):
        assert_close(play(loaded, features), play(model, features))


@tensorflow_only
def test_gradient_reaches_the_encoder(model, curves, audio):
    import tensorflow as tf

    loss = MultiScaleSpectralLoss((256, 64))
    with tf.GradientTape() as tape:
        value = loss(audio, model({**curves, "audio": audio}))
    weights = model.encoder.trainable_variables
    gradients = tape.gradient(value, [weight.value for weight in weights])
    for weight, gradient in zip(weights, gradients, strict=True):
        assert np.isfinite(to_numpy(gradient)).all() and to_numpy(gradient).any(), weight.path
    assert not any(weight is model.mean_z for weight in model.trainable_variables)


@tensorflow_only
def test_unknown_length(model, curves, audio):
    import tensorflow as tf

    features = {**curves, "audio": audio}
    signature = {name: tf.TensorSpec([None, None]) for name in features}
    graph = tf.function(lambda x: model(x), input_signature=[signature])
    assert_close(to_numpy(graph(features)), play(model, features), SUMS)


def test_mixed_precision(model, curves, audio):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        half = make_model_with_timbre()
    finally:
        keras.config.set_dtype_policy(before)
    half.set_weights(model.get_weights())
    for features in (curves, {**curves, "audio": audio}):
        difference = play(half, features) - play(model, features)
        assert 0.0 < np.abs(difference).max() < 0.05


@pytest.mark.parametrize(
    ("decoder", "encoder", "message"),
    [
        ({}, {"z_dims": 2}, "the encoder makes z of 2 channels, but the decoder takes none"),
        (INPUTS, {"z_dims": 3}, "the encoder makes z of 3 channels, but the decoder takes 2"),
        (INPUTS, {"z_dims": 2, "frame_rate": 100}, "encoder.frame_rate=100, but the model's is"),
        (INPUTS, {"z_dims": 2, "sample_rate": 8000}, "encoder.sample_rate=8000, but the model's"),
    ],
)
def test_parts_that_do_not_fit(decoder, encoder, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(make_decoder(**decoder), make_group(), encoder=MfccRnnEncoder(**encoder))


def test_nothing_to_encode_with(audio):
    model = Autoencoder(make_decoder(**INPUTS), make_group())
    with pytest.raises(ValueError, match="no encoder"):
        model.encode(audio)


def tones(frames=25):
    """Four tones of one pitch and loudness, two of them brighter."""
    number = np.arange(1, 9)
    shares = number ** -np.array([[0.5], [0.5], [2.5], [2.5]])
    shares /= np.linalg.norm(shares, axis=1, keepdims=True)
    time = np.arange(frames * HOP) / 16000
    audio = 0.1 * shares @ np.sin(2 * np.pi * 300.0 * number[:, None] * time)
    curves = {"f0_hz": np.full((4, frames), 300.0), "loudness_db": np.full((4, frames), -20.0)}
    return {key: np.float32(value) for key, value in {**curves, "audio": audio}.items()}


@pytest.mark.slow
@tensorflow_only
def test_z_learns_what_pitch_and_loudness_leave_open():
    import tensorflow as tf

    names = ["amplitudes", "harmonic_distribution", "f0_hz"]
    loss = MultiScaleSpectralLoss((512,))
    ends = []
    for timbre in (True, False):
        keras.utils.set_random_seed(0)
        sizes = {"output_sizes": {"amplitudes": 1, "harmonic_distribution": 8}}
        model = Autoencoder(
            make_decoder(stack_channels=32, **sizes, **(INPUTS if timbre else {})),
            ProcessorGroup([(Harmonic(n_harmonics=8), names)]),
            encoder=MfccRnnEncoder(z_dims=2, rnn_channels=16) if timbre else None,
        )
        model.build()
        optimizer = keras.optimizers.Adam(5e-3)

        @tf.function
        def step(batch, model=model, optimizer=optimizer):
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(loss(batch["audio"], model(batch)))
            variables = model.trainable_variables
            gradients = tape.gradient(value, [variable.value for variable in variables])
            optimizer.apply(gradients, variables)
            return value

        ends.append(np.mean([float(step(tones())) for _ in range(60)][-10:]))
    assert ends[0] < 0.5 * ends[1], ends
