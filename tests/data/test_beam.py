"""A Beam pipeline makes the dataset that threads make. Skipped without Apache Beam."""

import sys

import pytest

from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def measurer():
    pytest.importorskip("apache_beam")
    from ddsp_tf.data.beam import BeamMeasurer

    return BeamMeasurer


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_pipeline_gives_the_same_bytes(measurer, record, tmp_path, extractor, shared):
    for number in range(4):
        record(f"{number}.wav", 1.0 + number, number)
    folder = record("silent.wav", 1, gain=1e-5).parent
    beam_folder = str(tmp_path / "shared") if shared else None
    prepare_dataset(
        folder,
        tmp_path / "beam",
        extractor=extractor,
        measurer=measurer("DirectRunner", ["--no_pipeline_type_check"], beam_folder),
    )
    prepare_dataset(folder, tmp_path / "threads", extractor=extractor)
    assert content(tmp_path / "beam") == content(tmp_path / "threads")


@pytest.mark.slow
def test_a_tracker_in_use_is_sent_as_its_description(measurer, melodies, tmp_path):
    extractor = FeatureExtractor(16000, 100)
    prepare_dataset(melodies, tmp_path / "threads", extractor=extractor)
    prepare_dataset(
        melodies, tmp_path / "beam", extractor=extractor, measurer=measurer("DirectRunner")
    )
    assert content(tmp_path / "beam") == content(tmp_path / "threads")


@pytest.mark.slow
def test_an_unknown_runner_is_a_mistake_even_if_nothing_is_left_to_measure(measurer):
    with pytest.raises(UserError, match=r"--runner Nonesuch: cannot be used .*expected Direct"):
        measurer("Nonesuch")


def test_without_beam_the_message_says_what_to_install(monkeypatch):
    from ddsp_tf.data.beam import BeamMeasurer

    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(UserError, match=r"pip install ddsp-tf\[beam\]"):
        BeamMeasurer("DirectRunner")
