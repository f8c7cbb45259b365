"""Models of several instruments."""

import keras
import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy
from small_models import (
    DECODERS,
    HOP,
    NAMES,
    OUTPUT_SIZES,
    make_curves,
    make_decoder,
    make_ensemble,
    make_group,
    randomize,
)
from tolerance import SUMS, assert_close

from ddsp_tf.models import Autoencoder, LevelMatching
from ddsp_tf.models.conditional_normalization import ConditionalNormalization
from ddsp_tf.models.ensemble import mixture_weights, set_solo
from ddsp_tf.processors import Harmonic, ProcessorGroup

FRAMES = 12


def with_mixture(curves, *weights):
    batch = len(curves["f0_hz"])
    return {**curves, "instrument": np.tile(np.float32([[weights]]), (batch, 1, 1))}


def play(model, curves):
    return to_numpy(compiled(lambda features: model(features))(curves))


@pytest.mark.parametrize("kind", DECODERS)
def test_a_solo_plays_what_the_ensemble_plays(kind):
    model, curves = make_ensemble(kind, level_matching=LevelMatching(1.0)), make_curves(2, FRAMES)
    played = []
    for name, weights in (("alto_sax", (0, 1, 0)), ({"cello": 3, "tuba": 1}, (3, 0, 1))):
        solo = model.solo(name)
        assert solo.instruments == () and solo.optional_feature_names == ()
        played.append(play(solo, curves))
        assert_close(play(model, with_mixture(curves, *weights)), played[-1], SUMS)
    assert np.abs(played[0] - played[1]).max() > 1e-3
    # Without a choice, all in equal shares.
    assert_close(play(model, curves), play(model.solo(), curves), SUMS)


def test_mixtures_lie_between():
    model, curves = make_ensemble(), make_curves(1, FRAMES)

    def distances(share):
        mixed = play(model, with_mixture(curves, 1.0 - share, share, 0.0))
        ends = play(model.solo("cello"), curves), play(model.solo("alto_sax"), curves)
        return [np.abs(mixed - end).mean() for end in ends]

    near, far = distances(0.01), distances(0.99)
    assert near[0] < 0.1 * near[1] and far[1] < 0.1 * far[0]


def test_streams_a_mixture_that_moves(rng):
    model, curves = make_ensemble(), make_curves(2, FRAMES)
    curves["instrument"] = rng.dirichlet(np.ones(3), (2, FRAMES)).astype(np.float32)
    # The room is that of a block's first frame.
    curves["instrument"][:, ::4] = curves["instrument"][:, :1]
    expected, state, blocks = play(model, curves), model.initial_state(2), []
    stream = compiled(model.stream)
    for first in range(0, FRAMES, 4):
        part = {name: curve[:, first : first + 4] for name, curve in curves.items()}
        part["noise"] = curves["noise"][:, first * HOP : (first + 4) * HOP]
        audio, state = stream(part, state)
        blocks.append(to_numpy(audio))
    audio = np.concatenate(blocks, axis=1)
    assert_close(audio[:, model.latency :], expected[:, : -model.latency], SUMS)


def test_meaningless_mixtures_play_something():
    model, curves = make_ensemble(), make_curves(1, FRAMES)
    equal = play(model, curves)
    for weights in ((0, 0, 0), (np.nan, 0, 0), (-1, 0, 0), (2, 2, 2)):
        assert_close(play(model, with_mixture(curves, *weights)), equal, SUMS)


@tensorflow_only
def test_a_clip_trains_its_own_instrument():
    import tensorflow as tf

    model = make_ensemble()
    with tf.GradientTape() as tape:
        audio = model(with_mixture(make_curves(1, FRAMES), 0, 0, 1))
        loss = tf.reduce_sum(audio**2)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    rows = [
        np.abs(g).sum(-1)
        for g, w in zip(gradients, model.trainable_weights, strict=True)
        if w.path.endswith(("gamma", "beta", "response", "impulse_response")) and w.shape[0] == 3
    ]
    # Scale and offset of three stacks, response and room.
    assert len(rows) == 8
    assert all((row[:2] == 0.0).all() for row in rows)
    assert sum(row[2] > 0.0 for row in rows) == 8


def test_taking_a_solo_back():
    model, curves = make_ensemble(), make_curves(1, FRAMES)
    others = {name: play(model.solo(name), curves) for name in ("cello", "tuba")}
    solo = model.solo("tuba")
    set_solo(model, "alto_sax", solo)
    assert_close(play(model.solo("alto_sax"), curves), others["tuba"], SUMS)
    assert_close(play(model.solo("cello"), curves), others["cello"], SUMS)


def test_it_is_saved_with_its_names(tmp_path):
    model, curves = make_ensemble(), with_mixture(make_curves(1, FRAMES), 1, 2, 0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.instruments == NAMES and again.vector_sizes == {"instrument": 3}
    assert_close(play(again, curves), play(model, curves), SUMS)


def test_conditional_normalization_is_its_formula(rng):
    norm = ConditionalNormalization(n_instruments=2)
    norm.build((None, None, 5))
    randomize(norm)
    x, mixture = rng.normal(size=(3, 4, 5)), rng.dirichlet(np.ones(2), (3, 1))
    gamma, beta = map(np.float64, norm.get_weights())
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    expected = normal * (mixture @ gamma) + mixture @ beta
    ours = norm(np.float32(x), np.float32(mixture))
    assert_close(to_numpy(ours), expected, SUMS)
    with pytest.raises(ValueError, match="n_instruments=0; expected at least 1"):
        ConditionalNormalization(0)


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ("oboe", "instrument 'oboe': expected one of cello, alto_sax, tuba"),
        ({"cello": 1, "oboe": 0}, "instrument 'oboe'"),
        ({"cello": -1.0, "tuba": 2.0}, "share -1.0; expected 0 to 1e"),
        ({"cello": float("nan")}, "share nan; expected 0 to 1e"),
        ({"cello": 10**400}, "expected 0 to 1e"),
        ([0.5, 0.5], "found a list; expected shares by name"),
        ({"cello": "much"}, "share 'much'; expected 0 to 1e"),
        ({"cello": 0.0}, "shares of all instruments are 0"),
        ({}, "shares of all instruments are 0"),
    ],
)
def test_mixtures_that_are_refused(mixture, message):
    with pytest.raises(ValueError, match=message):
        mixture_weights(NAMES, mixture)


def test_what_does_not_fit_together():
    with pytest.raises(ValueError, match="no instruments to choose from"):
        Autoencoder(make_decoder(), make_group()).solo("cello")
    for names, message in (
        (["a", "a"], "named twice"),
        (["Oboe", "oboe"], "named twice"),
        (["a b"], "letters, digits"),
        (["a" * 61], "up to 60"),
        ([1], "1"),
    ):
        with pytest.raises(ValueError, match=message):
            make_decoder(instruments=names)
    harmonic = Harmonic(n_harmonics=OUTPUT_SIZES["harmonic_distribution"], instruments=["oboe"])
    group = ProcessorGroup([(harmonic, ["amplitudes", "harmonic_distribution", "f0_hz"])])
    with pytest.raises(ValueError, match=r"harmonic.instruments=\('oboe',\), but the decoder's"):
        Autoencoder(make_decoder(instruments=NAMES), group)
    with pytest.raises(ValueError, match=r"instrument has the shape \[1, 1, 2\]; expected \[1, "):
        make_ensemble()(with_mixture(make_curves(1, FRAMES), 1, 0))
