"""What a call leaves behind: the caller's gin, and the caller's random numbers."""

import random

import numpy as np
import pytest
import tensorflow as tf

import gin
from ddsp_tf import load_experiment, load_extractor
from ddsp_tf.configuration.comparison import changed_settings, kept_defaults
from ddsp_tf.errors import UserError

SMALL = ["RnnDecoder.stack_channels=4", "RnnDecoder.rnn_channels=4"]


@gin.configurable(module="of_the_caller")
def callers_function(value=1, other=2):
    return value, other


@pytest.fixture
def callers_gin():
    with gin.unlock_config():
        gin.parse_config("a_macro = 5\ncallers_function.value = %a_macro\n")
        callers_function()
        gin.config._set_config_is_locked(True)
    gin.config._set_config_is_locked(True)
    yield
    gin.config._set_config_is_locked(False)
    gin.clear_config()


def everything():
    return (gin.config_str(), gin.operative_config_str(), gin.config_is_locked())


@pytest.mark.parametrize("overrides", [SMALL, ["train.steps=0"], ["no_such=1"]])
@pytest.mark.parametrize("load", [load_experiment, load_extractor])
def test_the_callers_gin_is_left_as_it_was(load, overrides, callers_gin):
    before = everything()
    with gin.config_scope("within"):
        try:
            load("demo", overrides)
        except UserError:
            assert overrides is not SMALL
        assert gin.current_scope_str() == "within"
    assert everything() == before and before[2]
    assert callers_function() == (5, 2)


def test_the_callers_random_numbers_are_left_as_they_were():
    def drawn():
        return random.random(), np.random.random(), float(tf.random.uniform([]))

    def seed():
        random.seed(1)
        np.random.seed(1)
        tf.random.set_seed(1)

    seed()
    expected = drawn()
    seed()
    load_experiment("demo", SMALL, seed=5)
    with pytest.raises(UserError):
        load_experiment("demo", ["n_harmonics=0"], seed=5)
    assert drawn() == expected


@pytest.mark.parametrize("seed", [-1, 2**31, 99999999999, 1.5, True, "3"])
def test_a_seed_out_of_range_is_one_line(seed):
    with pytest.raises(UserError, match=r"seed .*expected a whole number from 0 to 2147483647"):
        load_experiment("demo", SMALL, seed=seed)


def test_a_new_default_is_distinguished_from_a_changed_setting():
    now = load_experiment("demo", SMALL).text
    assert kept_defaults("demo", SMALL, now) == []
    earlier = now.replace("refine_f0 = True", "refine_f0 = False").replace("= 2e-3", "= 1.0")
    assert kept_defaults("demo", SMALL, earlier) == ["FeatureExtractor.refine_f0=False"]
    kept = kept_defaults("demo", ["FeatureExtractor.refine_f0=True"], earlier)
    assert kept == []
    again = load_experiment("demo", ["FeatureExtractor.refine_f0=False", *SMALL]).text
    assert changed_settings(now, again) == ["FeatureExtractor.refine_f0"]
    # What a later version no longer knows is no setting to keep.
    assert kept_defaults("demo", SMALL, now + "\nGone.setting = @Gone()\nHarmonic.gone = 3\n") == []
