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
    notebook, _ = executed
    (change,) = re.findall(r"level changed by ([+-][\d.]+) dB", text(notebook, "adjust"))
    assert -3.0 < float(change) < 3.0


def test_the_instrument_can_be_played_live(executed):
    notebook, _ = executed
    (page,) = live_pages(notebook, "live")
    assert "<h1>Play violin</h1>" in page and "litert.wasm.gz" in page
