"""Every execution gives the same numbers, and a model's copy shares nothing but its weights."""

import keras
import numpy as np
import pytest
from backends import tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from small_models import make_curves, make_model
from tolerance import SUMS, assert_close

from ddsp_tf.backend.execution import (
    EXPORT,
    TRAINING,
    Execution,
    custom_gradient,
    in_chunks,
    with_execution,
)
from ddsp_tf.dsp.framing import crossfade_weights
from ddsp_tf.dsp.oscillators import harmonic_sum
from ddsp_tf.dsp.partials import partial_sum
from ddsp_tf.processors import FilteredNoise

HOP = 8192  # A chunk has eight frames.


@pytest.mark.parametrize(("device", "fused"), [("cpu:0", False), ("gpu:0", True), ("tpu:0", True)])
def test_accelerators_fuse_by_default(monkeypatch, device, fused):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [device])
    assert TRAINING.sums_are_fused() is fused
    assert EXPORT.sums_are_fused() is False
    assert Execution(fused=True).sums_are_fused() is True


def square(x):
    """Its gradient is wrong, so that it can be recognized."""
    return x * x, lambda *arguments, upstream=None: 100.0 * (upstream or arguments[0])


def slope_at_three(function):
    if keras.backend.backend() == "jax":
        import jax

        return float(jax.grad(function)(3.0))
    import tensorflow as tf

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return float(tape.gradient(y, x))


@pytest.mark.parametrize(("execution", "slope"), [(TRAINING, 100.0), (EXPORT, 6.0)])
def test_the_written_gradient_is_used_in_training_only(execution, slope):
    function = custom_gradient(square, execution)
    assert float(function(np.float32(3.0))) == 9.0
    assert slope_at_three(function) == slope


def hold(seen):
    """A function that holds every frame's sum, and notes how many frames it was given."""

    def signal(*frames):
        seen.append(frames[0].shape[1])
        return ops.repeat(ops.sum(frames[0] - frames[1], axis=-1), HOP, axis=1)

    return signal


@tensorflow_only
@pytest.mark.parametrize("frames", [1, 7, 8, 9, 29])
def test_chunks_are_joined_to_the_whole(rng, frames):
    first, second = rng.normal(size=(2, 2, frames, 3)).astype(np.float32)
    seen = []
    ours = with_unknown_length(
        lambda *x: in_chunks(hold(seen), HOP, *x, execution=EXPORT), first, second
    )
    assert set(seen) == {8}
    assert_close(ours, np.repeat(np.sum(first - second, axis=-1), HOP, axis=1))


@tensorflow_only
def test_no_frames_are_no_signal():
    nothing = np.zeros((1, 0, 3), np.float32)
    ours = with_unknown_length(
        lambda *x: in_chunks(hold([]), HOP, *x, execution=EXPORT), nothing, nothing
    )
    assert ours.shape == (1, 0)


@pytest.mark.parametrize("execution", [TRAINING, EXPORT])
def test_a_known_length_is_computed_at_once(rng, execution):
    frames = ops.convert_to_tensor(rng.normal(size=(1, 20, 3)).astype(np.float32))
    seen = []
    in_chunks(hold(seen), HOP, frames, frames, execution=execution)
    assert seen == [20]


@tensorflow_only
def test_with_gradients_an_unknown_length_is_computed_at_once(rng):
    frames = rng.normal(size=(1, 20, 3)).astype(np.float32)
    seen = []
    with_unknown_length(
        lambda *x: in_chunks(hold(seen), HOP, *x, execution=TRAINING), frames, frames
    )
    assert seen == [None]


@tensorflow_only
def test_long_sums_of_sines_are_the_same_in_chunks(rng):
    weights = crossfade_weights(320)
    phase = rng.uniform(size=(2, 450, 320)).astype(np.float32)
    here, there = rng.normal(size=(2, 2, 450, 7)).astype(np.float32)
    cycles, low, high = rng.uniform(size=(3, 2, 450, 7)).astype(np.float32)

    def harmonics(*frames, execution=EXPORT):
        return harmonic_sum(*frames, weights, execution)

    def partials(phase, here, there, cycles, low, high, execution=EXPORT):
        hertz = (100.0 * low, 100.0 * high)
        return partial_sum(cycles, *hertz, here, there, weights, 16000, phase, execution)

    for form, frames in (
        (harmonics, (phase, here, there)),
        (partials, (phase, here, there, cycles, low, high)),
    ):
        ours = with_unknown_length(form, *frames)
        expected = to_numpy(form(*map(ops.convert_to_tensor, frames), execution=TRAINING))
        assert_close(ours, expected, SUMS)


def test_a_copy_for_export_plays_the_same_and_leaves_the_model_alone():
    model, curves = make_model(), make_curves(1, 20)
    before = to_numpy(model(curves))
    copy = with_execution(model, EXPORT)
    assert_close(to_numpy(copy(curves)), before, SUMS)
    holders = [layer for layer in copy._flatten_layers() if hasattr(layer, "execution")]
    assert len(holders) >= 5 and all(layer.execution == EXPORT for layer in holders)
    originals = [layer for layer in model._flatten_layers() if hasattr(layer, "execution")]
    assert len(originals) == len(holders)
    assert all(layer.execution == TRAINING for layer in originals)
    copy.trainable_weights[0].assign(copy.trainable_weights[0] + 1.0)
    np.testing.assert_array_equal(to_numpy(model(curves)), before)


def test_a_class_that_is_not_registered_is_copied_too():
    class Wind(FilteredNoise):
        pass

    copy = with_execution(Wind(n_bands=5, seed=3), EXPORT)
    assert type(copy) is Wind and copy.n_bands == 5 and copy.execution == EXPORT
