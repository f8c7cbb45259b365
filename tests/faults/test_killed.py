"""Commands killed at random moments: afterwards the same command does what it would have done."""

import shutil
import signal

import pytest
from commands import contents, differences, moments

pytestmark = pytest.mark.slow
KILLS = 6


@pytest.fixture(scope="module")
def cases(melodies, tiny_dataset, tiny_run, tiny_overrides):
    """Arguments of each command, and what it finds in its folder before it starts."""
    settings = [part for setting in tiny_overrides for part in ("--set", setting)]
    configuration = ["--config", "demo", "--seed", "1", *settings]

    def nothing(folder):
        folder.mkdir()

    def a_run(folder):
        folder.mkdir()
        shutil.copytree(tiny_run, folder / "run")

    return {
        "prepare": (
            nothing,
            lambda at: ["prepare", melodies, "--out", at / "data", "--config", "demo"],
        ),
        "train": (
            nothing,
            lambda at: ["train", "--data", tiny_dataset, "--run", at / "run", *configuration],
        ),
        "evaluate": (a_run, lambda at: ["evaluate", at / "run"]),
        "export": (nothing, lambda at: ["export", tiny_run, "--out", at / "export"]),
        "run": (nothing, lambda at: ["run", melodies, "--out", at / "out", *configuration]),
    }


@pytest.mark.parametrize(
    "name",
    ["prepare", "train", "evaluate", "export", pytest.param("run", marks=pytest.mark.long)],
)
def test_the_same_command_ends_in_the_same_result(name, commands, cases, tmp_path):
    before, arguments = cases[name]
    expected_at, at = tmp_path / "undisturbed" / "place", tmp_path / "killed" / "place"
    for place in (expected_at, at):
        place.parent.mkdir()
        before(place)
    status, seconds, printed = commands.run(*arguments(expected_at))
    assert status == 0, printed
    expected = contents(expected_at)

    def compare():
        found = differences(contents(at), expected)
        assert not found, "\n".join(f"{name}: {pair}" for name, pair in found.items())
        assert sorted(path.name for path in at.parent.iterdir()) == ["place"]

    for kind, after in moments(len(name), KILLS, seconds):
        status, _, printed = commands.run(*arguments(at), kill=kind, after=after)
        assert "Traceback" not in printed, printed
        if status == 0:
            compare()
            shutil.rmtree(at)
            before(at)
        else:
            assert status in ((-signal.SIGKILL,) if kind == signal.SIGKILL else (143,)), printed
    status, _, printed = commands.run(*arguments(at))
    assert status == 0, printed
    compare()
