import dataclasses
import json
import math

import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.record import (
    EvaluatedClip,
    EvaluatedDataset,
    Evaluation,
    read_evaluation,
    write_evaluation,
)
from ddsp_tf.files.run_directory import RunDirectory

DATASET = EvaluatedDataset("a", "violin", "f", "validation", "held-out clips", 2, {"hop": 64})
RECORD = Evaluation(
    model_sha256="0",
    datasets=[DATASET, dataclasses.replace(DATASET, relation="training clips", clips=3)],
    clip_seconds=4.0,
    clips=2,
    notes=["a sentence"],
    summary={"spectral_loss": 4.5, "f0_l1_semitones": math.nan},
    per_clip=[EvaluatedClip("a.wav 0.0-4.0 s", 0, {"spectral_loss": 4.5})],
)


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def test_what_was_written_is_read(run):
    write_evaluation(run, RECORD)
    found = read_evaluation(run)
    assert math.isnan(found.summary["f0_l1_semitones"])
    assert dataclasses.replace(found, summary={}) == dataclasses.replace(RECORD, summary={})
    assert found.described_clips == "2 held-out clips, 3 training clips"


def test_json_has_null_in_place_of_numbers_it_cannot_hold(run):
    write_evaluation(run, dataclasses.replace(RECORD, summary={"a": math.nan, "b": math.inf}))

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(run.evaluation.read_text(), parse_constant=refuse)
    assert content["summary"] == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "not as"),
        (lambda text: "[]", "not as"),
        (lambda text: text.replace('"summary"', '"other"'), r"summary: Field required"),
        (lambda text: text.replace("4.5", '"loud"'), r"summary\.spectral_loss: .*number"),
        (lambda text: "[" * 100_000, "not as"),
    ],
    ids=["cut", "list", "key", "type", "nested"],
)
def test_damaged_files_are_named(run, change, message):
    write_evaluation(run, RECORD)
    run.evaluation.write_text(change(run.evaluation.read_text()))
    with pytest.raises(UserError, match=rf"evaluation\.json: .*{message}.*evaluate the run again"):
        read_evaluation(run)
