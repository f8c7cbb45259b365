"""Results among recordings, folders in work, channels and names of any kind."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from whole_files import whole_files

from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError


@pytest.fixture
def out(tmp_path):
    return tmp_path / "made" / "dataset"


def test_results_between_recordings_are_not_taken_for_recordings(record, extractor):
    folder = record("a.wav", 2).parent
    out, notes = folder / "deep" / "dataset", []
    choice = {"extractor": extractor, "on_note": notes.append}
    first = prepare_dataset(folder, out, **choice)
    record("deep/run/renders/x.wav", 2)
    (folder / "deep" / "run" / "run.json").write_text('{"schema_version": 1}')
    (folder / "voice.amr").touch()
    assert prepare_dataset(folder, out, **choice) == first
    assert notes == [
        "1 file is not read (voice.amr); convert them to .wav or .flac",
        "2 folders of ddsp-tf's own results (dataset, run) are not searched for recordings",
    ]


def test_a_dataset_in_work_is_locked(record, extractor, out):
    folder = record("a.wav", 2).parent
    code = (
        "import sys\nfrom ddsp_tf.files.locks import locked\n"
        "with locked(sys.argv[1], 'preparing a dataset'):\n    print(flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(UserError, match=rf"process {process.pid} \(preparing a dataset\)"):
            prepare_dataset(folder, out, extractor=extractor)
        process.kill()
    prepare_dataset(folder, out, extractor=extractor)


def test_a_channel_can_be_chosen(extractor, out, tmp_path, rng):
    sound = rng.uniform(-0.5, 0.5, [32000, 2]).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 16000, "FLOAT")
    prints = set()
    for number, channel in ((0, "left"), (1, "right"), ([0, 1], "mean")):
        rules = PreparationRules(channel=channel)
        made = prepare_dataset(
            tmp_path / "a.wav", out, extractor=extractor, rules=rules, validation_share=0
        )
        (file,) = whole_files(made, "train")
        expected = sound[:, number].mean(axis=1) if channel == "mean" else sound[:, number]
        np.testing.assert_allclose(file["audio"], expected, atol=1e-7)
        assert made.rules["channel"] == channel
        prints.add(made.fingerprint)
    assert len(prints) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_any_name_is_data(record, extractor, out, tmp_path):
    names = [
        b"na\xefve.wav",
        b"line\nbreak.wav",
        b"=1+2.wav",
        b"<b>.wav",
        b"[red].wav",
        b"\x1b.wav",
    ]
    for number, name in enumerate(names):
        path = record(f"{number}.wav", 1.0, number)
        path.rename(path.with_name(os.fsdecode(name)))
    made = prepare_dataset(tmp_path / "audio", out, extractor=extractor, validation_share=0)
    sources = {entry.source for entry in made.recordings}
    assert sources == {
        r"na\xefve.wav",
        r"line\nbreak.wav",
        "=1+2.wav",
        "<b>.wav",
        "[red].wav",
        r"\x1b.wav",
    }
    assert {file["source"] for file in whole_files(made, "train")} == sources
    assert load_manifest(out) == made
