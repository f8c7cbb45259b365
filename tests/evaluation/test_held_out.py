"""What a run is evaluated on: held-out clips only, unless something else is asked for and said."""

import dataclasses
import shutil

import pytest
from run_records import make_run_record

from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.held_out import choose_parts
from ddsp_tf.files.run_directory import RunDirectory


@pytest.fixture
def make_dataset(tiny_dataset, tmp_path):
    """Copies the melodies' dataset and changes what it says about itself."""

    def make(name, held_out=True, **changes):
        folder = tmp_path / name
        shutil.copytree(tiny_dataset, folder)
        manifest = load_manifest(folder)
        if not held_out:
            changes["recordings"] = tuple(
                dataclasses.replace(
                    entry,
                    files=tuple(dataclasses.replace(file, split="train") for file in entry.files),
                )
                for entry in manifest.recordings
            )
        dataclasses.replace(manifest, **{"fingerprint": name, **changes}).save(folder)
        return load_manifest(folder)

    return make


@pytest.fixture
def make_run(tmp_path):
    """Makes a run folder with nothing but run.json."""

    def make(*manifests):
        run = RunDirectory(tmp_path / "run")
        make_run_record(
            run,
            **run.describe_datasets([manifest.folder for manifest in manifests]),
            dataset_fingerprint=" ".join(manifest.fingerprint for manifest in manifests),
            extractor=manifests[0].extractor,
        )
        return run

    return make


def described(parts):
    return [(part.manifest.fingerprint, part.split, part.relation) for part in parts]


def test_all_datasets_of_a_run_are_evaluated_on_their_held_out_clips(make_dataset, make_run):
    run = make_run(make_dataset("a"), make_dataset("b"))
    parts, notes = choose_parts(run)
    held_out = ("validation", "held-out clips")
    assert described(parts) == [("a", *held_out), ("b", *held_out)] and not notes


def test_a_dataset_without_held_out_recordings_is_left_out_and_named(make_dataset, make_run):
    run = make_run(make_dataset("a"), make_dataset("b", held_out=False))
    parts, notes = choose_parts(run)
    assert described(parts) == [("a", "validation", "held-out clips")]
    assert len(notes) == 1 and "b: has no held-out recordings" in notes[0]


def test_training_clips_are_never_taken_silently(make_dataset, make_run):
    run = make_run(make_dataset("a", held_out=False))
    parts, notes = choose_parts(run)
    assert described(parts) == [("a", "train", "training clips")]
    assert "these are training clips" in notes[0]
    with pytest.raises(UserError, match="a: the validation split is empty"):
        choose_parts(run, split="validation")[0][0].manifest.files_of("validation")


def test_the_run_s_own_dataset_is_known_at_another_place(make_dataset, make_run, tmp_path):
    own = make_dataset("a")
    run = make_run(own)
    moved = tmp_path / "elsewhere"
    shutil.move(own.folder, moved)
    with pytest.raises(UserError, match=r"dataset is gone; name one with --data"):
        choose_parts(run)
    parts, notes = choose_parts(run, [moved])
    assert described(parts) == [("a", "validation", "held-out clips")]
    assert "only the held-out clips" in notes[0]


def test_a_project_may_be_moved(make_dataset, make_run, tmp_path):
    make_run(make_dataset("a"))
    project = tmp_path / "moved"
    project.mkdir()
    for name in ("a", "run"):
        shutil.move(tmp_path / name, project / name)
    parts, notes = choose_parts(RunDirectory(project / "run"))
    assert described(parts) == [("a", "validation", "held-out clips")] and not notes
    assert parts[0].manifest.folder.resolve() == (project / "a").resolve()


@pytest.mark.parametrize(
    ("split", "relation"),
    [("all", "training and held-out clips"), ("train", "training clips")],
)
def test_a_split_that_is_asked_for_is_taken_and_called_what_it_is(
    make_dataset, make_run, split, relation
):
    own = make_dataset("a")
    for data in ([], [own.folder]):
        parts, notes = choose_parts(make_run(own), data, split)
        assert described(parts) == [("a", split, relation)] and not notes


def test_another_dataset_is_taken_whole_and_known_recordings_are_counted(make_dataset, make_run):
    own, other = make_dataset("a"), make_dataset("other")
    training = {file.source for file in own.files if file.split == "train"}
    first = min(training)
    recordings = [
        recording
        if recording.source == first
        else dataclasses.replace(recording, sha256=f"new {recording.sha256}")
        for recording in other.recordings
    ]
    dataclasses.replace(other, recordings=tuple(recordings)).save(other.folder)
    parts, notes = choose_parts(make_run(own), [other.folder])
    assert described(parts) == [("other", "all", "clips of another dataset")]
    assert "1 of the 3 recordings" in notes[0] and "trained on" in notes[0]


def test_pitch_of_another_tracker_is_said(make_dataset, make_run):
    own = make_dataset("a")
    tracker = {"name": "yin", "version": "1", "settings": {}}
    other = make_dataset("other", extractor={**own.extractor, "pitch_tracker": tracker})
    notes = choose_parts(make_run(own), [other.folder])[1]
    assert "was measured by yin 1" in notes[0] and "in training by auto" in notes[0]
    with pytest.raises(UserError, match=r"other: pitch_tracker.*yin"):
        choose_parts(make_run(own), [own.folder, other.folder])


@pytest.mark.parametrize("name", ["loudness_fft_size", "power_frame_size"])
def test_levels_that_do_not_compare_are_refused(make_dataset, make_run, name):
    own = make_dataset("a")
    other = make_dataset("other", extractor={**own.extractor, name: 2048})
    with pytest.raises(UserError, match=rf"other: {name} is 2048 but was \d+ in training"):
        choose_parts(make_run(own), [other.folder])


def test_other_rates_are_refused(make_dataset, make_run):
    own = make_dataset("a")
    other = make_dataset("other", sample_rate=48000)
    with pytest.raises(UserError, match=r"other: sample_rate.*48000.*16000"):
        choose_parts(make_run(own), [other.folder])
