import numpy as np
import pytest
from backends import compiled, to_numpy
from small_models import HOP, make_curves, make_decoder, make_model, make_model_with_timbre

from ddsp_tf.errors import UserError
from ddsp_tf.inference.rendering import render_stems, synthesize, white_noise
from ddsp_tf.models import Autoencoder
from ddsp_tf.processors import Add, FilteredNoise, Harmonic, ProcessorGroup

FRAMES = 20


@pytest.fixture(scope="module")
def model():
    """The whole chain with random weights."""
    return make_model()


@pytest.fixture(scope="module")
def curves():
    """Pitch and loudness, [frames]."""
    curves = make_curves(1, FRAMES)
    return {name: curves[name][0] for name in ("f0_hz", "loudness_db")}


@pytest.fixture(scope="module")
def whole(model, curves):
    """The piece played at once with the noise of seed 3, its last frame leading to one like it."""
    batch = {name: np.append(curve, curve[-1:])[None] for name, curve in curves.items()}
    batch["noise"] = np.pad(white_noise((1, FRAMES * HOP), seed=3), [(0, 0), (0, HOP)])
    return to_numpy(compiled(lambda features: model(features))(batch))[0, : FRAMES * HOP]


@pytest.mark.parametrize("block_frames", [7, 500])
def test_blocks_of_any_size_equal_the_whole(model, curves, whole, block_frames):
    blocks = list(synthesize(model, curves, seed=3, block_frames=block_frames))
    assert all(block.dtype == np.float32 and len(block) for block in blocks)
    audio = np.concatenate(blocks)
    assert audio.shape == (FRAMES * HOP,)
    np.testing.assert_allclose(audio, whole, atol=5e-5)


def test_single_frames(model, curves):
    first = {name: curve[:1] for name, curve in curves.items()}
    assert sum(map(len, synthesize(model, first, block_frames=1))) == HOP


def test_the_seed_decides_the_noise(model, curves):
    first, again, other = (
        np.concatenate(list(synthesize(model, curves, seed=seed))) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_lists_and_other_entries_are_welcome(model, curves, whole):
    given = {name: curve.tolist() for name, curve in curves.items()}
    given["f0_confidence"] = [1.0]
    audio = np.concatenate(list(synthesize(model, given, seed=3)))
    np.testing.assert_allclose(audio, whole, atol=5e-5)


def test_a_missing_feature(model, curves):
    with pytest.raises(UserError, match="the features lack 'loudness_db', which the model needs"):
        next(synthesize(model, {"f0_hz": curves["f0_hz"]}))


def test_no_frames(model):
    with pytest.raises(UserError, match="no frames; expected at least one"):
        next(synthesize(model, {"f0_hz": [], "loudness_db": []}))


def test_stems_have_a_listeners_names_and_add_up(model, curves, whole):
    batch = {name: np.stack([curve, curve[::-1]]) for name, curve in curves.items()}
    stems = render_stems(model, batch, seed=3)
    assert next(iter(stems)) == "reconstruction"
    assert set(stems) == {"reconstruction", "dry", "harmonic", "noise"}
    for stem in stems.values():
        assert isinstance(stem, np.ndarray) and stem.shape == (2, FRAMES * HOP)
    np.testing.assert_allclose(stems["harmonic"] + stems["noise"], stems["dry"], atol=1e-6)
    # The first clip has the first half of the seed's noise, as a lone clip has. At its end the
    # controls are held, not the features.
    known = (FRAMES - 1) * HOP
    first = stems["reconstruction"][0]
    np.testing.assert_allclose(first[:known], whole[:known], atol=5e-5)
    np.testing.assert_allclose(first[known:], whole[known:], atol=5e-3)


def test_white_noise_is_uniform_and_its_seeds():
    noise = white_noise((2, 50000), seed=1)
    assert noise.dtype == np.float32 and -1.0 <= noise.min() < -0.999 < 0.999 < noise.max() <= 1.0
    assert noise.mean() == pytest.approx(0.0, abs=0.01)
    assert noise.std() == pytest.approx(3**-0.5, rel=0.01)
    np.testing.assert_array_equal(white_noise((2, 50000), seed=1), noise)
    assert abs(np.corrcoef(noise.ravel(), white_noise((100000,), seed=2))[0, 1]) < 0.02


def test_a_timbre_is_played_block_by_block(curves, rng):
    model = make_model_with_timbre()
    z = rng.normal(size=(FRAMES, 2)).astype(np.float32)
    batch = {name: np.append(curve, curve[-1:])[None] for name, curve in curves.items()}
    batch["noise"] = np.pad(white_noise((1, FRAMES * HOP), seed=3), [(0, 0), (0, HOP)])
    batch["z"] = np.concatenate([z, z[-1:]])[None]
    whole = to_numpy(compiled(lambda features: model(features))(batch))[0, : FRAMES * HOP]
    played = np.concatenate(list(synthesize(model, {**curves, "z": z}, seed=3, block_frames=7)))
    np.testing.assert_allclose(played, whole, atol=5e-5)
    one = np.concatenate(list(synthesize(model, {**curves, "z": z[0]}, seed=3)))
    mean = np.concatenate(list(synthesize(model, curves, seed=3)))
    assert np.abs(one - mean).max() > 1e-3 and np.abs(one - played).max() > 1e-3


def test_the_reconstruction_is_the_output_whatever_its_name():
    harmonic = (Harmonic(n_harmonics=4), ["amplitudes", "harmonic_distribution", "f0_hz"])
    noise = (FilteredNoise(n_bands=9), ["noise_magnitudes"])
    together = (Add(name="dry"), ["harmonic", "filtered_noise"])
    model = Autoencoder(make_decoder(), ProcessorGroup([harmonic, noise, together]))
    stems = render_stems(model, make_curves(1, FRAMES), seed=1)
    assert set(stems) == {"reconstruction", "harmonic", "noise"}
    whole = stems["harmonic"] + stems["noise"]
    np.testing.assert_allclose(stems["reconstruction"], whole, atol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (FRAMES + 1, 2), (1, FRAMES, 2), ()])
def test_a_timbre_of_another_size_is_refused(curves, shape):
    with pytest.raises(UserError, match=r"z has the shape.*expected \[2\]"):
        list(synthesize(make_model_with_timbre(), {**curves, "z": np.zeros(shape)}))
