"""The folder that `ddsp-tf run` wrote, given to every command."""

import shutil

import pytest
from backends import tensorflow_only
from click.testing import CliRunner

from ddsp_tf.app.cli.main import main
from ddsp_tf.app.project import parts_of, player_of, run_of
from ddsp_tf.files.run_directory import RunDirectory

pytestmark = tensorflow_only


def call(*arguments):
    result = CliRunner().invoke(main, ["-v", *map(str, arguments)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.fixture
def project(tiny_dataset, tiny_run, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(tiny_dataset, folder / "dataset")
    shutil.copytree(tiny_run, folder / "run")
    return folder


def test_what_a_path_means(project, tmp_path):
    assert parts_of(project / "dataset") == [(project / "dataset", "dataset.json")]
    assert parts_of(project) == [
        (project / "dataset", "dataset.json"),
        (project / "run", "run.json"),
    ]
    assert run_of(project) == run_of(project / "run") == player_of(project) == project / "run"
    assert parts_of(tmp_path) == [] and run_of(tmp_path) == tmp_path
    shutil.rmtree(project / "run")
    (project / "export").mkdir()
    (project / "export" / "model.json").write_text("{}")
    assert player_of(project) == project / "export"


def test_info_shows_all_parts(project):
    shown = call("info", project).output
    assert "dataset " in shown and "pitch tracker" in shown
    assert "run " in shown and "6 of 6" in shown


def test_info_says_where_the_dataset_is_now(project):
    run = RunDirectory(project / "run")
    run.update(run.describe_datasets([project / "dataset"]))
    moved = project.rename(project.with_name("moved"))
    assert "(gone)" not in call("info", moved / "run").output
    (moved / "dataset").rename(moved / "hidden")
    assert "(gone)" in call("info", moved / "run").output


def test_it_is_played(project, tmp_path):
    (tmp_path / "drawn.csv").write_text("time,f0_hz,loudness_db\n0,220,-30\n0.5,220,-30\n")
    call("synthesize", project, tmp_path / "drawn.csv", tmp_path / "o.wav", "--transfer")
    assert (tmp_path / "o.wav").is_file()


def test_it_is_evaluated(project):
    call("evaluate", project)
    assert (project / "run" / "report.html").is_file()


@pytest.mark.slow
def test_it_is_exported(project, tmp_path):
    call("export", project, "--out", tmp_path / "e", "--precision", "float32")
    assert "stream.tflite" in call("info", tmp_path / "e").output
