import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation import evaluator
from ddsp_tf.evaluation.evaluator import chosen_clips, evaluate_model, evaluate_run
from ddsp_tf.evaluation.record import read_evaluation
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.losses import MultiScaleSpectralLoss


class Parrot:
    """A model that plays the recording it is compared with, multiplied by `gain`."""

    sample_rate, frame_rate, hop = 16000, 100, 160
    feature_names = ("f0_hz", "loudness_db")
    optional_feature_names, vector_sizes = (), {}
    processor_group = SimpleNamespace(processors=[SimpleNamespace(name="parrot")])

    def __init__(self, loudness_db, audio, gain=1.0):
        self.loudness_db, self.audio, self.gain = loudness_db, audio, gain

    def render(self, features):
        asked = np.asarray(features["loudness_db"])[0]
        places = np.lib.stride_tricks.sliding_window_view(self.loudness_db, asked.size)
        (start,) = np.flatnonzero((places == asked).all(axis=1)) * self.hop
        return {"parrot": self.gain * self.audio[None, start : start + asked.size * self.hop]}, {}


@pytest.fixture
def one_clip(tiny_dataset):
    """The dataset, and loudness and audio of its validation recording, one clip of 4 s."""
    from ddsp_tf.data.pipeline import clips

    manifest = load_manifest(tiny_dataset)
    ((features, audio),) = clips(manifest, split="validation", clip_frames=400)
    return manifest, (features["loudness_db"].numpy()[0], audio.numpy()[0])


def test_a_perfect_copy_has_no_error(one_clip):
    manifest, sound = one_clip
    summary = evaluate_model(Parrot(*sound), manifest).summary
    assert summary["spectral_loss"] == 0.0
    assert summary["loudness_l1_db"] < 1e-3
    assert summary["f0_l1_semitones"] < 1e-3
    assert summary["f0_outlier_share"] == 0.0 and summary["f0_within_50_cents"] == 1.0
    assert summary["other_sizes_loss"] == summary["attack_error_ms"] == 0.0
    assert summary["cepstral_distance_db"] < 1e-3


def test_a_perfect_copy_has_no_error_where_clips_cut_notes_in_two(one_clip):
    manifest, sound = one_clip
    # Notes begin every half second: 0.8 s cut most of them.
    evaluation = evaluate_model(Parrot(*sound), manifest, clip_seconds=0.8)
    assert len(evaluation.per_clip) == len(evaluation.shown) == 5
    assert evaluation.summary["loudness_l1_db"] < 1e-3
    assert evaluation.summary["f0_outlier_share"] == 0.0
    judged = [clip.features["target"]["f0_confidence"] > 0.8 for clip in evaluation.shown]
    assert np.mean(judged) > 0.7


def test_a_copy_of_half_the_level_is_six_db_off(one_clip):
    manifest, sound = one_clip
    evaluation = evaluate_model(Parrot(*sound, gain=0.5), manifest)
    # Frames near the floor of the loudness scale cannot get quieter.
    assert evaluation.summary["loudness_l1_db"] == pytest.approx(6.02, abs=0.6)
    assert evaluation.summary["f0_l1_semitones"] < 0.02
    audio = sound[1][None]
    expected = MultiScaleSpectralLoss()(audio, 0.5 * audio)
    assert evaluation.summary["spectral_loss"] == pytest.approx(float(expected), rel=1e-4)


def test_silence_is_an_outlier_everywhere(one_clip):
    manifest, sound = one_clip
    summary = evaluate_model(Parrot(*sound, gain=0.0), manifest).summary
    assert summary["f0_outlier_share"] == 1.0 and np.isnan(summary["f0_l1_semitones"])


@pytest.fixture
def run(tiny_run, tmp_path):
    shutil.copytree(tiny_run, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def test_run_is_evaluated_on_held_out_clips(run):
    run.report.write_text("page of an earlier evaluation")
    result = evaluate_run(run, clip_seconds=2.0)
    record = read_evaluation(run)
    assert record == result.record and record.clips == len(record.per_clip) == 2
    assert record.described_clips == "2 held-out clips"
    assert [dataset.split for dataset in record.datasets] == ["validation"]
    assert record.summary["spectral_loss"] == np.mean(
        [clip.metrics["spectral_loss"] for clip in record.per_clip]
    )
    assert not run.report.exists()


@pytest.mark.parametrize("kept_clips", [12, 3])
def test_shown_clips_are_those_that_were_measured(run, monkeypatch, kept_clips):
    """Clips that are rendered a second time, to be shown, have the numbers of the first."""
    monkeypatch.setattr(evaluator, "_KEPT_SAMPLES", kept_clips * 16000)
    for seconds in (1e9, 1e-3, float("nan")):
        with pytest.raises(UserError, match=r"clip_seconds is .*; expected 0\.1 to 60"):
            evaluate_run(run, clip_seconds=seconds)
    few = evaluate_run(run, split="all", clip_seconds=1.0, shown_clips=4)
    record = few.record
    assert record.clips == 12 and record.datasets[0].relation == "training and held-out clips"
    metrics = {clip.name: clip.metrics for clip in record.per_clip}
    for clip in few.shown:
        assert clip.metrics == pytest.approx(metrics[clip.name], rel=1e-4, nan_ok=True)
    losses = sorted(values["spectral_loss"] for values in metrics.values())
    by_rank = {clip.rank: metrics[clip.name]["spectral_loss"] for clip in few.shown}
    assert len(few.shown) == 4
    assert (by_rank["best"], by_rank["worst"]) == (losses[0], losses[-1])
    assert by_rank["median"] == losses[6]


def test_only_the_first_clip_is_measured_alone(monkeypatch):
    monkeypatch.setattr(evaluator, "processors", lambda: 3)
    at_work, most = set(), {}

    def measure(clip):
        at_work.add(clip.number)
        time.sleep(0.05)
        most[clip.number] = len(at_work)
        at_work.remove(clip.number)

    clips = [SimpleNamespace(number=number) for number in range(6)]
    measured = list(evaluator._in_threads(measure, clips))
    assert [clip for _, clip in measured] == clips
    assert most[0] == 1 < max(most.values()) <= 3


def test_a_run_in_use_is_not_evaluated(run):
    script = (
        "import sys, time\n"
        "from ddsp_tf.files.locks import locked\n"
        "with locked(sys.argv[1], 'training'):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"locked\n"
            with pytest.raises(UserError, match=rf"process {other.pid} \(training\)"):
                evaluate_run(run)
        finally:
            other.kill()
    assert not run.evaluation.exists()


@pytest.mark.parametrize(
    ("losses", "count", "chosen"),
    [
        ([3.0, 1.0, 2.0], 12, {1: "best", 2: "median", 0: "worst"}),
        ([3.0, float("nan"), 1.0, 2.0], 3, {2: "best", 0: "median", 1: "worst"}),
        ([3.0, 1.0], 12, {0: "", 1: ""}),
        ([5.0, 4.0, 3.0, 2.0, 1.0], 1, {4: "best"}),
        ([5.0], 12, {0: ""}),
    ],
)
def test_best_median_and_worst_are_shown(losses, count, chosen):
    assert chosen_clips(losses, count) == chosen


def test_wrong_datasets_are_named(tiny_run, melodies, tmp_path):
    model = load_model(tiny_run)
    prepare_dataset([melodies], tmp_path / "other", extractor=load_extractor("vst"))
    with pytest.raises(UserError, match=r"frame_rate.*50.*100"):
        evaluate_model(model, load_manifest(tmp_path / "other"))
    prepare_dataset(
        [melodies], tmp_path / "all", extractor=load_extractor("demo"), validation_share=0.0
    )
    with pytest.raises(UserError, match="validation split is empty"):
        evaluate_model(model, load_manifest(tmp_path / "all"))
