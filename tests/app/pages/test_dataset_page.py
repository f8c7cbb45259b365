"""The page of a dataset shows its numbers, escapes names, and needs no network."""

import dataclasses
import re

import numpy as np
import pytest
import soundfile

from ddsp_tf.app.pages.dataset_page import EXCERPTS, write_dataset_page
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor

EVIL = "<b>loud & long.wav"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """More recordings than the page shows excerpts of; one is clipped, one too short."""
    folder = tmp_path_factory.mktemp("recordings")

    def record(name, seconds, hz, gain=0.5):
        time = np.arange(round(16000 * seconds)) / 16000
        tone = sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 6))
        soundfile.write(folder / "audio" / name, np.clip(gain * tone, -1, 1), 16000)

    (folder / "audio").mkdir()
    for number in range(EXCERPTS + 1):
        record(f"{number}.wav", 0.6 + 0.1 * number, 220.0 * 2 ** (number / 12))
    record(EVIL, 9, 220.0, gain=5.0)
    record("short.wav", 0.2, 220.0)
    extractor = FeatureExtractor(16000, 50, "yin", refine_f0=False)
    return prepare_dataset(folder / "audio", folder / "dataset", extractor=extractor)


@pytest.fixture(scope="module")
def html(dataset):
    path = write_dataset_page(dataset.folder)
    assert path == dataset.folder / "dataset.html"
    return path.read_text(encoding="utf-8")


def test_page_shows_recordings_flags_and_pictures(dataset, html):
    flags = [flag for recording in dataset.recordings for flag in recording.flags]
    assert flags and all(flag in html for flag in flags)
    assert "lasts 0.2 s" in html
    assert html.count('src="data:image/png;base64,') == EXCERPTS + 1
    assert not re.search(r'(src|href)="(?!data:)', html)


def test_names_are_shown_as_they_are(html):
    assert "&lt;b&gt;loud &amp; long.wav" in html and "<b>" not in html


def test_flagged_recordings_come_first(html):
    first = re.search(r"<figcaption>(.*?) <span", html)[1]
    assert first == "&lt;b&gt;loud &amp; long.wav"


def test_a_manifest_without_a_folder_is_refused(dataset):
    with pytest.raises(UserError, match="not loaded from a folder; load it first"):
        write_dataset_page(dataclasses.replace(dataset, folder=None))
