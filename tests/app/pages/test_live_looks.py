"""The live page without a mouse, without what it needs, on phones, in dark mode; its size."""

import re

import pytest
from click.testing import CliRunner
from live_browser import needs_browser

from ddsp_tf.app.cli import main
from ddsp_tf.app.pages.live_page import LARGEST_PAGE, write_live_page
from ddsp_tf.files.export_description import read_description

pytestmark = [pytest.mark.long, needs_browser]


def test_page_is_operated_by_keys_alone(play):
    found = play("operated")
    assert all(found["reached"]), "every control has a name"
    names = " | ".join(found["reached"])
    for name in ("Instrument", "Start", "Microphone", "Recording", "Connect MIDI", "Vibrato"):
        assert name in names
    assert re.search(r"\| C\d \|", names), "the first key of the piano"
    assert "Record to WAV" in names and "Licences" in names
    assert found["now"].startswith(found["key"]) and found["file"] == "recording-file"


def test_page_says_what_is_wrong(play):
    sentences = play("troubles")
    assert "microphone is blocked" in sentences["denied"]
    assert "lacks AudioWorklet" in sentences["old"]
    assert "has no MIDI" in sentences["midi"]
    assert "tiny cannot be played here" in sentences["broken"]


def test_page_fits_phones_and_the_dark(play, tmp_path):
    widths = play("pictures", pictures=tmp_path, wait=1000)
    assert widths["phone"] <= 390 and widths["desktop"] <= 1180
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "desktop.png",
        "phone.png",
        "dark.png",
    }


def test_export_adds_a_page_and_replaces_it(tiny_run, tmp_path):
    out = tmp_path / "reed"
    for option, page in (("--single-file", "page.html"), ("--page", "page/index.html")):
        command = ["-v", "export", tiny_run, "--out", out, "--precision", "float32", option]
        result = CliRunner().invoke(main, list(map(str, command)))
        assert result.exit_code == 0, result.output
        assert page in read_description(out).files and (out / page).is_file()
    assert not (out / "page.html").exists()


def test_page_of_one_instrument_is_small_enough(instruments, tmp_path):
    for instrument in instruments:
        name = instrument.facts["name"]
        path = write_live_page(tmp_path / f"{name}.html", [instrument], single_file=True)
        assert path.stat().st_size < LARGEST_PAGE, name
