"""Who owns what in the folder of `ddsp-tf run`: no training is lost, no file misleads."""

import contextlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from backends import tensorflow_only

import ddsp_tf.training.run
from ddsp_tf.app.chain import Chain
from ddsp_tf.errors import UserError
from ddsp_tf.features.auto_tracker import AutoTracker
from ddsp_tf.files.locks import locked
from ddsp_tf.files.run_directory import RunDirectory

pytestmark = tensorflow_only

TINY = (
    "n_harmonics=4",
    "n_bands=5",
    "RnnDecoder.stack_channels=4",
    "RnnDecoder.stack_layers=1",
    "RnnDecoder.rnn_channels=4",
    "Reverb.length=100",
    "MultiScaleSpectralLoss.fft_sizes=(256,)",
    "train.steps=2",
    "train.batch_size=1",
    "train.clip_seconds=0.25",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Recordings, and a project of them whose dataset and run are made."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "audio").mkdir()
    for number in range(2):
        time = np.arange(24000) / 16000
        sound = sum(np.sin(2 * np.pi * 220 * (number + 1) * k * time) / k for k in range(1, 6))
        soundfile.write(folder / "audio" / f"note_{number}.wav", 0.1 * sound, 16000)
    chain = Chain([folder / "audio"], folder / "out", config="demo", overrides=TINY)
    chain.prepare()
    chain.train()
    return folder


@pytest.fixture
def project(trained, tmp_path):
    """A copy of it that may be changed."""
    return shutil.copytree(trained, tmp_path / "project")


def chain_of(project, *overrides, notes=None, **options):
    notes = [] if notes is None else notes
    audio = options.pop("audio", [project / "audio"])
    return Chain(
        audio,
        project / "out",
        config="demo",
        overrides=(*TINY, *overrides),
        on_note=notes.append,
        **options,
    )


def everything(folder):
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


def test_another_model_to_start_from_keeps_the_run_aside(project, monkeypatch):
    monkeypatch.setattr(ddsp_tf.training.run, "train_run", no_training)
    base, notes = shutil.copytree(project / "out" / "run", project / "base"), []
    chain = chain_of(project, start_from=base, notes=notes)
    chain.prepare()
    with pytest.raises(UserError, match="no training here"):
        chain.train()
    assert "train.start_from has changed" in notes[0]
    assert "is the earlier run again" in notes[1]


def test_a_configuration_or_a_model_to_start_from_is_needed(project):
    with pytest.raises(UserError, match="config: none given"):
        Chain([project / "audio"], project / "other")
    chain = Chain([project / "audio"], project / "other", start_from=project / "out" / "run")
    assert chain.config == str(project / "out" / "run" / "config.gin")


def no_training(*_, **__):
    raise UserError("no training here")


def test_what_matches_is_not_done_again(project):
    before = everything(project)
    chain = chain_of(project)
    chain.prepare()
    chain.train()
    assert chain.skipped == ["dataset", "training"] and everything(project) == before


def test_results_inside_the_recordings_are_none_of_them(project):
    shutil.copy(project / "audio" / "note_0.wav", project / "out" / "played.wav")
    (project / "audio" / "phone.amr").write_bytes(b"#!AMR")
    notes = []
    chain = chain_of(project, audio=[project], notes=notes)
    chain.prepare()
    chain.train()
    assert chain.skipped == ["dataset", "training"]
    assert any("1 folder of ddsp-tf's own results (out)" in note for note in notes), notes
    assert any("1 file is not read (phone.amr)" in note for note in notes), notes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"overrides": ["train.steps=2e4"]}, "train.steps=20000.0"),
        ({"overrides": ["n_harmonics=0"]}, "harmonic"),
        ({"overrides": ["n_harmonix=3"]}, "n_harmonix"),
        ({"overrides": ["frame_rate=333"]}, "333"),
        ({"audio": ["nowhere.wav"]}, "nowhere.wav"),
        ({"validation": ["nowhere"]}, "nowhere"),
        ({"test": ["nowhere"]}, "nowhere"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_a_wrong_value_or_path_changes_nothing(project, options, words):
    before = everything(project)
    with pytest.raises(UserError, match=words):
        chain_of(project, *options.pop("overrides", ()), **options).prepare()
    assert everything(project) == before


@pytest.mark.parametrize("name", ["run.json", "config.gin"])
@pytest.mark.parametrize("content", [b"{", b"[1", b'{"seed": 0', b"\xff\xfe", b"train.x = ["])
def test_an_unreadable_run_changes_nothing(project, name, content):
    (project / "out" / "run" / name).write_bytes(content)
    before = everything(project)
    with pytest.raises(UserError, match=re.escape(name)):
        chain_of(project)
    assert everything(project) == before


def test_a_run_without_its_configuration_changes_nothing(project):
    (project / "out" / "run" / "config.gin").unlink()
    before = everything(project)
    with pytest.raises(UserError, match=r"config\.gin: is missing"):
        chain_of(project, "n_harmonics=12")
    assert everything(project) == before


def test_a_damaged_dataset_is_made_again_and_the_run_is_kept(project):
    manifest = project / "out" / "dataset" / "dataset.json"
    manifest.write_bytes(manifest.read_bytes()[:-100])
    chain = chain_of(project)
    chain.prepare()
    chain.train()
    assert chain.skipped == ["training"]
    assert len(list((project / "out").glob("run*"))) == 1


def louder(project):
    sound, rate = soundfile.read(project / "audio" / "note_0.wav")
    soundfile.write(project / "audio" / "note_0.wav", 0.9 * sound, rate)


@pytest.mark.parametrize(
    ("overrides", "options", "change", "reason"),
    [
        (["train.learning_rate=1e-3"], {}, None, "train.learning_rate"),
        (["train.batch_size=2"], {}, None, "train.batch_size"),
        (["Reverb.length=200"], {}, None, "Reverb.length"),
        ([], {"seed": 1}, None, "seed"),
        ([], {}, louder, "dataset"),
    ],
)
def test_a_run_that_no_longer_matches_is_kept_under_a_name_that_says_why(
    project, overrides, options, change, reason, monkeypatch
):
    weights = (project / "out" / "run" / "best.keras").read_bytes()
    if change:
        change(project)
    notes, kept = [], []

    def start(config, dataset, folder, **_):
        kept.extend(folder.parent.glob("run_until_*"))
        folder.mkdir()
        (folder / "run.json").write_text("{}")

    monkeypatch.setattr(ddsp_tf.training.run, "train_run", start)
    chain = chain_of(project, *overrides, notes=notes, **options)
    chain.prepare()
    chain.train()
    assert len(kept) == 1 and (kept[0] / "best.keras").read_bytes() == weights
    assert re.fullmatch(rf"run_until_\d{{4}}-\d\d-\d\d_\d{{4}}_{reason}_changed", kept[0].name)
    assert notes == [f"{reason} has changed: the earlier run is kept in {kept[0]}"]


def test_a_training_that_does_not_begin_puts_the_run_back(project, monkeypatch):
    before, notes = everything(project), []
    monkeypatch.setattr(ddsp_tf.training.run, "train_run", no_training)
    with pytest.raises(UserError, match="no training here"):
        chain_of(project, "train.batch_size=2", notes=notes).train()
    after = everything(project)
    assert after.keys() == before.keys()
    assert all(after[path][1] == content for path, (_, content) in before.items())
    assert notes[-1].endswith("is the earlier run again")


@pytest.mark.slow
def test_the_same_change_twice_keeps_two_runs(project):
    for size in (2, 3):
        chain = chain_of(project, f"train.batch_size={size}")
        chain.prepare()
        chain.train()
    assert len(list((project / "out").glob("run_until_*_train.batch_size_changed*"))) == 2
    chain = chain_of(project, "train.batch_size=3")
    chain.prepare()
    chain.train()
    assert chain.skipped == ["dataset", "training"]


def test_another_version_of_the_tracker_makes_nothing_stale(project, monkeypatch):
    monkeypatch.setattr(AutoTracker, "version", "99.0")
    before, notes = everything(project), []
    chain = chain_of(project, notes=notes)
    chain.prepare()
    chain.train()
    assert chain.skipped == ["dataset", "training"] and everything(project) == before
    assert len(notes) == 1 and "99.0 is installed" in notes[0]
    shutil.rmtree(project / "out" / "run")
    chain_of(project).prepare()
    # Without a model that needs it, the dataset is measured by what is installed.
    assert "99.0" in (project / "out" / "dataset" / "dataset.json").read_text()


def test_a_new_default_makes_nothing_stale(project):
    configuration = project / "out" / "run" / "config.gin"
    text = configuration.read_text()
    assert "Harmonic.inharmonic = False" in text
    changed = text.replace("Harmonic.inharmonic = False", "Harmonic.inharmonic = True")
    configuration.write_text(changed)
    notes = []
    with contextlib.suppress(UserError):
        chain_of(project, notes=notes)
    assert notes == ["Harmonic.inharmonic=True: kept as in the earlier run, whose defaults differ"]
    configuration.write_text(re.sub(r"Reverb.tap_scale = .*", "Reverb.tap_scale = 0.5", text))
    chain = chain_of(project)
    chain.prepare()
    chain.train()
    assert chain.skipped == ["dataset", "training"]


def test_a_second_process_learns_which_one_works_here(project):
    code = (
        "import sys, time\n"
        "from ddsp_tf.files.locks import locked\n"
        "with locked(sys.argv[1], 'run'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(project / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=rf"process {other.pid} \(run\) is working in it"):
            chain_of(project).prepare()
        other.kill()
    with locked(project / "out", "run"):
        chain_of(project).prepare()


@pytest.fixture(scope="module")
def ensemble(trained, tmp_path_factory):
    """A project of two instruments."""
    out = tmp_path_factory.mktemp("ensemble") / "out"
    chain = two_instruments(trained, out)
    assert [manifest.folder.name for manifest in chain.prepare()] == ["cello", "sax"]
    chain.train()
    return out


def two_instruments(trained, out, **options):
    audio = {name: [trained / "audio" / f"note_{k}.wav"] for k, name in enumerate(("cello", "sax"))}
    return Chain(audio, out, config="demo", overrides=TINY, **options)


@pytest.mark.slow
def test_several_instruments_become_one_model(trained, ensemble):
    record = RunDirectory(ensemble / "run").read()
    assert record["instruments"] == ["cello", "sax"] and record["step"] == 2
    again = two_instruments(trained, ensemble)
    again.prepare()
    again.train()
    evaluation = again.evaluate()
    again.evaluate()
    assert again.skipped == ["dataset cello", "dataset sax", "training", "evaluation"]
    assert [one.title for one in evaluation.datasets] == ["note_0", "note_1"]


def test_held_out_recordings_of_several_instruments_are_refused(trained, tmp_path):
    with pytest.raises(UserError, match="several instruments: recordings to hold out"):
        two_instruments(trained, tmp_path / "out", test=[trained / "audio"])
    assert not (tmp_path / "out").exists()
