"""Trainings for which only a model to start from is named."""

import shutil

import pytest
from backends import tensorflow_only
from run_records import make_run_record

from ddsp_tf.app.chain import Chain
from ddsp_tf.app.recordings import recording
from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.adaptation import ADAPTATION, resolve_configuration
from ddsp_tf.training.run import train_run

pytestmark = tensorflow_only


def test_a_named_configuration_comes_as_it_is(tiny_run):
    assert resolve_configuration("demo", tiny_run) == ("demo", [])


def test_neither_configuration_nor_model_is_one_line(tiny_dataset, tmp_path):
    with pytest.raises(UserError, match="config: none given; expected a configuration or a model"):
        train_run(None, tiny_dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_every_setting_of_the_adaptation_is_known_and_used():
    adapted = load_experiment("ensemble", ADAPTATION).training
    plain = load_experiment("ensemble").training
    assert adapted.steps < plain.steps and adapted.batch_size < plain.batch_size
    assert adapted.steps % adapted.validate_every == 0


def test_own_settings_are_stronger(tiny_run, tmp_path):
    own = ["train.steps=7"]
    chain = Chain([recording("violin")], tmp_path / "out", start_from=tiny_run, overrides=own)
    assert chain.steps == 7


def test_a_begun_adaptation_does_without_its_base(tmp_path):
    base, run = tmp_path / "base", RunDirectory(tmp_path / "run")
    with pytest.raises(UserError, match="base: not found"):
        resolve_configuration(None, base, run.path)
    ancestor = {"source": str(base), "model_sha256": "", "config": "demo", "recordings": ""}
    make_run_record(run, ancestor={**ancestor, "step": 6, "ancestor": None})
    run.configuration.write_text("decoder = 3")
    run.checkpoints.mkdir()
    config, settings = resolve_configuration(None, base, run.path)
    assert (config, settings) == (str(run.configuration), list(ADAPTATION))


@pytest.mark.slow
def test_a_model_alone_is_adapted(tiny_run, tiny_dataset, tmp_path):
    short = ["train.steps=2", "train.validate_every=2", "train.batch_size=1"]
    folder, base = tmp_path / "run", tmp_path / "base"
    shutil.copytree(tiny_run, base)
    train_run(None, tiny_dataset, folder, start_from=base, overrides=short)
    run = RunDirectory(folder)
    text = run.configuration.read_text(encoding="utf-8")
    assert "train.decay = 'cosine'" in text and "train.batch_size = 1" in text
    assert run.read()["ancestor"]["source"] == str(base)
    # The same command finds it done, with the same settings, even without the base.
    for _ in range(2):
        assert train_run(None, tiny_dataset, folder, start_from=base, overrides=short)["step"] == 2
        shutil.rmtree(base, ignore_errors=True)
