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


@pytest.fixture
def curves(tmp_path):
    values = {"f0_hz": np.full(40, 330.0), "loudness_db": np.full(40, -20.0)}
    save_features(tmp_path / "c.npz", {k: np.float32(v) for k, v in values.items()}, 100)
    return tmp_path / "c.npz"


@pytest.mark.slow
def test_it_is_played_by_name(tiny_ensemble, curves, tmp_path):
    def played(source, *options):
        call("synthesize", tiny_ensemble, source, tmp_path / "o.wav", *options)
        return soundfile.read(tmp_path / "o.wav")[0]

    save_notes(tmp_path / "song.mid", [Note(0.0, 0.4, 64.0)])
    for source in (curves, tmp_path / "song.mid"):
        cello, flute = (played(source, "--instrument", name) for name in ("cello", "flute"))
        mixed = played(source, "--instrument", "cello=0.5,flute=0.5")
        assert np.abs(cello - flute).max() > 1e-4
        assert min(np.abs(mixed - cello).max(), np.abs(mixed - flute).max()) > 1e-5
    equal = played(curves, "--instrument", "cello=1,flute=1")
    np.testing.assert_allclose(played(curves), equal, atol=1e-4)
    one = tiny_ensemble / "instruments" / "cello"
    call("synthesize", one, curves, tmp_path / "p.wav", "--transfer")
    wrong = {"oboe": "'oboe': expected one of", "cello=-1": "share -1.0; expected 0 to 1e"}
    for text, message in {**wrong, "cello=x": "'cello=x': expected NAME=SHARE"}.items():
        words = ("synthesize", tiny_ensemble, curves, tmp_path / "q.wav", "--instrument", text)
        assert message in call(*words, code=2) and not (tmp_path / "q.wav").exists()


@pytest.mark.slow
def test_one_of_them_is_exported(tiny_ensemble, tmp_path):
    options = ("--instrument", "cello", "--precision", "float32")
    call("export", tiny_ensemble, "--out", tmp_path / "e", *options)
    description = read_description(tmp_path / "e")
    assert description.instruments == [] and description.features == ["f0_hz", "loudness_db"]
    assert "cello, flute" in call("info", tiny_ensemble)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no name"), ("cello=1,cello=2", "'cello' is named twice"), ("a=", "expected NAME=SHARE")],
)
def test_mixtures_that_are_none(text, message, tmp_path):
    words = ("synthesize", "bundled:ensemble", "a.npz", tmp_path / "o.wav", "--instrument", text)
    assert message in call(*words, code=2)


def test_names_are_given_to_all_datasets_or_none(tmp_path):
    arguments = ("--data", f"cello={tmp_path}", "--data", tmp_path, "--run", tmp_path / "run")
    assert "has no name; expected NAME=" in call("train", *arguments, code=2)
    for text in ("my cello=there", "=there", "cello="):
        words = call("train", "--data", text, "--run", tmp_path / "run", code=2)
        assert "expected NAME=PATH, with a NAME of letters" in words


def test_a_project_of_several_instruments_holds_out_a_share(tmp_path):
    named = ("run", f"cello={tmp_path}", f"flute={tmp_path}", "--out", tmp_path / "out")
    assert "a share of each instrument's recordings" in call(*named, "--test", tmp_path, code=2)
    assert "has no name; expected NAME=" in call("run", tmp_path, *named[1:], code=2)
    assert not (tmp_path / "out").exists()
