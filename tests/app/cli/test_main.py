"""What a user's mistakes look like, and what help looks like."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from ddsp_tf.app.cli import main

COMMANDS = (
    "run",
    "prepare",
    "train",
    "evaluate",
    "export",
    "play",
    "features",
    "notes",
    "synthesize",
    "info",
)


def call(*arguments):
    # -v leaves standard error alone, which belongs to pytest here.
    return CliRunner().invoke(main, ["-v", *map(str, arguments)])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f"ddsp-tf {command} " in result.output.split("Example:")[1]


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from ddsp_tf.app.cli import main\n"
        "try:\n    main(['train', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'tensorflow', 'keras', 'gin', 'matplotlib', 'soundfile', 'rich'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules)) or ''))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == "" and "Example:" in result.stdout


def test_importing_the_library_imports_nothing_heavy():
    code = "import sys, ddsp_tf; sys.exit(str(sorted({'numpy', 'keras'} & set(sys.modules)) or ''))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == ""


def assert_one_line_error(result, *words):
    assert result.exit_code == 2, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert "Traceback" not in result.output
    for word in words:
        assert word in errors[0]


@pytest.fixture
def bad_audio(tmp_path):
    """Makes one bad file and returns its path."""

    def make(kind):
        folder = tmp_path / kind
        folder.mkdir()
        path = folder / f"{kind}.wav"
        tone = 0.3 * np.sin(2 * np.pi * 220 / 16000 * np.arange(32000)).astype(np.float32)
        if kind == "text":
            path.write_text("this is not audio")
        elif kind == "nan":
            tone[100] = np.nan
            soundfile.write(path, tone, 16000, subtype="FLOAT")
        elif kind == "silent":
            soundfile.write(path, 0 * tone, 16000)
        elif kind == "short":
            soundfile.write(path, tone[:200], 16000)
        elif kind == "empty":
            path.write_bytes(b"")
        return path

    return make


@pytest.mark.parametrize("kind", ["text", "nan", "silent", "short", "empty"])
@pytest.mark.parametrize("command", ["prepare", "run"])
def test_a_bad_file_alone_is_one_line_and_nothing_is_written(kind, command, bad_audio, tmp_path):
    path, out = bad_audio(kind), tmp_path / "out"
    result = call(command, path, "--out", out, "--config", "demo")
    assert_one_line_error(result, f"{kind}.wav")
    assert not out.exists() or not any(out.iterdir())


def test_a_bad_file_among_good_ones_is_skipped_and_counted(bad_audio, melodies, tmp_path):
    out = tmp_path / "dataset"
    result = call("prepare", melodies, bad_audio("nan"), "--out", out, "--config", "demo")
    assert result.exit_code == 0, result.output
    assert "nan.wav" in result.stderr and "1 of 4 recordings skipped" in result.stderr
    assert "3, skipped 1" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prepare", "{tmp}/nowhere.wav", "--out", "{tmp}/d"], ["nowhere.wav"]),
        (["prepare", "{tmp}", "--out", "{tmp}/d"], ["no recording in this folder"]),
        (["prepare", "bundled:tuba", "--out", "{tmp}/d"], ["bundled:tuba", "violin"]),
        (["prepare", "{wav}", "--out", "{tmp}/d", "--config", "nix"], ["nix", "solo_instrument"]),
        (["prepare", "{wav}", "--out", "{wav}/d", "--config", "demo"], ["melody_0.wav"]),
        (["prepare", "{wav}", "--out", "/proc/d", "--config", "demo"], ["/proc/d"]),
        (["run", "{tmp}/nowhere.wav", "--out", "{tmp}/o"], ["nowhere.wav"]),
        (["run", "{wav}", "--out", "{tmp}/o", "--set", "train.stepz=2"], ["train.stepz", "steps"]),
        (["run", "{wav}", "--out", "{wav}"], ["melody_0.wav", "folder"]),
        (["train", "--data", "{tmp}", "--run", "{tmp}/r"], ["not a dataset"]),
        (["train", "--data", "{data}", "--run", "{tmp}/r"], ["frame_rate", "100", "250"]),
        (
            ["train", "--data", "{data}", "--run", "{tmp}/r", "--set", "n_harmonix=3"],
            ["n_harmonix", "n_harmonics"],
        ),
        (["train", "--config", "demo", "--data", "{data}", "--run", "/proc/r"], ["/proc/r"]),
        (
            ["train", "--from", "bundled:kazoo", "--data", "{data}", "--run", "{tmp}/r"],
            ["bundled:kazoo", "violin"],
        ),
        (["train", "--from", "{data}", "--data", "{data}", "--run", "{tmp}/r"], ["best.keras"]),
        (["run", "{wav}", "--out", "{tmp}/o", "--from", "{tmp}/nix"], ["nix", "run directory"]),
        (
            ["run", "{wav}", "--out", "{tmp}/o", "--set", "train.start_from=3"],
            ["train.start_from=3", "text in quotes"],
        ),
        (["evaluate", "{tmp}"], ["not a run"]),
        (["evaluate", "{run}", "--data", "{tmp}"], ["not a dataset"]),
        (["export", "{tmp}", "--out", "{tmp}/e"], ["not a run"]),
        (["export", "{run}", "--out", "{wav}"], ["melody_0.wav"]),
        (["export", "{run}", "--out", "/proc/e"], ["/proc/e"]),
        (["features", "{tmp}/nowhere.wav", "{tmp}/f.npz"], ["nowhere.wav"]),
        (["features", "{wav}", "{tmp}/f.txt"], ["f.txt"]),
        (["features", "{wav}", "/proc/f.npz"], ["/proc/f.npz"]),
        (["notes", "{tmp}/nowhere.wav", "{tmp}/n.mid"], ["nowhere.wav"]),
        (["notes", "{wav}", "{tmp}/n.txt"], ["n.txt", ".mid"]),
        (["notes", "{wav}", "/proc/n.mid"], ["/proc/n.mid"]),
        (["synthesize", "{tmp}", "{wav}", "{tmp}/o.wav"], ["best.keras"]),
        (["synthesize", "{tmp}/nix", "{wav}", "{tmp}/o.wav"], ["nix"]),
        (["synthesize", "{run}", "{tmp}/nowhere.npz", "{tmp}/o.wav"], ["nowhere.npz"]),
        (["synthesize", "{run}", "{wav}", "{tmp}/o.xyz"], ["o.xyz"]),
        (["synthesize", "{run}", "{wav}", "/proc/o.wav"], ["/proc/o.wav"]),
        (["info", "{tmp}"], ["neither"]),
        (["info", "{tmp}/nowhere"], ["nowhere"]),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    arguments, words, melodies, tiny_dataset, tiny_run, tmp_path
):
    names = {
        "tmp": tmp_path,
        "wav": melodies / "melody_0.wav",
        "data": tiny_dataset,
        "run": tiny_run,
    }
    result = call(*(argument.format(**names) for argument in arguments))
    assert_one_line_error(result, *words)
    assert not any(tmp_path.iterdir())


def test_a_project_to_start_from_means_its_run(tmp_path):
    run = tmp_path / "project" / "run"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    command, required = main.commands["train"], ["--data", "x", "--run", "y"]
    for given, meant in ((tmp_path / "project", run), ("bundled:violin", "bundled:violin")):
        context = command.make_context("train", [*required, "--from", str(given)])
        assert context.params["start_from"] == str(meant)


def test_a_programs_own_failure_keeps_its_traceback(monkeypatch):
    def fail(path):
        raise RuntimeError("a bug")

    monkeypatch.setattr("ddsp_tf.training.run.load_manifest", fail)
    assert isinstance(call("train", "--data", "x", "--run", "y").exception, RuntimeError)


def test_standard_error_stays_quiet_without_verbose(tiny_dataset):
    code = "from ddsp_tf.app.cli import main; main()"
    command = [sys.executable, "-c", code, "info", str(tiny_dataset)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == ""
    assert "auto" in result.stdout
