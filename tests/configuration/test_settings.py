import pytest

from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.errors import UserError


@pytest.mark.parametrize("name", ["steps", "batch_size", "gradient_norm", "validate_every"])
@pytest.mark.parametrize("value", [0, -1, "many", None, True])
def test_values_out_of_range_name_the_setting(name, value):
    with pytest.raises(UserError, match=rf"train\.{name}={value!r}.*above 0"):
        TrainingSettings(**{name: value})


def test_nothing_where_nothing_is_allowed():
    assert TrainingSettings(warm_up_steps=0, render_every=0).render_every == 0
    with pytest.raises(UserError, match=r"render_every.*0 or more"):
        TrainingSettings(render_every=-1)
    with pytest.raises(UserError, match=r"envelope_consistency=-1\.0; expected a number 0 or more"):
        TrainingSettings(envelope_consistency=-1.0)
    with pytest.raises(UserError, match=r"clip_seconds=0\.09; expected a number of 0\.1 or more"):
        TrainingSettings(clip_seconds=0.09)
    with pytest.raises(UserError, match="whole number"):
        TrainingSettings(steps=10.5)


@pytest.mark.parametrize("value", [-0.1, 12.5, "wide"])
def test_speeds_out_of_range(value):
    assert TrainingSettings(varispeed=12.0).varispeed == 12.0
    with pytest.raises(
        UserError, match=r"train\.varispeed=.*expected (a number )?0 (or more|to 12)"
    ):
        TrainingSettings(varispeed=value)
