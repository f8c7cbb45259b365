"""Memory of an evaluation does not grow with the recordings."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.preparation import prepare_dataset

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL = [
    "n_harmonics=40",
    "n_bands=33",
    "MinGruDecoder.stack_channels=32",
    "MinGruDecoder.stack_layers=1",
    "MinGruDecoder.rnn_channels=32",
    "MinGruDecoder.rnn_layers=1",
    "Reverb.length=4800",
]


def resident_gib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 2**20


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_three_more_minutes_need_no_more_memory(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scaling

    dataset, extractor = tmp_path / "dataset", load_extractor("fast_48k", SMALL)
    audio = scaling.recordings(tmp_path, 4, 48000)
    prepare_dataset(audio, dataset, extractor=extractor, validation_share=1.0)
    scaling.make_run(tmp_path / "run", "fast_48k", SMALL, dataset)
    command = [
        sys.executable,
        str(BENCHMARKS / "measured_command.py"),
        "evaluate",
        tmp_path / "run",
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        used = {
            int(found[1]): resident_gib(process)
            for line in process.stderr
            if (found := re.match(r"evaluating: (\d+) of 60", line))
        }
        output = process.stdout.read()
    assert process.returncode == 0, output
    first, last = min(used), max(used)
    assert first <= 15 and last == 60, used
    # The stems of the three minutes alone are 0.15 GiB.
    assert used[last] < used[first] + 0.1
    assert json.loads(output.splitlines()[-1])["mib"] < 1500
