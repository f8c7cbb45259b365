"""Code in the documentation runs and gives what the text says."""

import shutil

import numpy as np
import pytest
from backends import tensorflow_only
from documents import PAGES, ROOT, code_blocks

from ddsp_tf.configuration.experiment import load_experiment, shipped_names
from ddsp_tf.inference.feature_files import load_features, save_features

SLOW = pytest.mark.slow
BLOCKS = [code for page in PAGES for code in code_blocks(page)]
# Its processor does not exist yet: see test_contributing.py.
TESTED_APART = ("CONTRIBUTING.md",)
# Pictures of text, output, and languages that this suite does not speak.
ONLY_TO_READ = ("text", "c", "js", "console")


def of(language, quick=None):
    """Blocks of a language; those of other pages than `quick` are left to the slow tests."""
    found = [
        pytest.param(code, id=str(code), marks=() if quick in (None, code.page) else SLOW)
        for code in BLOCKS
        if code.language == language and code.page.name not in TESTED_APART
    ]
    return pytest.mark.parametrize("code", found)


def test_every_language_is_known():
    for code in BLOCKS:
        assert code.language in ("", "python", "gin", "csv", *ONLY_TO_READ), str(code)


@tensorflow_only
@of("python", quick=ROOT / "README.md")
def test_python_runs(code, workbench, request):
    if "my_model" in code.text:
        shutil.copytree(request.getfixturevalue("tiny_export"), "my_model")
    curves = {"f0_hz": np.full(300, 220.0), "loudness_db": np.full(300, -20.0)}
    save_features("take1.npz", curves, 100)
    exec(compile(code.text, str(code), "exec"), {"__name__": "__main__"})


@of("gin")
def test_gin_builds_a_model(code, tmp_path):
    path = tmp_path / "documented.gin"
    included = "" if "include" in code.text else "include 'models/solo_instrument.gin'\n"
    path.write_text(included + code.text)
    experiment = load_experiment(str(path))
    experiment.model.build()
    assert experiment.training.steps > 0


@of("csv")
def test_tables_are_feature_files(code, tmp_path):
    path = tmp_path / "documented.csv"
    path.write_text(code.text)
    curves, _ = load_features(path, 100)
    assert curves["f0_hz"].size > 100


def test_every_shipped_configuration_is_described():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for name in shipped_names():
        assert f"`{name}`" in text and f"/{name}.gin)" in text, name
