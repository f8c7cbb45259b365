"""Commands in the documentation exist, take what they are given, and, where it is quick, run."""

import ast
import configparser
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from documents import PAGES, ROOT, code_blocks, code_spans, commands

from ddsp_tf.app.cli import main
from ddsp_tf.configuration.experiment import load_experiment, load_extractor
from ddsp_tf.configuration.registry import CLASSES, parameters

BLOCKS = [
    code for page in PAGES for code in code_blocks(page) if code.language == "" and commands(code)
]
QUICK = ("prepare", "features", "notes", "synthesize", "info", "evaluate")
OPTION_MAKERS = ("add_argument", "option")
# What they need is not at hand: weights, clusters, others' recordings; or another command runs it.
ONLY_READ = re.compile(r"crepe|--runner|'(yin|auto)'|(^| )(/mnt|sax|cello|both)")


def program(words):
    """A command without the settings of environment variables before it."""
    while re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return Path(words[0]).name, words[1:]


def lines_of(pattern):
    found = [
        pytest.param(arguments, id=f"{code} {name} {' '.join(arguments)[:50]}")
        for code in BLOCKS
        for name, arguments in map(program, commands(code))
        if re.fullmatch(pattern, name)
    ]
    return pytest.mark.parametrize("words", found)


def test_every_program_is_checked_below():
    names = {program(words)[0] for code in BLOCKS for words in commands(code)}
    known = r"ddsp-tf|export|make|pip|python[\d.]*|dask"
    assert [name for name in names if not re.fullmatch(known, name)] == []


@pytest.mark.parametrize("code", BLOCKS, ids=str)
def test_ddsp_tf_takes_it(code, request):
    for name, words in map(program, commands(code)):
        if name != "ddsp-tf":
            continue
        name, command, arguments = main.resolve_command(click.Context(main), list(words))
        values = command.make_context(name, arguments).params
        if "config" in values and not values["config"].endswith(".gin"):
            load = load_experiment if name in ("run", "train") else load_extractor
            load(values["config"], values["overrides"])
        if name in QUICK and not ONLY_READ.search(" ".join(words)):
            request.getfixturevalue("workbench")
            result = CliRunner().invoke(main, ["-v", *words], catch_exceptions=False)
            assert result.exit_code == 0, result.output


@lines_of(r"python[\d.]*")
def test_python_programs_exist_and_have_the_options(words):
    if words[0] == "-c":
        compile(words[1], "-c", "exec")
        return
    if words[0] == "-m":
        assert words[1] in (
            "venv",
            "pip",
            "pytest",
            "apache_beam.runners.worker.worker_pool_main",
        ), words
        return
    places = [ROOT / words[0], ROOT / "export" / words[0]]
    script = next((place for place in places if place.exists()), None)
    assert script, f"{words[0]}: no such script"
    known = {
        argument.value
        for call in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in OPTION_MAKERS
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }
    for word in words[1:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{script}: {word}"


@lines_of("make")
def test_make_has_the_target(words):
    check_target(words)


def check_target(words):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        name, assigned, _ = word.partition("=")
        pattern = rf"^{name}\s*\?=" if assigned else rf"^{name}:"
        assert re.search(pattern, makefile, re.MULTILINE), word


@lines_of("pip")
def test_pip_extras_and_files_exist(words):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        extra = re.fullmatch(r"(?:ddsp-tf|\.)\[(\w+)\]", word)
        assert not extra or extra[1] in setup["options.extras_require"], word
        assert word != "-r" or (ROOT / following).is_file(), following


def spans():
    for page in PAGES:
        for span in code_spans(page):
            yield page, span


def test_commands_within_the_text_exist():
    for page, span in spans():
        words = span.split()
        if words[:1] == ["make"] and len(words) > 1:
            check_target(words[1:2])
        if words[:1] != ["ddsp-tf"] or len(words) < 2 or words[1] in ("COMMAND", "--help"):
            continue
        assert words[1] in main.commands, f"{page}: {span}"
        options = {option for p in main.commands[words[1]].params for option in p.opts}
        for word in words[2:]:
            name = word.partition("=")[0]
            assert not name.startswith("--") or name in options | {"--help"}, f"{page}: {span}"


def test_settings_within_the_text_exist():
    for page, span in spans():
        match = re.match(r"(\w+)\.(\w+)(?: *=|$)", span)
        if page.name != "migration.md" and match and match[1] in CLASSES:
            known = CLASSES[match[1]]
            assert match[2] in [*parameters(known), *dir(known)], f"{page}: {span}"


def test_options_within_the_text_exist():
    known = {"--help", "--logdir"}
    for command in main.commands.values():
        known |= {option for parameter in command.params for option in parameter.opts}
    for folder in ("benchmarks", "export", "docs", "colab", "ladder"):
        for script in (ROOT / folder).glob("*.py"):
            known |= set(re.findall(r"\"(--[\w-]+)\"", script.read_text(encoding="utf-8")))
    for page, span in spans():
        for option in re.findall(r"(?:^| )(--[\w-]*\w)(?![\w-])", span):
            # The other side of a migration has options of its own.
            assert page.name == "migration.md" or option in known, f"{page}: {span}"
