"""Bars on a terminal: how many come in a second, how long it takes yet, whole where it is narrow."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import BarColumn, TextColumn

from convcli.render.progress import Bar, Rate, TimeLeft


def drawn(width, done, seconds):
    """Return a bar of 10,000 images of which `done` have come in so many seconds."""
    clock = [0.0]
    place = io.StringIO()
    console = Console(file=place, width=width, force_terminal=True, color_system=None)
    columns = TextColumn("filtering"), BarColumn(bar_width=None), Rate("images"), TimeLeft()
    bar = Bar(*columns, console=console, get_time=lambda: clock[0], auto_refresh=False)
    task = bar.add_task("", total=10_000)
    bar.update(task, advance=0)
    for _ in range(2):
        clock[0] += seconds / 2
        bar.update(task, advance=done / 2)
    console.print(*bar.get_renderables())
    return place.getvalue().splitlines()[0]


@pytest.mark.parametrize("width", [100, 50])
def test_a_bar_says_how_many_come_in_a_second_and_how_long_it_takes_yet(width):
    assert " 50.0 images/s 0:03:00 left" in drawn(width, 1000, 20.0)
    assert " 2,000 images/s 0:00:01 left" in drawn(width, 8000, 4.0)


def test_nothing_is_said_before_it_can_be_told():
    assert "images/s" not in drawn(80, 0, 0.0)
    assert "left" not in drawn(80, 0, 0.0)
