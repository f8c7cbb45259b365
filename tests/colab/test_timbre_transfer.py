"""The notebook that plays a melody on another instrument, executed on a fresh kernel."""

import re

import numpy as np
import pytest
import soundfile
from backends import tensorflow_only
from notebook_checks import check_pictures, check_sounds
from notebook_runs import live_pages, run_notebook, sounds, text

pytestmark = [tensorflow_only, pytest.mark.long]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    changes = {"octaves": "1", "pitch_correction": 1.0, "louder_db": 3}
    return run_notebook("timbre_transfer.ipynb", folder, changes), folder


def test_it_shows_and_plays(executed):
    notebook, _ = executed
    check_sounds(notebook, {"listen": 1, "compare": 2})
    check_pictures(notebook, {"listen": 2, "adjust": 1, "compare": 3})


def test_the_instrument_plays_the_melody_as_adjusted(executed):
    from ddsp_tf import FeatureExtractor, load_ranges, read_audio, recording, transfer_curves
    from ddsp_tf.inference.bundled import instrument

    notebook, folder = executed
    assert "moved by 1 octaves" in text(notebook, "adjust")
    played, rate = soundfile.read(folder / "timbre_transfer" / "transferred.wav")
    assert (len(played), rate) == (64000, 16000)
    extractor = FeatureExtractor(rate, 100)
    heard = extractor.extract(read_audio(recording("flute"), rate)[:64000])
    wanted = transfer_curves(
        heard, 100, load_ranges(instrument("violin")), octaves=1, pitch_correction=1.0
    )
    found = extractor.extract(played)
    sure = wanted.notes & (heard["f0_confidence"] > 0.9)
    cents = 1200 * np.log2(found["f0_hz"][sure] / wanted.curves["f0_hz"][sure])
    assert np.mean(np.abs(cents) < 50) > 0.95
    # What is heard in the cell is what is downloaded, but for the common gain.
    shown = sounds(notebook, "compare")[1]
    assert np.corrcoef(shown, played)[0, 1] > 0.999


def test_the_level_moves_as_asked(executed):
    from ddsp_tf import load_player, load_ranges, read_audio, recording, transfer_curves
    from ddsp_tf.inference.bundled import instrument

    notebook, _ = executed
    (change,) = re.findall(r"level changed by ([+-][\d.]+) dB", text(notebook, "adjust"))
    player, extractor = load_player(instrument("violin"))
    heard = extractor.extract(read_audio(recording("flute"), player.sample_rate)[:64000])
    ranges = load_ranges(instrument("violin"))
    fitted = transfer_curves(heard, player.frame_rate, ranges, octaves=1, pitch_correction=1.0)
    assert float(change) == pytest.approx(fitted.level_change_db + 3.0, abs=0.1)


def test_the_instrument_can_be_played_live(executed):
    notebook, _ = executed
    (page,) = live_pages(notebook, "live")
    assert "<h1>Play violin</h1>" in page and "litert.wasm.gz" in page


def test_a_song_is_played_with_the_expression_of_the_recordings(executed):
    from ddsp_tf import FeatureExtractor
    from ddsp_tf.inference.midi_files import read_midi

    notebook, folder = executed
    assert "track 0: no name, 15 notes" in text(notebook, "perform")
    check_sounds(notebook, {"perform": 1})
    check_pictures(notebook, {"perform": 2})
    audio, rate = soundfile.read(folder / "timbre_transfer" / "song.wav")
    (part,) = read_midi(folder / "timbre_transfer" / "theme.mid")
    assert len(audio) / rate == pytest.approx(part.end_s + 1.0, abs=0.1)
    heard = FeatureExtractor(rate, 100).extract(audio)
    for note in part.notes:
        inner = slice(round(100 * note.onset_s + 8), round(100 * note.offset_s - 4))
        midi = 69 + 12 * np.log2(np.median(heard["f0_hz"][inner]) / 440)
        assert abs(midi - note.midi) < 0.5, note
