"""The five steps of CONTRIBUTING.md make a processor, in a copy of the project."""

import os
import shutil
import subprocess
import sys

import pytest
from backends import tensorflow_only
from documents import ROOT, code_blocks

pytestmark = pytest.mark.slow

BLOCKS = code_blocks(ROOT / "CONTRIBUTING.md")
TEST_OF_USE = """
import ddsp_tf
from ddsp_tf.configuration.experiment import load_experiment


def test_a_gin_file_can_name_it():
    model = load_experiment("distorted.gin").model
    model.build()
    assert isinstance(model.processor_group.processors[1], ddsp_tf.SoftClip)
"""


def insert(path, before, line):
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, line + before), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with the processor, as steps 1 to 4 say."""
    folder = tmp_path_factory.mktemp("contribution")
    ignored = shutil.ignore_patterns("__pycache__", "*.flac", "*.keras")
    for name in ("ddsp_tf", "gin", "docs", "tests/processors"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for path in (ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py")):
        shutil.copy(path, folder / path.relative_to(ROOT))
    layer, test = (code.text for code in BLOCKS if code.language == "python")
    (folder / "ddsp_tf/processors/soft_clip.py").write_text(layer)
    (folder / "tests/processors/test_soft_clip.py").write_text(test)
    package, names = folder / "ddsp_tf", folder / "ddsp_tf/processors/__init__.py"
    insert(names, "from ddsp_tf.processors.wavetable", _line("processors.soft_clip", "SoftClip"))
    insert(names, '    "Wavetable",\n', '    "SoftClip",\n')
    insert(package / "__init__.py", '    "UserError"', '    "SoftClip": "ddsp_tf.processors",\n')
    registry = package / "configuration/registry.py"
    insert(registry, "    Wavetable,\n)", "    SoftClip,\n")
    insert(registry, '    "Wavetable": ', '    "SoftClip": SoftClip,\n')
    (folder / "distorted.gin").write_text(
        next(code.text for code in BLOCKS if code.language == "gin")
    )
    return folder


def _line(module, name):
    return f"from ddsp_tf.{module} import {name}\n"


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@tensorflow_only
def test_its_tests_and_its_example_pass_and_gin_can_name_it(copy):
    (copy / "tests/test_use.py").write_text(TEST_OF_USE)
    files = ("tests/processors/test_soft_clip.py", "ddsp_tf/processors/soft_clip.py")
    files = (*files, "tests/test_use.py")
    assert "5 passed" in run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)


def test_it_is_formatted_as_the_project_is(copy):
    files = ("ddsp_tf/processors/soft_clip.py", "tests/processors/test_soft_clip.py")
    run(copy, "-m", "ruff", "check", *files)
    run(copy, "-m", "ruff", "format", "--check", *files)
