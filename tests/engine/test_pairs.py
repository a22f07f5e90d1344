"""Rows added in a tree: its shape, and that nothing but the number of rows decides about it."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine import pairs
from convcli.engine.pairs import add_in_pairs
from convcli.engine.workspace import Workspace


def tree_of(rows):
    """Return the sum as the definition has it, level by level."""
    while len(rows) > 1:
        rows = [rows[n] + rows[n + 1] if n + 1 < len(rows) else rows[n] for n in range(0, len(rows), 2)]
    return rows[0]


def numbers(count, width, dtype=np.float32):
    """Return rows of numbers of very different sizes, whose sum depends on the order."""
    rng = np.random.default_rng(count)
    return (rng.standard_normal((count, width)) * 10.0 ** rng.integers(-3, 4, (count, width))).astype(dtype)


@pytest.mark.parametrize("count", [*range(1, 20), 31, 63, 64, 100])
def test_neighbours_are_added_level_by_level(count):
    rows = numbers(count, 300)
    out, before = np.empty(300, np.float32), rows.copy()
    add_in_pairs(rows, out, Workspace())
    assert out.tobytes() == tree_of(rows).tobytes()
    assert rows.tobytes() == before.tobytes()


@pytest.mark.parametrize("width", [0, 1, 1023, 1024, 1025, 5000])
def test_each_column_is_added_alike_however_many_are_taken_at_a_time(width, monkeypatch):
    monkeypatch.setattr(pairs, "BLOCK", 1)
    rows, out = numbers(7, width), np.empty(width, np.float32)
    add_in_pairs(rows, out, Workspace())
    assert out.tobytes() == tree_of(rows).tobytes()


def test_rows_may_lie_apart():
    rows, out = numbers(6, 4000)[:, 100:3000], np.empty(2900, np.float32)
    add_in_pairs(rows, out, Workspace())
    assert out.tobytes() == tree_of(rows).tobytes()
