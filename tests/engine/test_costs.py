"""The row in force is that of the kernels that BLAS has, and decides who is offered."""

from __future__ import annotations

import pytest

from convcli.engine import costs
from convcli.engine.batch.strategies import winograd
from convcli.engine.batch.strategy import Task
from convcli.shapes import Window


@pytest.mark.parametrize(("wide", "kernels"), [(True, "AVX-512"), (False, "AVX2")])
def test_the_row_is_that_of_the_kernels_in_use(wide, kernels, monkeypatch):
    monkeypatch.setattr(costs, "has_avx512_kernels", lambda: wide)
    assert costs.costs.__wrapped__().kernels == kernels


@pytest.mark.parametrize("row", costs.ROWS, ids=lambda row: row.kernels)
def test_winograd_is_offered_from_as_many_channels_as_the_row_says(row, monkeypatch):
    monkeypatch.setattr(winograd, "costs", lambda: row)
    least, window = row.winograd_channels, Window.of(3, padding="same")
    for depth, filters in ((least - 1, 64), (64, least - 1)):
        assert winograd.offer(Task((14, 14, depth), filters, window)) is None
    assert winograd.offer(Task((14, 14, least), least, window)) is not None
