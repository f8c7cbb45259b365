"""The benchmark of a decoder's matrix products tells recurrent ones from the others."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_only_a_gru_multiplies_frame_by_frame(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import decoder_products

    monkeypatch.setattr(decoder_products, "FRAMES", 10)
    monkeypatch.setattr(decoder_products, "ROUNDS", 1)
    done = CliRunner().invoke(decoder_products.main, ["vst", "fast"])
    assert done.exit_code == 0, done.output
    lines = re.findall(r"(\w+): .*at once (\S+), frame by frame (\S+)\)", done.output)
    (vst, *with_gru), (fast, *without) = lines
    assert (vst, fast) == ("vst", "fast")
    at_once, one_by_one = map(float, with_gru)
    assert at_once > 0.0 and one_by_one > 0.0
    at_once, one_by_one = map(float, without)
    assert at_once > 0.0 and one_by_one == 0.0
