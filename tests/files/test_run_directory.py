"""A run's folder: starts that were killed, runs that differ, datasets that were moved."""

import json
import shutil
import sys

import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.files import run_directory
from ddsp_tf.files.run_directory import RunDiffersError, RunDirectory

SIZES = ("sample_rate", "frame_rate", "hop", "loudness_fft_size", "power_frame_size")
TEXT = "train.steps = 20\ntrain.learning_rate = 0.1\nAutoencoder.decoder = \\\n    @RnnDecoder()\n"


def record(**changes):
    return {
        "config": "demo",
        "seed": 1,
        "steps": 20,
        "recordings": "violin",
        "dataset_fingerprint": "abc",
        "extractor": {},
        "feature_statistics": {},
        "ddsp_tf_version": run_directory.__version__,
        **changes,
    }


def damaged(**changes):
    return json.dumps({"schema_version": 1, **record(**changes)})


@pytest.fixture
def run(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.open(TEXT, record())
    return run


class Killed(BaseException):
    """Ends a process at a file operation."""


def test_a_start_that_was_killed_anywhere_is_completed(tmp_path, monkeypatch):
    operations = ("write_text", "touch", "unlink", "mkdir")
    for survived in range(20):
        folder, left = tmp_path / str(survived), [survived]
        with monkeypatch.context() as patched:
            for name in operations:
                original = getattr(run_directory.Path, name)

                def limited(self, *args, original=original, left=left, **options):
                    left[0] -= 1
                    if left[0] < 0:
                        raise Killed
                    return original(self, *args, **options)

                patched.setattr(run_directory.Path, name, limited)
            # A kill leaves what `atomic_path` would have removed.
            patched.setattr("ddsp_tf.files.atomic._remove", lambda path: None)
            try:
                RunDirectory(folder).open(TEXT, record())
            except Killed:
                killed = True
            else:
                killed = False
        RunDirectory(folder).open(TEXT, record())
        assert sorted(path.name for path in folder.iterdir()) == ["config.gin", "run.json"]
        if not killed:
            break
    assert 3 < survived < 19


def test_a_name_that_tensorflow_cannot_take_is_refused_at_the_start(tmp_path):
    path = tmp_path / "caf\udce9"
    with pytest.raises(UserError, match="its name is not UTF-8"):
        RunDirectory(path).open(TEXT, record())
    assert list(tmp_path.iterdir()) == []


def test_more_steps_are_the_same_run(run):
    run.check_same(TEXT.replace("20", "40"), record())
    run.open(TEXT.replace("20", "40"), record(steps=40))
    assert run.read()["steps"] == 40
    run.open(TEXT, record())
    with pytest.raises(RunDiffersError, match=r"train\.steps"):
        cosine = TEXT + "train.decay = 'cosine'\n"
        run.configuration.write_text(cosine)
        run.check_same(cosine.replace("20", "40"), record())


@pytest.mark.parametrize(
    ("text", "changes", "words"),
    [
        (TEXT.replace("0.1", "0.2"), {}, r"learning_rate = 0\.1, now 0\.2"),
        (TEXT.replace("Rnn", "MinGru"), {}, "decoder"),
        (TEXT + "Reverb.length = 3\n", {}, "Reverb.length = not set"),
        (TEXT, {"seed": 2}, "seed=1"),
        (TEXT, {"dataset_fingerprint": "def"}, "dataset_fingerprint=abc"),
        (TEXT, {"weights": [1.0]}, "weights=None"),
    ],
)
def test_another_run_is_refused_and_nothing_changes(text, changes, words, run):
    with pytest.raises(RunDiffersError, match=words):
        run.open(text, record(**changes))
    assert run.configuration.read_text() == TEXT
    assert run.read()["seed"] == 1


@pytest.mark.parametrize("trained", ["best.keras", "checkpoints"])
def test_a_trained_run_without_its_configuration_is_not_started_again(trained, run):
    (run.path / trained).mkdir()
    run.configuration.unlink()
    before = run.record.read_bytes()
    with pytest.raises(UserError, match=r"config\.gin: is missing"):
        run.open(TEXT, record(seed=2))
    assert run.record.read_bytes() == before and not run.configuration.exists()


def test_settings_of_another_version_make_no_other_run(run):
    run.update({"ddsp_tf_version": "0.0.1"})
    run.check_same(TEXT + "Reverb.new_setting = 3\n", record())
    with pytest.raises(RunDiffersError, match="learning_rate"):
        run.check_same(TEXT.replace("0.1", "0.2"), record())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "run.json"),
        ("{}", "schema_version"),
        ("[1]", "run.json"),
        (json.dumps({"schema_version": 1, **record(seed="one")}), "seed"),
        (json.dumps({"schema_version": 99, **record()}), "schema"),
        (damaged(feature_statistics={"f0_midi": {"min": 55.0}}), "f0_midi: no number 'max'"),
        (damaged(feature_statistics={"f0_midi": [55.0]}), "f0_midi: no number 'min'"),
        (damaged(extractor={"sample_rate": "fast"}), "no number 'sample_rate' above 0"),
        (damaged(extractor=dict.fromkeys(SIZES, 100)), "pitch_tracker: no 'name'"),
        (damaged(part_of={"model": "/home/me/mine.keras", "mixture": {}}), "part_of.model"),
    ],
)
def test_a_damaged_record_is_one_line(content, words, run):
    run.record.write_text(content)
    with pytest.raises(UserError, match=words) as error:
        run.read()
    assert "\n" not in str(error.value)


def test_datasets_are_found_after_a_move(tmp_path):
    project = tmp_path / "project"
    for name in ("one", "two"):
        (project / name).mkdir(parents=True)
        (project / name / "dataset.json").write_text("{}")
    run = RunDirectory(project / "run")
    folders = [project / "one", project / "two"]
    run.open(TEXT, {**record(), **run.describe_datasets(folders)})
    assert run.datasets() == folders
    moved = tmp_path / "elsewhere"
    project.rename(moved)
    assert RunDirectory(moved / "run").datasets() == [moved / "one", moved / "two"]
    shutil.move(moved / "run", tmp_path / "run")
    with pytest.raises(UserError, match=r"one: the run's dataset is gone; name one with --data"):
        RunDirectory(tmp_path / "run").datasets()
    moved.rename(project)
    assert RunDirectory(tmp_path / "run").datasets() == folders


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_to_an_instrument_plays_the_model_of_its_run(run, tmp_path):
    part = run.instrument("cello")
    part.update(record(part_of={"model": "../../best.keras", "mixture": {"cello": 1.0}}))
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "link").symlink_to(part.path)
    linked = RunDirectory(tmp_path / "a" / "b" / "link")
    assert linked.model_source() == (run.best_model, {"cello": 1.0})
