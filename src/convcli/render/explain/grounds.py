"""What a grid's cells lie on, and the colour of what is written there: the same in all formats."""

from __future__ import annotations

from convcli.explaining.elements import Grid
from convcli.render.drawing.palette import heat, shade

QUIET = ("padding", "unused")
"""Roles of cells whose numbers are muted."""


def ground(grid: Grid, i: int, j: int) -> tuple[str, str]:
    """Return the names of the palette's colours of a cell and of its number."""
    value, role = grid.cells[i][j], grid.marks.get((i, j))
    if value is not None and grid.heat:
        return heat(value, grid.hottest), "ink"
    if value is not None and grid.is_pixel(i, j):
        return shade(grid.shade, value)
    if role is not None:
        return role, "muted" if role in QUIET else "ink"
    return ("cell" if grid.tint is None else f"tint{grid.tint}"), "ink"


def framed(grid: Grid, i: int, j: int) -> bool:
    """Return whether a cell stands out by a frame, since its ground is a pixel's."""
    return grid.is_pixel(i, j) and grid.marks.get((i, j)) in ("window", "chosen", "result")
