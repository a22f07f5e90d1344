"""The notebooks of examples/ run from beginning to end, and hold what they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_docs import reference_script

NOTEBOOKS = sorted((Path(__file__).parent.parent / "examples").glob("*.ipynb"))
LARGEST = 300_000  # bytes: each is read on the web, too

pytestmark = pytest.mark.long
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")


def shown(cell):
    """Return the kinds of a cell's outputs; figures differ in their last digits from machine to machine."""
    return [(output.output_type, sorted(output.get("data", [output.get("name")]))) for output in cell.outputs]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_shows_what_it_says(path):
    stored, run = nbformat.read(path, 4), reference_script("notebooks").executed(path)
    for before, after in zip(stored.cells, run.cells, strict=True):
        if before.cell_type == "code":
            assert shown(before) == shown(after)
            assert all(output.get("name") != "stderr" for output in after.outputs), after.outputs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_stored_notebook_is_small_and_as_the_script_keeps_it(path):
    assert path.stat().st_size < LARGEST
    stored = nbformat.read(path, 4)
    assert stored.metadata == reference_script("notebooks").METADATA
    assert not any(cell.metadata for cell in stored.cells)
    counts = [cell.execution_count for cell in stored.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
