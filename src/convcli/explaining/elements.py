"""The few elements that every topic draws with and every renderer knows; and the steps made of them.

A topic says what stands beside what; how that looks on a terminal, a page or a picture is the renderers'
business. A new topic is one file with these elements, a new renderer one function that knows them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.workspace import Array

Number: TypeAlias = int | float
Cell: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[int, int, int, int]
Sides: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

NO_PADDING: Sides = ((0, 0), (0, 0))

Role: TypeAlias = Literal["window", "padding", "kernel", "result", "done", "chosen", "unused"]
"""Why a cell stands out: the window lies on it; it is a padded or inserted zero; it is a kernel's weight; it
is computed in this step, or was in an earlier one; it is a window's maximum; nothing reaches it."""


@dataclass(frozen=True)
class Grid:
    """A matrix of numbers. None is a cell that holds nothing yet.

    Attributes
    ----------
    marks
        The role of each cell that stands out.
    heat
        Whether cells are shaded by their values, from 0 to `hottest`.
    row_names
        What stands beside the rows, if anything.
    tint
        The number of a channel's colour, which cells have that do not stand out.
    shade
        "grey", "red", "green" or "blue": cells are pixels from 0 to 255, and have the colour of theirs.
    margin
        Rows and columns at the ends that are no pixels.
    """

    cells: tuple[tuple[Number | None, ...], ...]
    caption: str = ""
    marks: Mapping[Cell, Role] = field(default_factory=dict)
    heat: bool = False
    hottest: float = 0.0
    row_names: tuple[str, ...] = ()
    tint: int | None = None
    shade: str = ""
    margin: Sides = NO_PADDING

    @classmethod
    def of(
        cls,
        array: Array,
        caption: str = "",
        marks: Mapping[Cell, Role] | Role | None = None,
        *,
        known: Iterable[Cell] | None = None,
        row_names: tuple[str, ...] = (),
        tint: int | None = None,
        shade: str = "",
        margin: Sides = NO_PADDING,
    ) -> Grid:
        """Return a grid of a matrix (rows, columns); with `known`, only of those cells.

        A single role as `marks` is that of every cell.
        """
        numbers = exact(array)
        if isinstance(marks, str):
            marks = dict.fromkeys(every(array), marks)
        if known is not None:
            shown = set(known)
            numbers = [
                [value if (i, j) in shown else None for j, value in enumerate(row)]
                for i, row in enumerate(numbers)
            ]
        cells, marks = tuple(map(tuple, numbers)), dict(marks or {})
        return cls(cells, caption, marks, row_names=row_names, tint=tint, shade=shade, margin=margin)

    @classmethod
    def heat_map(
        cls,
        array: Array,
        caption: str = "",
        *,
        hottest: float | None = None,
        row_names: tuple[str, ...] = (),
    ) -> Grid:
        """Return a grid shaded by its values, of which none is negative."""
        top = float(array.max()) if hottest is None else hottest
        cells = tuple(map(tuple, exact(array)))
        return cls(cells, caption, heat=True, hottest=top or 1.0, row_names=row_names)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.cells), len(self.cells[0])

    def is_pixel(self, i: int, j: int) -> bool:
        """Return whether a cell has the colour of a pixel."""
        (above, below), (left, right) = self.margin
        rows, columns = self.shape
        inside = above <= i < rows - below and left <= j < columns - right
        return bool(self.shade) and inside and self.cells[i][j] is not None


@dataclass(frozen=True)
class Arrow:
    """What happens between two elements: `*`, `=`, `→`, and a word or a shape under it."""

    sign: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels, uint8 (h, w) or (h, w, 3), with a box (row, column, height, width) marked on them.

    `heat` (h, w) lies over them, from −1 to 1: renderers draw it warm above 0 and cold below.
    """

    pixels: NDArray[np.uint8]
    caption: str = ""
    box: Box | None = None
    heat: Array | None = None


@dataclass(frozen=True)
class Part:
    """Cells of a solid that stand out: those of some rows, columns and channels, from 0, and why."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    channels: tuple[int, ...]
    role: Role


@dataclass(frozen=True)
class Block:
    """A volume or a row of numbers as a solid, by its dimensions.

    Attributes
    ----------
    shape
        (h, w, c), padding included, or (n,).
    count
        How many there are of it, such as the filters of a layer.
    tints
        A channel's colour each, as `tints` numbers them, or nothing where all have one.
    padding
        What of its rows and columns is padding.
    parts
        What of it stands out.
    largest
        The longest side in cells of those that it stands beside; all of them are drawn to one scale.
    to_scale
        Whether the smallest of them can still be seen then. Otherwise sides grow with roots.
    """

    shape: tuple[int, ...]
    caption: str = ""
    count: int = 1
    tints: tuple[int, ...] = ()
    padding: Sides = NO_PADDING
    parts: tuple[Part, ...] = ()
    largest: float = 0.0
    to_scale: bool = True

    @property
    def sides(self) -> tuple[int, int, int]:
        """Rows, columns and channels; a row of numbers stands upright."""
        rows, columns, channels = self.shape if len(self.shape) == 3 else (self.shape[0], 1, 1)
        return rows, columns, channels


MOST_APART = 40
"""Times that one side may be as long as another until the shorter is a line, where both are to scale."""


def in_proportion(row: Row) -> Row:
    """Return a row whose solids are drawn to one scale, or say that they are not where that cannot be."""
    solids = [element.sides for element in row if isinstance(element, Block)]
    if not solids:
        return row
    # Sides that lead away from the eye are drawn at half their length.
    largest = max(max(rows, columns, channels / 2) for rows, columns, channels in solids)
    to_scale = largest <= MOST_APART * min(min(rows, columns) for rows, columns, _ in solids)
    return tuple(
        replace(
            element,
            largest=largest,
            to_scale=to_scale,
            caption=element.caption if to_scale else f"{element.caption} (not to scale)".strip(),
        )
        if isinstance(element, Block)
        else element
        for element in row
    )


RED_GREEN_BLUE = (0, 1, 2)
MOST_TINTS = 6
"""Channels that have a colour each, besides those of a photo: more could not be told apart."""


def tints(channels: int, *, colours: bool = False) -> tuple[int, ...]:
    """Return the number of each channel's colour: 0 to 2 are red, green and blue, 3 to 8 the others.

    >>> tints(3, colours=True), tints(2), tints(1), tints(64)
    ((0, 1, 2), (3, 4), (), ())
    """
    if colours and channels == len(RED_GREEN_BLUE):
        return RED_GREEN_BLUE
    return tuple(range(3, 3 + channels)) if 1 < channels <= MOST_TINTS else ()


@dataclass(frozen=True)
class Formula:
    """A line of mathematics in Unicode; renderers translate it."""

    text: str


@dataclass(frozen=True)
class Words(Formula):
    """A line of words, which stand where formulas do and are not translated."""


@dataclass(frozen=True)
class Link:
    """A connection of a graph; `weight` numbers those that share one, `strong` ones stand out.

    `label` is the weight itself, which stands on the line.
    """

    start: int
    end: int
    weight: int | None = None
    strong: bool = True
    label: str = ""

    @property
    def told(self) -> str:
        """What a text says of its weight: the number, or which of the shared ones it is."""
        if self.label:
            return f"({self.label})" if self.label.startswith("−") else self.label
        return "" if self.weight is None else f"w{self.weight + 1}"


@dataclass(frozen=True)
class Graph:
    """Inputs on the left, outputs on the right, and what connects them.

    `legend` says of each shared weight, by its number, what it is: `w1 = 3`.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    links: tuple[Link, ...]
    caption: str = ""
    legend: tuple[str, ...] = ()

    def feeding(self, end: int) -> list[Link]:
        """Return the strong links into an output."""
        return [link for link in self.links if link.end == end and link.strong]


Element: TypeAlias = Grid | Arrow | Picture | Block | Formula | Graph
Row: TypeAlias = tuple[Element, ...]


@dataclass(frozen=True)
class Step:
    """One state of an explanation.

    Attributes
    ----------
    rows
        Elements side by side, row under row.
    data
        The step's numbers, exact, as plain JSON.
    """

    title: str
    rows: tuple[Row, ...]
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, title: str, rows: Iterable[Row | str], data: Mapping[str, Any]) -> Step:
        """Return a step whose rows may be lines of mathematics, too."""
        lines = ((Formula(row),) if isinstance(row, str) else in_proportion(row) for row in rows)
        return cls(title, tuple(lines), data)


@dataclass(frozen=True)
class Explanation:
    """A topic on given numbers.

    Attributes
    ----------
    steps
        At least one.
    data
        Inputs, options and the result, exact, as plain JSON.
    still
        Which steps make up a picture that does not move; they count from 0.
    notes
        What the user should hear.
    settings
        What a page takes to make the steps anew from other numbers, exact, as plain JSON, if it can.
    """

    topic: str
    title: str
    steps: tuple[Step, ...]
    data: Mapping[str, Any]
    still: tuple[int, ...]
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] | None = None

    def only(self, numbers: Iterable[int]) -> Explanation:
        """Return the explanation with some of its steps, from 0; a still picture shows them all."""
        chosen = tuple(numbers)
        steps = tuple(self.steps[number] for number in chosen)
        settings = None if self.settings is None else {**self.settings, "only": list(chosen)}
        return replace(self, steps=steps, still=tuple(range(len(steps))), settings=settings)

    def document(self) -> dict[str, Any]:
        """Return all of its numbers as plain JSON."""
        steps = [{"step": n, "title": step.title, **step.data} for n, step in enumerate(self.steps, 1)]
        return {
            "topic": self.topic,
            "title": self.title,
            "op": "correlate",
            **self.data,
            "steps": steps,
        }


def shade_of(channel: int, channels: int) -> str:
    """Return how the pixels of a channel are shaded: as its light is, or grey."""
    return ("red", "green", "blue")[channel] if channels == len(RED_GREEN_BLUE) else "grey"


def every(array: Array) -> list[Cell]:
    """Return all cells of a matrix, in row order."""
    return [(i, j) for i in range(array.shape[0]) for j in range(array.shape[1])]


def planes(array: Array) -> list[Any]:
    """Return (h, w, c) as a list of channel matrices, exact."""
    return [exact(array[:, :, c]) for c in range(array.shape[2])]


def exact(value: Any) -> Any:
    """Return a number, or an array as nested lists, with whole numbers as integers.

    >>> exact(np.array([[1.0, 0.5]])), exact(np.float32(3))
    ([[1, 0.5]], 3)
    """
    if isinstance(value, np.ndarray):
        return [exact(part) for part in value]
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
