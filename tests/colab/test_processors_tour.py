"""The tour of the processors, executed on a fresh kernel; gradient descent finds a violin."""

import re
import zipfile

import numpy as np
import pytest
from backends import tensorflow_only
from notebook_checks import check_pictures, check_sounds
from notebook_runs import run_notebook, sounds, text

pytestmark = [tensorflow_only, pytest.mark.long]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    return run_notebook("processors_tour.ipynb", folder, {"pitch_hz": 330, "semitones": 12}), folder


def test_every_processor_sounds_and_is_drawn(executed):
    notebook, _ = executed
    players = {"harmonic": 1, "noise": 1, "reverb": 2, "effects": 2, "group": 4, "fitted": 4}
    check_sounds(notebook, players | {"target": 1, "found": 2})
    drawn = {"harmonic": 2, "noise": 2, "reverb": 3, "effects": 2, "group": 4, "target": 2}
    check_pictures(notebook, drawn | {"fitted": 5, "found": 3})


def test_the_form_sets_the_pitch(executed):
    notebook, _ = executed
    (tone,) = sounds(notebook, "harmonic")
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert np.argmax(spectrum[:700]) * 16000 / len(tone) == pytest.approx(330, abs=10)


def test_the_fit_comes_close_to_the_violin(executed):
    from ddsp_tf import MultiScaleSpectralLoss

    notebook, _ = executed
    first, last = map(
        float, re.search(r"fell from ([\d.]+) to ([\d.]+)\.", text(notebook, "fitted")).groups()
    )
    target, *fits = sounds(notebook, "fitted")
    loss = MultiScaleSpectralLoss()
    distances = [float(loss(target[None], fit[None])) for fit in fits]
    assert last < 0.65 * first
    assert distances[-1] < min(distances[:-1])


def test_the_download_holds_the_sounds(executed):
    _, folder = executed
    with zipfile.ZipFile(folder / "processors_tour.zip") as file:
        names = {name for name in file.namelist() if name.endswith(".wav")}
    assert names == {f"processors_tour/{name}.wav" for name in ("tone", "room", "effect", "fit")}
