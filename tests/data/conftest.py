"""A small dataset, and its batches as whole arrays."""

import numpy as np
import pytest

from ddsp_tf.data.pipeline import training_batches
from ddsp_tf.data.preparation import prepare_dataset

SIZES = {"clip_frames": 50, "batch_size": 8, "seed": 3}


@pytest.fixture
def short_and_long(record, extractor, tmp_path):
    """Two recordings, one of them shorter than a clip, so that it ends in silence."""
    paths = [record("a.wav", 9.0), record("b.wav", 0.7)]
    return prepare_dataset(paths, tmp_path / "d", extractor=extractor, validation_share=0)


@pytest.fixture
def joined():
    """Joins the first batches: `joined(dataset, count, **settings)` gives arrays by name."""

    def read(dataset, count, **settings):
        batches = training_batches(dataset, **SIZES, with_sources=True, **settings)
        batches = [
            {"audio": audio, **features, **about}
            for features, audio, about in batches.take(count).as_numpy_iterator()
        ]
        return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}

    return read
