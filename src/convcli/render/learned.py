"""The kernels of a trained layer beside the named ones that they are most like: as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from convcli.engine.workspace import Array
from convcli.kernels.learned import Match, chance, nearest
from convcli.nn.tape import LayerNumber
from convcli.render.kernels import call, table
from convcli.wording import by, printable

MOST = 64  # kernels that a terminal shows
MOST_COLUMNS = 5  # of weights that are shown as numbers, too: with more, a row would be too long
SHADES = " ░▒▓█"


@dataclass(frozen=True, eq=False)
class LearnedLayer:
    """A trained convolution: its run, its number (from 1), and its weights (f_h, f_w, c, filters)."""

    run: str
    number: LayerNumber
    weights: Array

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a kernel."""
        return self.weights.shape[0], self.weights.shape[1]

    def matches(self) -> Iterator[tuple[int, int, Array, Match]]:
        """Yield for each kernel its filter and channel (from 0), its weights, and the nearest named one."""
        planes = self.weights.transpose(3, 2, 0, 1).astype(np.float64)
        flat = planes.reshape(-1, *self.size)
        places = np.ndindex(planes.shape[:2])
        for (k, c), plane, match in zip(places, flat, nearest(flat), strict=True):
            yield k, c, plane, match


def learned_document(layer: LearnedLayer) -> dict[str, Any]:
    """Return all kernels of a layer for JSON, weights in full."""
    return {
        "run": layer.run,
        "layer": layer.number,
        "shape": list(layer.size),
        "channels": layer.weights.shape[2],
        "filters": layer.weights.shape[3],
        "op": "correlate",
        "chance": chance(layer.size),
        "kernels": [
            {
                "filter": k + 1,
                "channel": c + 1,
                "weights": plane.tolist(),
                "nearest": match.kernel.name,
                "parameters": dict(match.kernel.parameters),
                "cosine": match.cosine,
            }
            for k, c, plane, match in layer.matches()
        ],
    }


def learned_view(layer: LearnedLayer) -> Group:
    """Return the kernels of a layer, each with its nearest named one, turned to the same sign."""
    channels, count = layer.weights.shape[2], layer.weights.shape[2] * layer.weights.shape[3]
    grid = Table(box=SIMPLE_HEAD, title_justify="left", title_style="bold", show_lines=True)
    grid.title = printable(f"{layer.run}, layer {layer.number}: {count} learned kernels of {by(layer.size)}")
    grid.add_column("filter" if channels == 1 else "filter/channel", justify="right")
    for head in ("learned", "nearest", "cosine"):
        grid.add_column(head, no_wrap=True)
    grid.add_column("named", overflow="fold")
    numbers = layer.size[1] <= MOST_COLUMNS
    if numbers:
        grid.add_column("learned weights", no_wrap=True)
    for k, c, plane, match in list(layer.matches())[:MOST]:
        sign = -1 if match.cosine < 0 else 1
        number = f"{k + 1}" if channels == 1 else f"{k + 1}/{c + 1}"
        pictures = (_blocks(plane), _blocks(sign * match.kernel.parts[0]))
        name = ("−" if sign < 0 else "") + call(match.kernel.name, match.kernel.parameters)
        cells = ["\n".join(table(plane, digits=2))] * numbers
        grid.add_row(number, *pictures, f"{abs(match.cosine):.2f}", name, *cells)
    lines = [
        "Cosine 1: a multiple of the named kernel (− before it: of its negative).",
        f"Kernels of random numbers come to {chance(layer.size):.2f} on average.",
    ]
    if count > MOST:
        lines.insert(0, f"These are the first {MOST}; --json has all {count}.")
    return Group(grid, Text("\n".join(lines)))


def _blocks(weights: Array) -> str:
    """Return weights as shades, two signs a cell: dark is negative, bright positive, 0 in the middle."""
    largest = np.abs(weights).max() or 1.0
    levels = np.rint((weights / largest + 1) / 2 * (len(SHADES) - 1)).astype(int)
    return "\n".join("".join(2 * SHADES[level] for level in row) for row in levels.tolist())
