import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.evaluator import evaluate_model, evaluate_run
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.losses import MultiScaleSpectralLoss


class Parrot:
    """A model that plays exactly what it is compared with, clip by clip, `gain` times as loud."""

    sample_rate, frame_rate, hop = 16000, 100, 160
    feature_names = ("f0_hz", "loudness_db")
    optional_feature_names = ()
    processor_group = SimpleNamespace(processors=[SimpleNamespace(name="parrot")])

    def __init__(self, audio, gain=1.0):
        self.audio, self.gain, self.place = audio, gain, 0

    def render(self, features):
        start, self.place = self.place, self.place + features["f0_hz"].shape[1] * self.hop
        return {"parrot": self.gain * self.audio[None, start : self.place]}, {}


@pytest.fixture
def one_clip(tiny_dataset):
    """The dataset, and the audio of its validation recording, which is one clip of 4 s."""
    from ddsp_tf.data.pipeline import clips

    manifest = load_manifest(tiny_dataset)
    ((_, audio),) = clips(manifest, split="validation", clip_frames=400)
    return manifest, audio.numpy()[0]


def test_a_perfect_copy_has_no_error(one_clip):
    manifest, audio = one_clip
    summary = evaluate_model(Parrot(audio), manifest).summary
    assert summary["spectral_loss"] == 0.0
    assert summary["loudness_l1_db"] < 1e-3
    assert summary["f0_l1_semitones"] < 1e-3
    assert summary["f0_outlier_share"] == 0.0 and summary["f0_within_50_cents"] == 1.0


def test_a_perfect_copy_has_no_error_where_clips_cut_notes_in_two(one_clip):
    manifest, audio = one_clip
    # Notes begin every half second: 0.8 s cut most of them.
    evaluation = evaluate_model(Parrot(audio), manifest, clip_seconds=0.8)
    assert len(evaluation.clips) == 5
    assert evaluation.summary["loudness_l1_db"] < 1e-3
    assert evaluation.summary["f0_outlier_share"] == 0.0
    judged = [clip.features["target"]["f0_confidence"] > 0.8 for clip in evaluation.clips]
    assert np.mean(judged) > 0.7


def test_a_copy_of_half_the_level_is_six_db_off(one_clip):
    manifest, audio = one_clip
    evaluation = evaluate_model(Parrot(audio, gain=0.5), manifest)
    # Frames near the floor of the loudness scale cannot get quieter.
    assert evaluation.summary["loudness_l1_db"] == pytest.approx(6.02, abs=0.6)
    assert evaluation.summary["f0_l1_semitones"] < 0.02
    expected = MultiScaleSpectralLoss()(audio[None], 0.5 * audio[None])
    assert evaluation.summary["spectral_loss"] == pytest.approx(float(expected), rel=1e-4)


def test_silence_is_an_outlier_everywhere(one_clip):
    manifest, audio = one_clip
    summary = evaluate_model(Parrot(audio, gain=0.0), manifest).summary
    assert summary["f0_outlier_share"] == 1.0 and np.isnan(summary["f0_l1_semitones"])


def test_run_is_evaluated_on_its_own_and_on_other_datasets(tiny_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    run = RunDirectory(folder)
    summary = evaluate_run(run, clip_seconds=2.0)
    content = json.loads(run.evaluation.read_text())
    assert content["split"] == "validation" and content["clips"] == 2
    assert content["summary"]["spectral_loss"] == summary["spectral_loss"]
    assert run.report.stat().st_size > 10_000
    evaluate_run(run, folder.parent / run.read()["dataset"], clip_seconds=2.0)
    assert json.loads(run.evaluation.read_text())["split"] == "all"
    assert json.loads(run.evaluation.read_text())["clips"] == 6


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


def test_a_dataset_that_is_gone_is_named(tiny_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    run = RunDirectory(folder)
    run.update({"dataset": str(tmp_path / "gone")})
    with pytest.raises(UserError, match=r"gone.*--data"):
        evaluate_run(run)
