"""What commands print: progress with and without a terminal, and names as they are."""

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from ddsp_tf.app.cli import console, model_commands
from ddsp_tf.app.cli.main import _message, main
from ddsp_tf.errors import UserError


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def lines_of(capsys, steps, total=None, clock=None, seconds=0.0):
    with console.progress_bar("training", total) as advance:
        for step in range(1, steps + 1):
            if clock:
                clock[0] += seconds
            advance(step, steps, f"loss {step}")
    return capsys.readouterr().err.splitlines()


def test_without_a_terminal_there_is_a_line_for_every_tenth(capsys, clock):
    said = lines_of(capsys, 1000)
    assert said[0] == "training: 100 of 1000, loss 100"
    assert said[-1] == "training: 1000 of 1000, loss 1000" and len(said) == 10


def test_without_a_terminal_there_is_a_line_every_minute(capsys, clock):
    said = lines_of(capsys, 30000, clock=clock, seconds=1.0)
    assert 490 < len(said) < 510
    assert said[0] == "training: 60 of 30000, loss 60"


def test_of_an_unknown_total_there_are_lines_too(capsys, clock):
    with console.progress_bar("preparing") as advance:
        for done in range(5):
            clock[0] += 61.0
            advance(done)
        advance.note("look\x1b[2J")
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["preparing: 0", "preparing: 1"] and said[-1] == "look\\x1b[2J"


def test_in_a_terminal_there_is_a_bar_and_names_are_data(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(console.sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    with console.progress_bar("preparing", 4) as advance:
        advance(1, 4)
        advance(4, text="[red]a\x1b[31m\udcff.wav")
        advance.note("[bold]kept")
    shown = terminal.getvalue()
    assert "[red]a\\x1b[31m\\xff.wav" in shown and "4/4" in shown and "[bold]kept" in shown


def test_tables_show_names_as_data(capsys):
    console.print_table("run [red]x\x1b[0m", [("[b]name", "\udcff[/b]\n2"), ("number", 3)])
    shown = capsys.readouterr().out
    for text in ("run [red]x\\x1b[0m", "[b]name", "\\xff[/b]\\n2", "3"):
        assert text in shown
    assert "\x1b" not in shown


def test_long_paths_are_shown_in_full(capsys):
    path = "/".join(str(number) for number in range(100))
    console.print_table("run", [("page", path)])
    shown = capsys.readouterr().out
    assert path in "".join(line[7:].strip("│ ") for line in shown.splitlines() if "│" in line)


def test_errors_show_names_as_data(monkeypatch):
    def work(**_):
        raise UserError("a\x1b[31m\nb\udcff.wav: empty")

    monkeypatch.setattr(main.commands["info"], "callback", work)
    result = CliRunner().invoke(main, ["-v", "info", "x"])
    assert result.stderr == "error: a\\x1b[31m\\nb\\xff.wav: empty\n"


def test_a_name_that_a_library_cannot_take(capsys):
    with pytest.raises(UnicodeEncodeError) as caught:
        "caf\udce9/run".encode()
    assert _message(caught.value) == ("caf\udce9/run: its name is not utf-8; choose another name")


def test_a_first_loss_that_was_not_finite_is_missing_in_the_record(capsys):
    record = {"step": 300, "seconds": 60.0, "validation_loss": 5.5, "best_validation_loss": 5.0}
    model_commands.print_training(Path("my_run"), record)
    said = capsys.readouterr().out
    assert "nan" in said and "5.00" in said
