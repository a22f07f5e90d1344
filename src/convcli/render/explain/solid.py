"""Volumes as solids, seen from the front, above and the right: cells, channels, and what stands out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from convcli.explaining.elements import Block, Part
from convcli.render.drawing.scene import Path, Point, Scene, Shape

LONGEST = 120.0  # of the sides of a row's solids
LARGEST_CELL, SMALLEST_CELL = 22.0, 6.0  # cells are drawn as such from this size on
LEAST, THINNEST = 3.0, 1.5  # of a side, and of one that leads away from the eye
SLANT = (0.4, -0.3)  # how one channel lies behind another, in cells: at half its length, as draughtsmen do
MOST_DRAWN = 8
APART = 12.0  # between solids of a kind


Pair: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Faces:
    """The names of the colours in front, on top and on the right."""

    front: str
    top: str
    side: str

    @classmethod
    def of(cls, tint: int | None) -> Faces:
        """Return those of a channel's colour, or of a solid without one."""
        if tint is None:
            return cls("block", "block_top", "block_side")
        return cls(f"tint{tint}", f"tinttop{tint}", f"tintside{tint}")

    @classmethod
    def role(cls, role: str) -> Faces:
        """Return those of a part that stands out."""
        return cls(role, f"{role}_top", f"{role}_side")


@dataclass(frozen=True)
class Solid:
    """A block in units of a scene: how long a cell is along each side."""

    block: Block
    rows: float
    columns: float
    channels: float

    @classmethod
    def of(cls, block: Block) -> Solid:
        """Return a block at the scale of its row."""
        rows, columns, channels = block.sides
        largest = block.largest or max(rows, columns, channels / 2)

        def long(cells: int, least: float) -> float:
            """Return how long a cell is on a side of so many."""
            share = cells / largest if block.to_scale else math.sqrt(cells / largest)
            unit = min(LONGEST, LARGEST_CELL * largest) if block.to_scale else LONGEST
            return max(least, share * unit) / cells

        return cls(block, long(rows, LEAST), long(columns, LEAST), long(channels, THINNEST))

    @property
    def height(self) -> float:
        """Of everything that is seen."""
        rows, _, channels = self.block.sides
        return rows * self.rows - channels * self.channels * SLANT[1]

    @property
    def width(self) -> float:
        """Of everything that is seen."""
        _, columns, channels = self.block.sides
        return columns * self.columns + channels * self.channels * SLANT[0]

    def at(self, row: float, column: float, channel: float) -> Point:
        """Return where a corner of a cell is."""
        depth = channel * self.channels
        top = -self.block.sides[2] * self.channels * SLANT[1]
        return column * self.columns + depth * SLANT[0], top + row * self.rows + depth * SLANT[1]

    def face(self, kind: str, rows: Pair, columns: Pair, channels: Pair) -> list[Point]:
        """Return the corners of a part's front, top or right side, from each of three pairs of limits."""
        (up, down), (left, right), (near, far) = rows, columns, channels
        if kind == "front":
            ends = [(up, left, near), (up, right, near), (down, right, near), (down, left, near)]
        elif kind == "top":
            ends = [(up, left, near), (up, left, far), (up, right, far), (up, right, near)]
        else:
            ends = [(up, right, near), (up, right, far), (down, right, far), (down, right, near)]
        return [self.at(*end) for end in ends]


def drawn(block: Block, width: float) -> Scene:
    """Return as many solids as there are of a block, side by side, no wider than `width` if they can."""
    solid = Solid.of(block)
    count = min(block.count, MOST_DRAWN)
    fitting = max(1, int((width + APART) // (solid.width + APART)))
    columns = min(fitting, math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    one = Scene(solid.width, solid.height, tuple(_shapes(solid)))
    shapes: list[Shape] = []
    for n in range(count):
        down, across = divmod(n, columns)
        shapes += one.at(across * (solid.width + APART), down * (solid.height + APART))
    wide, high = columns * (solid.width + APART) - APART, rows * (solid.height + APART) - APART
    return Scene(wide, high, tuple(shapes), high / 2)


def _shapes(solid: Solid) -> Iterator[Shape]:
    block = solid.block
    rows, columns, channels = block.sides
    every = (0.0, float(rows)), (0.0, float(columns)), (0.0, float(channels))
    yield from _body(solid)
    yield from _lines(solid)
    for kind in ("top", "side", "front"):
        yield _closed(solid.face(kind, *every), "muted", 1.2)
    for part in block.parts:
        yield from _part(solid, part)
    if block.parts:  # which lie within: the edges in front of them
        yield _closed(solid.face("front", *every), "muted", 1.2)


def _body(solid: Solid) -> Iterator[Shape]:
    """Yield the faces without lines: channel behind channel, and padding around them."""
    block = solid.block
    rows, columns, channels = block.sides
    (above, below), (left, right) = block.padding
    slabs: list[tuple[float, float, Faces]] = [
        (float(n), n + 1.0, Faces.of(tint)) for n, tint in enumerate(block.tints)
    ] or [(0.0, float(channels), Faces.of(None))]
    zeros = Faces.role("padding")
    for near, far, faces in slabs:
        top, side = (zeros if above else faces).top, (zeros if right else faces).side
        yield _filled(solid.face("top", (0, rows), (0, columns), (near, far)), top)
        yield _filled(solid.face("side", (0, rows), (0, columns), (near, far)), side)
    if above or below or left or right:
        yield _filled(solid.face("front", (0, rows), (0, columns), (0, 0)), zeros.front)
    inside = (above, rows - below), (left, columns - right), (0, 0)
    yield _filled(solid.face("front", *inside), slabs[0][2].front)


def _lines(solid: Solid) -> Iterator[Shape]:
    """Yield the lines between cells, where these are large enough."""
    rows, columns, channels = solid.block.sides
    cells = min(solid.rows, solid.columns) >= SMALLEST_CELL
    layers = solid.channels * SLANT[0] >= SMALLEST_CELL / 3  # thinner ones would be all lines
    if cells:
        for i in range(1, rows):
            corner = solid.at(i, columns, 0)
            yield Path((solid.at(i, 0, 0), corner, solid.at(i, columns, channels)), "line", 0.8)
        for j in range(1, columns):
            corner = solid.at(0, j, 0)
            yield Path((solid.at(rows, j, 0), corner, solid.at(0, j, channels)), "line", 0.8)
    if layers:
        for n in range(1, channels):
            corner = solid.at(0, columns, n)
            yield Path((solid.at(0, 0, n), corner, solid.at(rows, columns, n)), "line", 0.8)


def _part(solid: Solid, part: Part) -> Iterator[Shape]:
    """Yield a part: as one solid where its cells touch, else each of its columns of cells alone."""
    cells = min(solid.rows, solid.columns) >= SMALLEST_CELL
    faces, rows, columns = Faces.role(part.role), part.rows, part.columns
    depth = (part.channels[0], part.channels[-1] + 1)
    touching = all(ends[-1] - ends[0] + 1 == len(ends) for ends in (rows, columns))
    if touching:
        cuboids = [((rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1))]
    else:  # those behind and below first, which the others hide
        cuboids = [((i, i + 1), (j, j + 1)) for i in reversed(rows) for j in columns]
    for down, across in cuboids:
        for kind, fill in (("top", faces.top), ("side", faces.side), ("front", faces.front)):
            corners = solid.face(kind, down, across, depth)
            yield Path((*corners, corners[0]), "ink", 1.2 if cells else 0.6, fill)
        if cells:
            (up, down_), (left, right) = down, across
            for i in range(up + 1, down_):
                yield Path((solid.at(i, left, depth[0]), solid.at(i, right, depth[0])), "muted", 0.6)
            for j in range(left + 1, right):
                yield Path((solid.at(up, j, depth[0]), solid.at(down_, j, depth[0])), "muted", 0.6)


def _closed(corners: list[Point], colour: str, thickness: float) -> Path:
    return Path((*corners, corners[0]), colour, thickness)


def _filled(corners: list[Point], fill: str) -> Path:
    return Path((*corners, corners[0]), fill, 0.0, fill)
