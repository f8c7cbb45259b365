"""Numbers that the public dataset functions take and refuse."""

import numpy as np
import pytest

from ddsp_tf.data.pipeline import clips, training_batches
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError, check_number
from ddsp_tf.features.extractor import FeatureExtractor

BATCHES = {"clip_frames": 50, "batch_size": 2, "seed": 0}
NOTHING = (None, "8", float("nan"), True)


@pytest.mark.parametrize("value", [*NOTHING, 0, 11, np.float32(np.inf)])
def test_a_number_out_of_bounds_is_named(value):
    with pytest.raises(UserError, match=r"^width is .*; expected a number from 1 to 10$"):
        check_number("width", value, 1.0, 10.0)


@pytest.mark.parametrize("value", [1, 10.0, np.float32(2.5), np.int64(3)])
def test_numbers_of_any_type_pass(value):
    check_number("width", value, 1.0, 10.0)


@pytest.mark.parametrize("value", [*NOTHING, 1.5, -1])
@pytest.mark.parametrize("name", ["clip_frames", "batch_size", "first_step", "seed"])
def test_batches(name, value):
    if (name, value) == ("seed", -1):
        return  # Any whole number is a seed of clips.
    with pytest.raises(UserError, match=f"^{name} is .*; expected a whole number from"):
        training_batches("no_dataset", **{**BATCHES, name: value})


@pytest.mark.parametrize(("name", "value"), [("gain_db", -1.0), ("varispeed", 13)])
def test_augmentation(name, value):
    for wrong in (*NOTHING, value):
        with pytest.raises(UserError, match=f"^{name} is .*; expected a number from 0"):
            training_batches("no_dataset", **{**BATCHES, name: wrong})


def test_no_dataset_at_all():
    with pytest.raises(UserError, match="no dataset given"):
        training_batches([], **BATCHES)
    with pytest.raises(UserError, match="clip_frames is 0"):
        clips("no_dataset", split="train", clip_frames=0)


@pytest.mark.parametrize(
    ("name", "value"), [("validation_share", 1.1), ("seed", -1), ("seed", 1.5), ("jobs", 0)]
)
def test_preparation(name, value, extractor, tmp_path):
    with pytest.raises(UserError, match=f"^{name} is {value}; expected"):
        prepare_dataset(tmp_path, tmp_path / "d", extractor=extractor, **{name: value})
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("value", [*NOTHING, -80.0, 0.0])
def test_silence(value):
    with pytest.raises(UserError, match=r"silence_db is .*; expected a number from -79\.9 to -10"):
        PreparationRules(silence_db=value)


@pytest.mark.parametrize("value", [*NOTHING, 1, 1 << 40])
@pytest.mark.parametrize("name", ["loudness_fft_size", "power_frame_size"])
def test_windows(name, value):
    with pytest.raises(UserError, match=f"^{name} is .*; expected a whole number from 2"):
        FeatureExtractor(**{name: value})


@pytest.mark.parametrize("value", [*NOTHING, 0])
@pytest.mark.parametrize("name", ["sample_rate", "frame_rate"])
def test_rates(name, value):
    with pytest.raises(UserError, match=f"^{name} is .*; expected a number from"):
        FeatureExtractor(**{name: value})
