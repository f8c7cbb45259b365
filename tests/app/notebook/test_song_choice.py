"""A notebook's song is a theme, an upload or a file; mistakes are one line."""

import itertools

import pytest

from ddsp_tf import UserError, read_midi
from ddsp_tf.app.notebook import choose_song


def test_a_song_is_the_theme_uploaded_or_at_a_path(colab, tmp_path):
    theme = choose_song("theme", tmp_path / "songs")
    (part,) = read_midi(theme)
    assert [note.midi for note in part.notes[:5]] == [66.0, 66.0, 67.0, 69.0, 69.0]
    # 15 notes in 16 beats of half a second, without rests; also those of one key stay apart.
    assert len(part.notes) == 15 and part.end_s == pytest.approx(8.0)
    gaps = [after.onset_s - note.offset_s for note, after in itertools.pairwise(part.notes)]
    assert gaps == pytest.approx([0.0] * 14)
    colab.uploads = {"own.mid": theme.read_bytes()}
    assert choose_song("upload", tmp_path / "more") == tmp_path / "more" / "own.mid"
    assert choose_song(f" {theme} ", tmp_path) == theme


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("", "nothing: not found; expected a MIDI file"),
        ("no_such.mid", r"no_such\.mid: not found; expected a MIDI file"),
        ("upload", "only Colab has a file dialog"),
    ],
)
def test_missing_songs_are_reported(choice, message, tmp_path):
    with pytest.raises(UserError, match=message):
        choose_song(choice, tmp_path)
