"""Stretch by stretch, or at once: the same signal."""

import numpy as np
import pytest
from backends import tensorflow_only, to_numpy, with_unknown_length
from keras import ops

from ddsp_tf.backend.gradients import forward_only
from ddsp_tf.backend.stretches import by_stretches
from ddsp_tf.dsp.framing import crossfade_weights
from ddsp_tf.dsp.oscillators import harmonic_sum
from ddsp_tf.dsp.partials import partial_sum

HOP = 8192  # Of which a stretch has eight frames.


def held(seen):
    """A function that holds every frame's sum, and notes how many frames it was given."""

    def signal(*frames):
        seen.append(frames[0].shape[1])
        return ops.repeat(ops.sum(frames[0] - frames[1], axis=-1), HOP, axis=1)

    return signal


@tensorflow_only
@pytest.mark.parametrize("frames", [1, 7, 8, 9, 29])
def test_stretches_are_joined_to_the_whole(rng, frames):
    first, second = rng.normal(size=(2, 2, frames, 3)).astype(np.float32)
    seen = []
    with forward_only():
        ours = with_unknown_length(lambda *x: by_stretches(held(seen), HOP, *x), first, second)
    assert set(seen) == {8}
    expected = np.repeat(np.sum(first - second, axis=-1), HOP, axis=1)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@tensorflow_only
def test_a_piece_of_no_frames_is_no_signal():
    nothing = np.zeros((1, 0, 3), np.float32)
    with forward_only():
        ours = with_unknown_length(lambda *x: by_stretches(held([]), HOP, *x), nothing, nothing)
    assert ours.shape == (1, 0)


def test_with_gradients_or_a_known_length_it_is_computed_at_once(rng):
    frames = ops.convert_to_tensor(rng.normal(size=(1, 20, 3)).astype(np.float32))
    seen = []
    by_stretches(held(seen), HOP, frames, frames)
    with forward_only():
        by_stretches(held(seen), HOP, frames, frames)
    assert seen == [20, 20]


@tensorflow_only
def test_with_gradients_an_unknown_length_is_computed_at_once(rng):
    frames = rng.normal(size=(1, 20, 3)).astype(np.float32)
    seen = []
    with_unknown_length(lambda *x: by_stretches(held(seen), HOP, *x), frames, frames)
    assert seen == [None]


@tensorflow_only
def test_long_sums_of_sines_are_the_same_stretch_by_stretch(rng):
    weights = crossfade_weights(320)
    phase = rng.uniform(size=(2, 450, 320)).astype(np.float32)
    here, there = rng.normal(size=(2, 2, 450, 7)).astype(np.float32)
    cycles, low, high = rng.uniform(size=(3, 2, 450, 7)).astype(np.float32)

    def harmonics(*frames):
        return harmonic_sum(*frames, weights)

    def partials(phase, here, there, cycles, low, high):
        hertz = (100.0 * low, 100.0 * high)
        return partial_sum(cycles, *hertz, here, there, weights, 16000, fundamental=phase)

    for form, frames in (
        (harmonics, (phase, here, there)),
        (partials, (phase, here, there, cycles, low, high)),
    ):
        with forward_only():
            ours = with_unknown_length(form, *frames)
        expected = to_numpy(form(*map(ops.convert_to_tensor, frames)))
        np.testing.assert_allclose(ours, expected, atol=1e-4)
