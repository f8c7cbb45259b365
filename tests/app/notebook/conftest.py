"""A stand-in for what only Colab has."""

import sys
import types

import pytest


@pytest.fixture
def colab(monkeypatch):
    """Makes the library believe that it is on Colab.

    `colab.uploads` (name to bytes) is what the file dialog gives; `colab.downloads`, `colab.mounts`
    and `colab.scripts` are what the browser was asked; `colab.answer` is what its scripts return.
    """
    fake = types.SimpleNamespace(uploads={}, downloads=[], mounts=[], scripts=[], answer="{}")
    package = types.ModuleType("google.colab")
    package.__spec__ = types.SimpleNamespace(origin="here")
    package.files = types.SimpleNamespace(
        upload=lambda: fake.uploads, download=fake.downloads.append
    )
    package.drive = types.SimpleNamespace(mount=fake.mounts.append)

    def eval_js(script):
        fake.scripts.append(script)
        return fake.answer

    package.output = types.SimpleNamespace(eval_js=eval_js)
    google = types.ModuleType("google")
    google.colab = package
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", package)
    return fake


@pytest.fixture
def shown(monkeypatch):
    """Records what is displayed below a cell: data by MIME type, in order, updates in place."""
    from IPython.core.formatters import DisplayFormatter

    formatter = DisplayFormatter()
    cells = []

    class Handle:
        def __init__(self, place):
            self.place = place

        def update(self, what):
            cells[self.place] = formatter.format(what)[0]

    def display(*objects, display_id=None):
        for one in objects:
            cells.append(formatter.format(one)[0])
        return Handle(len(cells) - 1) if display_id else None

    monkeypatch.setattr("IPython.display.display", display)
    return cells
