"""The page of a dataset holds its numbers, escapes names, and needs no network."""

import re

import numpy as np
import pytest

from ddsp_tf.app.pages.dataset_page import EXCERPTS, write_page
from ddsp_tf.data.preparation import prepare_dataset


@pytest.fixture
def dataset(record, extractor, tmp_path):
    for number in range(EXCERPTS + 2):
        record(f"{number}.wav", 1.0 + number, number)
    record("<b>silent & long.wav", 12, gain=0.02)
    record("short.wav", 0.2)
    return prepare_dataset(tmp_path / "audio", tmp_path / "d", extractor=extractor)


def test_page_shows_recordings_flags_and_pictures(dataset):
    path = write_page(dataset)
    html = path.read_text(encoding="utf-8")
    assert path == dataset.folder / "dataset.html"
    for recording in dataset.recordings:
        for flag in recording.flags:
            assert flag in html
    assert "&lt;b&gt;silent &amp; long.wav" in html and "<b>silent" not in html
    assert "lasts 0.2 s" in html
    assert html.count('src="data:image/png;base64,') == EXCERPTS + 1
    assert not re.search(r'(src|href)="(?!data:)', html)


def test_flagged_recordings_come_first(dataset):
    flagged = {recording.source for recording in dataset.recordings if recording.flags}
    assert flagged
    html = write_page(dataset.folder).read_text(encoding="utf-8")
    first = re.search(r"<figcaption>(.*?) <span>", html)[1]
    assert first in flagged


def test_histograms_count_voiced_frames(dataset):
    histograms = dataset.statistics["histograms"]
    voiced = round(
        sum(file.frames * file.voiced_share for file in dataset.files if file.split == "train")
    )
    for histogram in histograms.values():
        assert sum(histogram["counts"]) == pytest.approx(voiced, rel=1e-3)
        assert histogram["counts"][0] > 0 and histogram["counts"][-1] > 0
    # The counting tracker gives frame k a pitch of 100 + k Hz.
    longest = max(file.frames for file in dataset.files if file.split == "train")
    first, counts = histograms["f0_midi"]["first"], histograms["f0_midi"]["counts"]
    assert first == round(69 + 12 * np.log2(100 / 440))
    assert first + len(counts) - 1 == round(69 + 12 * np.log2((99 + longest) / 440))


def test_a_dataset_with_its_page_may_be_replaced(dataset, extractor, tmp_path):
    (dataset.folder / "dataset.html").touch()
    again = prepare_dataset(tmp_path / "audio", tmp_path / "d", extractor=extractor, seed=1)
    assert not (again.folder / "dataset.html").exists()
