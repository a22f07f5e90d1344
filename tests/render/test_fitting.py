"""Tables at every width: nothing is cut, no word or number is broken, and no cell is lost."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table

from conftest import ROOT
from convcli.config_file import ConfigFile
from convcli.nn.evaluation import evaluate
from convcli.nn.losses import CrossEntropy
from convcli.nn.network import Network
from convcli.render.evaluation import class_table, confusion_table
from convcli.render.fitting import fitted
from convcli.render.network import geometry_view, network_table

WIDTHS = (20, 40, 60, 80, 120)


def network(name, shape):
    config = ConfigFile.read(ROOT / "examples" / name).config
    return Network.classifying(config.layers, shape, 10)


def figures(classes=10):
    rng = np.random.default_rng(0)
    names = tuple(f"class {number}" for number in range(classes))
    return evaluate(rng.normal(size=(300, classes)), rng.integers(classes, size=300), CrossEntropy(), names)


TABLES = {
    "digits": lambda: network_table(network("digits.toml", (8, 8, 1)), "digits"),
    "photos": lambda: network_table(network("photos.toml", (64, 64, 3)), "photos"),
    "geometry": lambda: geometry_view(network("photos.toml", (224, 224, 3))),
    "classes": lambda: class_table(figures()),
    "confusion": lambda: confusion_table(figures()),
    "large confusion": lambda: confusion_table(figures(30)),
}


def printed(shown, width):
    file = io.StringIO()
    console = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
    console.print(fitted(shown, console))
    return file.getvalue()


def words(text):
    """Return the numbers and words of a table."""
    return set(re.findall(r"[\w.,×=]*\w", text))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", TABLES)
def test_nothing_is_cut_or_broken_at_any_width(name, width):
    text = printed(TABLES[name](), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    if width >= 40:
        assert words(text) >= words(printed(TABLES[name](), 400)) - {"layer"}


def test_a_table_that_fits_stays_as_it_was():
    table = TABLES["classes"]()
    file = io.StringIO()
    Console(file=file, width=100).print(TABLES["classes"]())
    assert printed(table, 100) == file.getvalue()


def test_where_it_is_narrow_columns_come_closer_before_rows_become_blocks():
    head = next(line for line in printed(TABLES["classes"](), 42).splitlines() if line.strip())
    assert head.split() == ["class", "precision", "recall", "F1", "support"]
    assert "  precision" in printed(TABLES["classes"](), 30).splitlines()[1]


def test_a_block_has_the_rows_name_and_what_its_cells_say():
    table = Table(box=SIMPLE_HEAD, title="costs", show_footer=True)
    table.add_column("#", justify="right")
    table.add_column("layer", footer="total")
    for name in ("a first long column", "another long column", "empty"):
        table.add_column(name, justify="right", no_wrap=True, footer="7" if name[0] == "a" else "")
    table.add_row("1", "conv", "3", "4", "")
    lines = [line.rstrip() for line in printed(Group(table), 36).splitlines()]
    assert lines == [
        "costs",
        "1 conv",
        "  a first long column  3",
        "  another long column  4",
        "",
        "total",
        "  a first long column  7",
        "  another long column  7",
    ]
