import numpy as np
import pytest
import references
from backends import compiled, tensorflow_only, to_numpy, with_unknown_length
from tolerance import assert_close

from ddsp_tf.dsp.framing import (
    INTERPOLATIONS,
    add_tail,
    crossfade_weights,
    next_frames,
    overlap_add,
)
from ddsp_tf.dsp.rates import hop_size


@pytest.mark.parametrize(("rates", "hop"), [((16000, 250), 64), ((48000, 100), 480), ((5, 5), 1)])
def test_hop_size(rates, hop):
    assert hop_size(*rates) == hop


@pytest.mark.parametrize("rates", [(16000, 300), (44100, 250), (16000, 0), (0, 250), (16000, -1)])
def test_rates_that_do_not_divide(rates):
    with pytest.raises(ValueError, match=rf"frame_rate={rates[1]} .* sample_rate={rates[0]}"):
        hop_size(*rates)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("hop", [1, 5, 64])
def test_crossfades_start_at_zero_rise_and_add_up_to_one(interpolation, hop):
    there = crossfade_weights(hop, interpolation)
    assert there.shape == (hop,) and there.dtype == np.float32
    assert there[0] == 0.0 and np.all(np.diff(there) > 0.0) and there[-1] < 1.0
    # The fade out of one frame is the fade in of the next, backwards.
    assert_close(there[1:] + there[:0:-1], 1.0)


@pytest.mark.parametrize(
    ("interpolation", "reference"),
    [("hann", references.hann_samples_of), ("linear", references.samples_of)],
)
def test_crossfade_equals_windows_or_interpolation(rng, interpolation, reference):
    frames = rng.normal(size=(2, 6))
    there = to_numpy(next_frames(frames[:, :, None]))
    ours = frames[:, :, None] + (there - frames[:, :, None]) * crossfade_weights(8, interpolation)
    assert_close(ours.reshape(2, 48), reference(frames, 8))


def test_unknown_interpolation():
    with pytest.raises(ValueError, match=r"interpolation='cubic'; expected one of .*linear"):
        crossfade_weights(4, "cubic")


@pytest.mark.parametrize(("n_frames", "size", "hop"), [(5, 8, 4), (5, 9, 4), (1, 7, 2), (4, 3, 5)])
def test_overlap_add_is_a_loop(rng, n_frames, size, hop):
    frames = rng.normal(size=(2, n_frames, size)).astype(np.float32)
    expected = np.zeros((2, n_frames * hop + max(size - hop, 0)))
    for k in range(n_frames):
        expected[:, k * hop : k * hop + size] += frames[:, k]
    ours = to_numpy(compiled(lambda x: overlap_add(x, hop))(frames))
    assert_close(ours, expected)


@tensorflow_only
def test_overlap_add_of_unknown_length(rng):
    frames = rng.normal(size=(2, 5, 9)).astype(np.float32)
    ours = with_unknown_length(lambda x: overlap_add(x, 4), frames)
    np.testing.assert_array_equal(ours, to_numpy(overlap_add(frames, 4)))


@pytest.mark.parametrize("length", [1, 3, 10, 40])
def test_blocks_with_tails_equal_the_whole(rng, length):
    signal, response = rng.normal(size=(2, 40)), rng.normal(size=8)
    tail, blocks = np.zeros((2, 7)), []
    for start in range(0, 40, length):
        block = signal[:, start : start + length]
        full = references.convolved(block, response)
        done, tail = add_tail(np.float32(full), np.float32(to_numpy(tail)), block.shape[1])
        blocks.append(to_numpy(done))
    result = np.concatenate([*blocks, to_numpy(tail)], axis=1)
    assert_close(result, references.convolved(signal, response))
