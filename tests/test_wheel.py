"""A wheel of the project works away from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PROGRAM = """
import ddsp_tf
from ddsp_tf.configuration.experiment import find_configuration, load_extractor, shipped_names
assert str(find_configuration("vst")).startswith(ddsp_tf.__path__[0]), find_configuration("vst")
print(ddsp_tf.__path__[0], *shipped_names(), load_extractor("demo").hop)
print(ddsp_tf.recording("violin").stat().st_size)
from pathlib import Path
from ddsp_tf.app.pages.templates import write_page
write_page(Path("page.css"), "page.css.j2")
from ddsp_tf.app.pages.live_page import LiveInstrument, write_live_page
write_live_page("live.html", [LiveInstrument({"name": "reed"}, [b""])], single_file=True)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder in which the wheel's files stand, as pip puts them."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    result = subprocess.run([*build, str(ROOT)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_holds_everything_that_ships(installed):
    names = {path.relative_to(installed).as_posix() for path in installed.rglob("*")}
    for name in (
        "ddsp_tf/shipped_configurations/demo.gin",
        "ddsp_tf/shipped_configurations/models/vst.gin",
        "ddsp_tf/shipped_runners/run_saved_model.py",
        "ddsp_tf/shipped_runners/realtime/ddsp.cc",
        "ddsp_tf/app/recordings/violin.flac",
        "ddsp_tf/training/note_network.npy",
        "ddsp_tf/app/recordings/NOTICE",
        "ddsp_tf/app/pages/report.html.j2",
        "ddsp_tf/app/pages/live/built/litert.wasm.gz",
        "ddsp_tf/app/pages/live/built/worker.js",
        "ddsp_tf/app/pages/live/built/NOTICE",
        "ddsp_tf/py.typed",
    ):
        assert name in names
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ddsp_tf").rglob("*.py")}
    assert modules <= names


def test_wheel_works_away_from_the_checkout(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    where, *names = result.stdout.split()
    assert where == str(installed / "ddsp_tf")
    assert {"demo", "solo_instrument", "fast", "autoencoder", "vst"} <= set(names)
    assert names[-2] == "160"
