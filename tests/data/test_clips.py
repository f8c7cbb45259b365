"""Clips are the frames they should be, and silence after the last."""

import numpy as np
import pytest

from ddsp_tf.data.clips import Frames, cut_clips
from ddsp_tf.features.extractor import FEATURES
from ddsp_tf.features.loudness import FLOOR_DB

HOP, FRAMES, CLIP = 4, 10, 6
SILENCE = {"f0_confidence": 0.0, "loudness_db": FLOOR_DB, "power_db": FLOOR_DB}


@pytest.mark.parametrize("starts", [[], [0], [1, 4, 0], [4, 7], [9]])
def test_clips_of_frames(rng, starts):
    audio = rng.normal(size=(FRAMES, HOP)).astype(np.float32)
    curves = rng.normal(size=(FRAMES, len(FEATURES))).astype(np.float32)
    clips = cut_clips(Frames(audio, curves), np.array(starts, np.int64), CLIP)
    after = np.array([SILENCE.get(name, curves[-1, k]) for k, name in enumerate(FEATURES)])
    curves = np.concatenate([curves, np.tile(after, (CLIP, 1))])
    audio = np.concatenate([audio, np.zeros((CLIP, HOP))])
    assert list(clips) == ["audio", *FEATURES]
    assert clips["audio"].shape == (len(starts), CLIP * HOP)
    for number, first in enumerate(starts):
        inside = slice(first, first + CLIP)
        np.testing.assert_array_equal(clips["audio"][number], audio[inside].ravel())
        for k, name in enumerate(FEATURES):
            np.testing.assert_array_equal(clips[name][number], np.float32(curves[inside, k]))


def test_a_clip_longer_than_its_segment():
    frames = Frames(np.ones((2, HOP), np.float32), np.ones((2, len(FEATURES)), np.float32))
    clips = cut_clips(frames, np.array([0], np.int64), CLIP)
    assert clips["audio"].numpy().tolist() == [[1.0] * 2 * HOP + [0.0] * (CLIP - 2) * HOP]
    assert clips["f0_hz"].numpy().tolist() == [[1.0] * CLIP]
