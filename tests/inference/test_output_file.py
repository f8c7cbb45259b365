import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from ddsp_tf.app.cli.main import main
from ddsp_tf.errors import UserError
from ddsp_tf.inference.output_file import check_output


def test_nothing_that_the_result_is_made_from_is_replaced(tmp_path):
    song, link, hard = tmp_path / "song.flac", tmp_path / "link.flac", tmp_path / "hard.flac"
    song.write_bytes(b"song")
    link.symlink_to(song)
    hard.hardlink_to(song)
    for out in (song, link, hard, tmp_path / "." / "song.flac"):
        with pytest.raises(UserError, match=r"is the input, .*song\.flac"):
            check_output(out, [tmp_path, song])
    with pytest.raises(UserError, match="is a folder"):
        check_output(tmp_path, [])
    (tmp_path / "model.json").touch()
    (tmp_path / "run.json").touch()
    (tmp_path / "renders").mkdir()
    for name in ("ir.wav", "ir_48000.wav", "renders/step_10.wav"):
        (tmp_path / name).touch()
        with pytest.raises(UserError, match="belongs to"):
            check_output(tmp_path / name, [])
    (tmp_path / "mine.wav").touch()
    check_output(tmp_path / "mine.wav", [tmp_path, song])
    check_output(tmp_path / "new.wav", [tmp_path, song])


@pytest.mark.parametrize("out", ["song.flac", "o.doc"])
def test_the_command_refuses_before_any_work(tmp_path, monkeypatch, capfd, out):
    monkeypatch.setattr("ddsp_tf.inference.playing.load_player", lambda path: 1 / 0)
    soundfile.write(tmp_path / "song.flac", np.zeros(100), 16000)
    before = (tmp_path / "song.flac").read_bytes()
    arguments = ["synthesize", "bundled:violin", tmp_path / "song.flac", tmp_path / out]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 2 and out in result.output + capfd.readouterr().err
    assert (tmp_path / "song.flac").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
