import os
import re
import subprocess
import sys

from click.testing import CliRunner

import ddsp_tf
from ddsp_tf import load_ranges
from ddsp_tf.app.cli import main
from ddsp_tf.app.project import instrument_of
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.bundled import NAMES
from ddsp_tf.inference.bundled.credits import CREDITS


def test_every_bundled_model_is_listed_with_range_licence_and_makers():
    result = CliRunner().invoke(main, ["instruments"])
    assert result.exit_code == 0
    text = " ".join(re.sub(r"[│┃]", " ", result.output).split())
    ranges = re.findall(r"(\d+) to (\d+) Hz", text)
    for name, (lowest, highest) in zip(CREDITS, ranges, strict=True):
        assert f"bundled:{name}" in text
        pitch_hz = RunDirectory(ddsp_tf.instrument(name)).read()["feature_statistics"]["f0_hz"]
        # All but stray errors of the pitch tracker, which go down to 26 Hz.
        assert 45.0 < float(lowest) < 1.03 * pitch_hz["p5"], name
        assert float(highest) > pitch_hz["p95"] / 1.03, name


def test_what_an_encoding_lacks_is_escaped_and_tensorflow_is_quiet():
    process = subprocess.run(
        [sys.executable, "-m", "ddsp_tf.app.cli", "instruments"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=True,
        capture_output=True,
    )
    assert rb"\u266f" in process.stdout and process.stdout.isascii()
    assert process.stderr == b""


def test_every_bundled_model_has_a_credit_and_every_credit_a_model():
    assert set(NAMES) == {"ensemble", *CREDITS}


def test_what_cc_by_asks_for_travels_with_the_models():
    notice = (ddsp_tf.instrument("ensemble").parent / "NOTICE").read_text()
    notice = " ".join(notice.split())
    for name, given in CREDITS.items():
        assert name in notice
        for maker in re.split(r"[;,()]", given.makers):
            assert maker.strip() in notice


def test_an_instrument_of_the_ensemble_is_the_one_of_its_name():
    ensemble = ddsp_tf.instrument("ensemble")
    assert instrument_of(ensemble, "cello") == (ddsp_tf.instrument("cello"), None)
    assert load_ranges(instrument_of(ensemble, "tuba")[0])["f0_midi"]["p95"] < 55
