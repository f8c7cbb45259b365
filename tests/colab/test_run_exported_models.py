"""The notebook that plays exported models without the library, executed on a fresh kernel."""

import re

import numpy as np
import pytest
import soundfile
from backends import tensorflow_only
from notebook_checks import check_pictures, check_sounds
from notebook_runs import live_pages, read_notebook, run_notebook, sounds, text

pytestmark = tensorflow_only
NAME = "run_exported_models.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return run_notebook(NAME, folder), folder


def test_only_the_cell_that_gets_a_model_uses_the_library():
    users = {
        cell.id
        for cell in read_notebook(NAME).cells
        if cell.cell_type == "code" and re.search(r"import ddsp|ddsp_tf\.|ddsp-tf", cell.source)
    }
    assert users == {"get"}


@pytest.mark.slow
def test_it_plays_and_draws(executed):
    notebook, _ = executed
    check_sounds(notebook, {"saved-model": 4, "recording": 2, "offline": 1, "stream": 1})
    check_pictures(notebook, {"melody": 1, "controls": 1, "offline": 1, "latency": 1})
    assert "signatures: synthesize" in text(notebook, "saved-model")
    assert re.search(r"99 % less than [\d.]+ ms", text(notebook, "latency"))


@pytest.mark.slow
def test_the_stream_is_the_piece_a_little_later(executed):
    notebook, _ = executed
    (difference,) = re.findall(r"differs by at most (\S+)\.", text(notebook, "stream"))
    assert float(difference) < 1e-4
    assert "10 ms late" in text(notebook, "stream")


@pytest.mark.slow
def test_the_notes_are_those_that_were_drawn(executed):
    notebook, folder = executed
    melody, rate = soundfile.read(folder / "melody.wav")
    assert (len(melody), rate) == (64000, 16000)
    for number, midi in enumerate((67, 71, 74, 79, 74)):
        middle = melody[int((0.8 * number + 0.3) * rate) : int((0.8 * number + 0.5) * rate)]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 65536))
        hz = 440 * 2 ** ((midi - 69) / 12)
        near = np.arange(len(spectrum)) * rate / 65536
        around = spectrum[np.abs(near - hz) < 0.2 * hz]
        peak = near[np.abs(near - hz) < 0.2 * hz][np.argmax(around)]
        assert peak == pytest.approx(hz, rel=0.03), number
    assert len(sounds(notebook, "offline")[0]) == len(melody)


@pytest.mark.slow
def test_the_page_is_below_its_cell(executed):
    notebook, folder = executed
    (page,) = live_pages(notebook, "page")
    assert page == (folder / "violin_export" / "page.html").read_text("utf-8")
