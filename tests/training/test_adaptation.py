"""What a training is if only a model to start from is named."""

import pytest
from backends import tensorflow_only

from ddsp_tf.app.chain import Chain
from ddsp_tf.app.recordings import recording
from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.adaptation import ADAPTATION, settled_configuration
from ddsp_tf.training.run import train_run

pytestmark = tensorflow_only


def test_a_named_configuration_comes_as_it_is(tiny_run):
    assert settled_configuration("demo", tiny_run) == ("demo", [])


def test_neither_configuration_nor_model_is_one_line(tiny_dataset, tmp_path):
    with pytest.raises(UserError, match="config: none given; expected a configuration or a model"):
        train_run(None, tiny_dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_every_setting_of_the_adaptation_is_known_and_used():
    adapted = load_experiment("demo", ADAPTATION).training
    plain = load_experiment("demo").training
    assert adapted.steps < plain.steps and adapted.batch_size < plain.batch_size
    assert adapted.steps % adapted.validate_every == 0


def test_own_settings_are_stronger(tiny_run, tmp_path):
    own = ["train.steps=7"]
    chain = Chain([recording("violin")], tmp_path / "out", start_from=tiny_run, overrides=own)
    assert chain.steps == 7


@pytest.mark.slow
def test_a_model_alone_is_adapted(tiny_run, tiny_dataset, tmp_path):
    short = ["train.steps=2", "train.validate_every=2", "train.batch_size=1"]
    folder = tmp_path / "run"
    train_run(None, tiny_dataset, folder, start_from=tiny_run, overrides=short)
    run = RunDirectory(folder)
    text = run.configuration.read_text(encoding="utf-8")
    assert "train.decay = 'cosine'" in text and "train.batch_size = 1" in text
    assert run.read()["ancestor"]["source"] == str(tiny_run)
    # The same command finds it done, with the same settings.
    assert train_run(None, tiny_dataset, folder, start_from=tiny_run, overrides=short)["step"] == 2
