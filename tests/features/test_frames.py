import numpy as np
import pytest
from backends import to_numpy

from ddsp_tf.dsp.framing import centred_frames
from ddsp_tf.features.frames import frames_between, samples_between


@pytest.mark.parametrize("start", range(-9, 9))
@pytest.mark.parametrize("length", [1, 3, 12])
def test_samples_are_those_of_the_padded_recording(start, length):
    audio = np.arange(1, 6, dtype=np.float32)
    padded = np.pad(audio, 20)
    cut = samples_between(audio, start, start + length)
    assert cut.dtype == np.float32
    np.testing.assert_array_equal(cut, padded[20 + start : 20 + start + length])


@pytest.mark.parametrize(("size", "hop"), [(4, 2), (7, 3), (3, 5)])
def test_frames_are_those_of_tensors(rng, size, hop):
    audio = rng.normal(size=31).astype(np.float32)
    whole = to_numpy(centred_frames(audio[None], size, hop))[0]
    np.testing.assert_array_equal(frames_between(audio, 0, 31 // hop, size, hop), whole)
    np.testing.assert_array_equal(frames_between(audio, 2, 5, size, hop, "f8"), whole[2:5])
