"""Models of several instruments on the command line."""

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from ddsp_tf.app.cli import main
from ddsp_tf.features.transcription import Note
from ddsp_tf.files.export_description import read_description
from ddsp_tf.inference.feature_files import save_features
from ddsp_tf.inference.note_files import save_notes


def call(*arguments, code=0):
    result = CliRunner().invoke(main, ["-v", *map(str, arguments)])
    assert result.exit_code == code, result.stderr
    return result.stdout if code == 0 else result.stderr


@pytest.fixture(scope="module")
def run(tiny_dataset, tiny_overrides, tmp_path_factory):
    folder = tmp_path_factory.mktemp("commands") / "both"
    options = [part for override in tiny_overrides for part in ("--set", override)]
    data = ("--data", f"cello={tiny_dataset}", "--data", f"alto_sax={tiny_dataset}")
    call("train", "--config", "demo", *data, "--run", folder, *options)
    return folder


@pytest.fixture
def curves(tmp_path):
    values = {"f0_hz": np.full(40, 330.0), "loudness_db": np.full(40, -20.0)}
    save_features(tmp_path / "c.npz", {k: np.float32(v) for k, v in values.items()}, 100)
    return tmp_path / "c.npz"


@pytest.mark.slow
def test_it_is_played_by_name(run, curves, tmp_path):
    def played(source, *options):
        call("synthesize", run, source, tmp_path / "o.wav", *options)
        return soundfile.read(tmp_path / "o.wav")[0]

    save_notes(tmp_path / "song.mid", [Note(0.0, 0.4, 64.0)])
    for source in (curves, tmp_path / "song.mid"):
        cello, sax = (played(source, "--instrument", name) for name in ("cello", "alto_sax"))
        mixed = played(source, "--instrument", "cello=0.5,alto_sax=0.5")
        assert np.abs(cello - sax).max() > 1e-4
        assert min(np.abs(mixed - cello).max(), np.abs(mixed - sax).max()) > 1e-5
    equal = played(curves, "--instrument", "cello=1,alto_sax=1")
    np.testing.assert_allclose(played(curves), equal, atol=1e-4)
    call("synthesize", run / "instruments" / "cello", curves, tmp_path / "p.wav", "--transfer")
    for text, message in (
        ("oboe", "'oboe': expected one of"),
        ("cello=-1", "share -1.0; expected"),
    ):
        error = call("synthesize", run, curves, tmp_path / "q.wav", "--instrument", text, code=2)
        assert message in error and not (tmp_path / "q.wav").exists()
    error = call("synthesize", run, curves, tmp_path / "q.wav", "--instrument", "cello=x", code=2)
    assert "'cello=x': expected NAME=SHARE" in error


@pytest.mark.slow
def test_one_of_them_is_exported(run, tmp_path):
    call("export", run, "--out", tmp_path / "e", "--instrument", "cello", "--precision", "float32")
    description = read_description(tmp_path / "e")
    assert description.instruments == [] and description.features == ["f0_hz", "loudness_db"]
    assert "instruments" in call("info", run) and "cello, alto_sax" in call("info", run)


def test_names_are_given_to_all_datasets_or_none(tmp_path):
    arguments = ("--data", f"cello={tmp_path}", "--data", tmp_path, "--run", tmp_path / "run")
    assert "has no name; expected NAME=" in call("train", *arguments, code=2)


def test_a_project_of_several_instruments_holds_out_a_share(tmp_path):
    named = ("run", f"cello={tmp_path}", f"sax={tmp_path}", "--out", tmp_path / "out")
    assert "a share of each instrument's recordings" in call(*named, "--test", tmp_path, code=2)
    assert "has no name; expected NAME=" in call("run", tmp_path, *named[1:], code=2)
    assert not (tmp_path / "out").exists()
