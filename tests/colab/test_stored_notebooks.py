"""Notebooks as they are stored: without outputs, valid, and made for musicians and for Colab."""

import re

import nbformat
import pytest
from notebook_runs import NAMES, read_notebook

FORM = re.compile(r"(?m)^(\w+) = (.+?)  # @param (.+)$")


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_four():
    assert NAMES == [
        "processors_tour.ipynb",
        "run_exported_models.ipynb",
        "timbre_transfer.ipynb",
        "train_your_instrument.ipynb",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_stored_clean(name):
    notebook = read_notebook(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z-]+", one) for one in ids), ids
    for cell in code(notebook):
        assert cell.outputs == [] and cell.execution_count is None, cell.id
        assert cell.metadata == {}, cell.id


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_a_promise_and_what_is_needed_and_ends_with_a_download(name):
    notebook = read_notebook(name)
    first, last = notebook.cells[0], notebook.cells[-1]
    title, promise, needed, *_ = first.source.split("\n\n")
    assert title.startswith("# ") and promise.count("\n") >= 1 and "needed" not in promise
    assert needed == "**What you need**"
    assert last.id == "download" and "download(" in last.source
    cells = {cell.id: cell for cell in code(notebook)}
    check = cells["device" if "device" in cells else "packages"].source
    assert "check_device(without=" in check or "list_physical_devices" in check


@pytest.mark.parametrize("name", NAMES)
def test_every_form_can_be_filled_in(name):
    fields = [match for cell in code(read_notebook(name)) for match in FORM.findall(cell.source)]
    assert len(fields) >= 4
    for field, value, kind in fields:
        if kind.startswith("["):
            choices, _, options = kind.partition("]")
            assert value.strip('"') in re.findall(r'"([^"]*)"', choices), (field, value)
            assert options in ("", " {allow-input: true}"), (field, options)
        else:
            assert re.match(r'\{type:"(string|integer|boolean|slider)"', kind), (field, kind)
        bounds = re.search(r"min:([-\d.]+), max:([-\d.]+)", kind)
        if bounds:
            assert float(bounds[1]) <= float(value) <= float(bounds[2]), (field, value)


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_introduced(name):
    notebook = read_notebook(name)
    before = None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.source.count("\n") < 45, cell.id
            introduced = before == "markdown" or "@title" in cell.source
            assert introduced, f"{cell.id}: no text before it"
        before = cell.cell_type


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_mode_is_read_in_one_cell(name):
    reading = [cell.id for cell in code(read_notebook(name)) if "DDSP_TF_QUICK" in cell.source]
    assert reading == ["settings"]


def test_all_install_cells_are_the_same():
    sources = {
        cell.source for name in NAMES for cell in code(read_notebook(name)) if cell.id == "install"
    }
    assert len(sources) == 1
