import keras
import numpy as np
import pytest
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops

from ddsp_tf.processors import Crop


@pytest.fixture
def signal(rng):
    """Batch 2 of 30 samples."""
    return rng.normal(size=(2, 30)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [0, 1, 29, 30, 40])
def test_removes_samples(signal, n_samples):
    ours = to_numpy(compiled(Crop(n_samples))(signal))
    np.testing.assert_array_equal(ours, signal[:, n_samples:])
    ours = to_numpy(compiled(Crop(n_samples, end="end"))(signal))
    np.testing.assert_array_equal(ours, signal[:, : max(30 - n_samples, 0)])


@tensorflow_only
@pytest.mark.parametrize("end", ["start", "end"])
def test_unknown_length(signal, end):
    ours = with_unknown_length(Crop(7, end=end), signal)
    np.testing.assert_array_equal(ours, to_numpy(Crop(7, end=end)(signal)))


def test_serialization():
    config = keras.saving.serialize_keras_object(Crop(5, end="end", name="trim"))
    assert keras.saving.deserialize_keras_object(config).get_config() == config["config"]


def test_gradients_reach_what_is_kept(signal):
    (slope,) = gradient(lambda x: ops.sum(Crop(5)(x)), signal)
    np.testing.assert_array_equal(slope[0], [0.0] * 5 + [1.0] * 25)


@pytest.mark.parametrize("end", ["start", "end"])
@pytest.mark.parametrize("sizes", [(30,), (1, 2, 20, 7)])
def test_a_stream_is_in_time_with_the_whole(signal, end, sizes):
    processor = Crop(5, end=end)
    whole = to_numpy(processor(signal))
    state, blocks, start = processor.initial_state(2), [], 0
    for size in sizes:
        block, state = processor.stream(state, signal[:, start : start + size])
        blocks.append(to_numpy(block))
        start += size
    streamed = np.concatenate(blocks, axis=1)
    assert not streamed[:, : processor.latency].any()
    late = streamed[:, processor.latency :]
    np.testing.assert_array_equal(late[:, : whole.shape[1]], whole)
    # Only what is cropped at the end remains for the caller to drop.
    assert late.shape[1] - whole.shape[1] == (5 if end == "end" else 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"n_samples": -1}, "n_samples=-1"), ({"n_samples": 1, "end": "back"}, "end='back'")],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        Crop(**wrong)
