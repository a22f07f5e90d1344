"""The few elements that a report is made of; the page and the pictures each know how to draw them all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cell:
    """A text, or a number as it is read.

    Attributes
    ----------
    note
        A smaller line under it.
    exact
        The number in full, as JSON.
    fill
        A colour of the palette behind it; it says nothing that the text does not.
    faint
        Whether the eye may pass over it.
    """

    text: str
    note: str = ""
    exact: str = ""
    fill: str = ""
    faint: bool = False


def share(value: float, name: str = "") -> Cell:
    """Return a probability, after its name; what is not quite 0 or 1 does not look as if it were.

    >>> share(0.25).text, share(0.99997).text, share(1e-9).text, share(1.0).text
    ('25.0%', '>99.9%', '<0.1%', '100.0%')
    """
    text = f"{value:.1%}"
    if value < 1 and text == "100.0%":
        text = ">99.9%"
    elif value > 0 and text == "0.0%":
        text = "<0.1%"
    return Cell(f"{name} {text}".lstrip(), exact=json.dumps(value))


def number(value: float | None, form: str, note: str = "") -> Cell:
    """Return a number in a format, and in full; a dash where there is none.

    >>> number(0.98765, ".1%")
    Cell(text='98.8%', note='', exact='0.98765', fill='', faint=False)
    """
    return Cell("–") if value is None else Cell(format(value, form), note, json.dumps(value))


@dataclass(frozen=True)
class Facts:
    """Names, and what belongs to each; `large` for the few figures that matter most."""

    items: tuple[tuple[str, Cell], ...]
    large: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Attributes
    ----------
    words
        The columns of text; the others are of numbers. The first column names the rows.
    foot
        A last row with totals.
    grid
        Whether it is a matrix, with a line around each cell.
    upright
        Whether the names of columns stand upright, so that many columns fit.
    folded
        Whether it is out of sight until asked for.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: frozenset[int] = frozenset()
    foot: tuple[Cell, ...] = ()
    grid: bool = False
    upright: bool = False
    folded: bool = False


@dataclass(frozen=True, eq=False)
class Card:
    """A picture, uint8 (h, w) or (h, w, 3), and the lines under it, of which the first stands out.

    Those `beside` it share its width.
    """

    pixels: NDArray[np.uint8]
    description: str
    lines: tuple[Cell, ...] = ()
    beside: tuple[Card, ...] = ()


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures, each `side` wide, that flow from line to line.

    Attributes
    ----------
    note
        A paragraph under them.
    inner
        Whether they belong to the gallery before them.
    """

    title: str
    cards: tuple[Card, ...]
    side: int
    note: str = ""
    inner: bool = False


@dataclass(frozen=True, eq=False)
class Chart:
    """A plot and what it shows in words.

    Attributes
    ----------
    svg
        Draws it, on a dark ground if told so.
    png
        Draws it for a file.
    shrinks
        Whether it may be drawn smaller on a small screen; otherwise one scrolls.
    wide
        Draws it for a wide screen, if it has another form there.
    """

    description: str
    svg: Callable[[bool], bytes]
    png: Callable[[], bytes]
    shrinks: bool = True
    wide: Callable[[bool], bytes] | None = None


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Listing:
    """Text as it stands in a file, out of sight until asked for."""

    title: str
    text: str


Element: TypeAlias = Facts | Table | Gallery | Chart | Words | Listing


@dataclass(frozen=True)
class Section:
    """A part of the report; `name` is that of its place on the page and of its picture's file."""

    name: str
    title: str
    elements: tuple[Element, ...]
