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
    """A trained convolution.

    Attributes
    ----------
    run, number
        Its run, and its number there, from 1.
    weights
        (f_h, f_w, c, filters).
    rgb
        Whether its three channels are the red, green and blue of an image.
    """

    run: str
    number: LayerNumber
    weights: Array
    rgb: bool = False

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

    def tiles(self) -> Iterator[tuple[int, Array, Match]]:
        """Yield for each filter (from 0) its weights (f_h, f_w, c), and what is nearest to all channels."""
        volumes = self.weights.transpose(3, 0, 1, 2).astype(np.float64)
        yield from ((k, *pair) for k, pair in enumerate(zip(volumes, nearest(volumes), strict=True)))


def learned_document(layer: LearnedLayer) -> dict[str, Any]:
    """Return all kernels of a layer for JSON, weights in full, in the order of the filters."""
    tiles = [{"filter": k + 1, **_named(match)} for k, _, match in layer.tiles()] if layer.rgb else None
    return {
        "run": layer.run,
        "layer": layer.number,
        "shape": list(layer.size),
        "channels": layer.weights.shape[2],
        "filters": layer.weights.shape[3],
        "op": "correlate",
        "chance": chance(layer.size),
        **({"rgb": tiles} if tiles else {}),
        "kernels": [
            {
                "filter": k + 1,
                "channel": c + 1,
                "weights": plane.tolist(),
                **_named(match),
            }
            for k, c, plane, match in layer.matches()
        ],
    }


def _named(match: Match) -> dict[str, Any]:
    parameters = dict(match.kernel.parameters)
    return {"nearest": match.kernel.name, "parameters": parameters, "cosine": match.cosine}


def learned_view(layer: LearnedLayer, *, coloured: bool) -> Group:
    """Return the kernels of a layer, the nearest to a named one first, which is turned to the same sign.

    Kernels that see the red, green and blue of an image are one tile each: in colour, or where the terminal
    has none in shades, channel by channel.
    """
    return _tiles(layer, coloured=coloured) if layer.rgb else _planes(layer)


def _planes(layer: LearnedLayer) -> Group:
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
    for k, c, plane, match in sorted(layer.matches(), key=lambda kernel: -likeness(kernel[3]))[:MOST]:
        number = f"{k + 1}" if channels == 1 else f"{k + 1}/{c + 1}"
        cells = ["\n".join(table(plane, digits=2))] * numbers
        grid.add_row(number, _blocks(plane), *_nearest(match), *cells)
    return Group(grid, _legend(layer.size, count))


def _tiles(layer: LearnedLayer, *, coloured: bool) -> Group:
    count, largest = layer.weights.shape[3], float(np.abs(layer.weights).max()) or 1.0
    grid = Table(box=SIMPLE_HEAD, title_justify="left", title_style="bold", show_lines=True)
    grid.title = printable(
        f"{layer.run}, layer {layer.number}: {count} learned kernels of {by(layer.size)} × RGB"
    )
    grid.add_column("filter", justify="right")
    for head in ("learned" if coloured else "red, green, blue", "nearest", "cosine"):
        grid.add_column(head, no_wrap=True)
    grid.add_column("named", overflow="fold")
    for k, volume, match in sorted(layer.tiles(), key=lambda tile: -likeness(tile[2]))[:MOST]:
        shades = (_blocks(volume[:, :, c]).split("\n") for c in range(3))
        tile = _tile(volume / largest) if coloured else "\n".join(map(" ".join, zip(*shades, strict=True)))
        grid.add_row(f"{k + 1}", tile, *_nearest(match))
    told = "The named kernel lies on red, green and blue alike."
    return Group(grid, Text(told), _legend((*layer.size, 3), count))


def likeness(match: Match) -> float:
    """Return by what kernels are listed: how near a named one is, be it turned to the other sign."""
    return round(abs(match.cosine), 9)  # what differs by rounding keeps the order of the filters


def _nearest(match: Match) -> tuple[str, str, str]:
    """Return a named kernel's picture, turned to the sign of the learned one, the cosine, and its name."""
    sign = -1 if match.cosine < 0 else 1
    name = ("−" if sign < 0 else "") + call(match.kernel.name, match.kernel.parameters)
    return _blocks(sign * match.kernel.parts[0]), f"{abs(match.cosine):.2f}", name


def _legend(size: tuple[int, ...], count: int) -> Text:
    lines = [
        "Cosine 1: a multiple of the named kernel (− before it: of its negative).",
        f"Kernels of random numbers come to {chance(size):.2f} on average.",
    ]
    if count > MOST:
        lines.insert(0, f"These are the {MOST} nearest; --json has all {count}.")
    return Text("\n".join(lines))


def _tile(volume: Array) -> Text:
    """Return weights (h, w, 3) from −1 to 1 in colour, two signs a cell: 0 is grey."""
    tile = Text()
    for i, row in enumerate(np.rint(127.5 + 127.5 * volume).astype(int).tolist()):
        tile.append("\n" * (i > 0))
        for red, green, blue in row:
            tile.append("██", style=f"rgb({red},{green},{blue})")
    return tile


def _blocks(weights: Array) -> str:
    """Return weights as shades, two signs a cell: dark is negative, bright positive, 0 in the middle."""
    largest = np.abs(weights).max() or 1.0
    levels = np.rint((weights / largest + 1) / 2 * (len(SHADES) - 1)).astype(int)
    return "\n".join("".join(2 * SHADES[level] for level in row) for row in levels.tolist())
