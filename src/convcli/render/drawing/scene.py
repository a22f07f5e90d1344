"""Pictures as a handful of shapes on a plane: what the SVG writer and the rasteriser both draw."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.wording import breakable

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Rect:
    """A rectangle; colours are names of the palette."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None = None
    line: str | None = None
    thickness: float = 1.0


@dataclass(frozen=True)
class Text:
    """A line of text whose middle height is at `y`."""

    x: float
    y: float
    text: str
    size: float = 14.0
    colour: str = "ink"
    anchor: Literal["start", "middle", "end"] = "middle"
    bold: bool = False
    mono: bool = False


@dataclass(frozen=True)
class Path:
    """A line through points, or with `fill` a polygon."""

    points: tuple[Point, ...]
    colour: str
    thickness: float = 1.0
    fill: str | None = None


@dataclass(frozen=True, eq=False)
class Raster:
    """Pixels, uint8 (h, w) or (h, w, 3), stretched without smoothing."""

    x: float
    y: float
    width: float
    height: float
    pixels: NDArray[np.uint8]


Shape: TypeAlias = Rect | Text | Path | Raster


@dataclass(frozen=True)
class Scene:
    """Shapes inside a width and a height; `middle` is the height on which neighbours are aligned."""

    width: float
    height: float
    shapes: tuple[Shape, ...] = field(default=())
    middle: float = 0.0

    def at(self, x: float, y: float) -> list[Shape]:
        """Return the shapes moved by (x, y)."""
        return [_moved(shape, x, y) for shape in self.shapes]


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if isinstance(shape, Path):
        return replace(shape, points=tuple((a + x, b + y) for a, b in shape.points))
    return replace(shape, x=shape.x + x, y=shape.y + y)


_BLANK = re.compile("(?<!×) (?!×)")  # dimensions stay on one line
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|()[]! /·"), frozenset("mwMW%@→⌊⌋×+−=Σ…∗")


def text_width(text: str, size: float, *, bold: bool = False, mono: bool = False) -> float:
    """Return about how wide a line is in DejaVu, the widest of the fonts that it may be drawn in."""
    if mono:
        return 0.602 * size * len(text)
    widths = (0.38 if sign in _NARROW else 0.84 if sign in _WIDE else 0.63 for sign in text)
    return math.fsum(widths) * size * (1.1 if bold else 1.0)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Return the lines of a text, broken between words so that none is wider than `width` if it can be.

    Words that are wider, such as names of files, are broken behind their dots, slashes, lines and hyphens.
    """
    lines = [""]
    for word in _BLANK.split(text):
        joined = [word] if text_width(word, size) <= width else breakable(word)
        for n, part in enumerate(joined):
            longer = f"{lines[-1]} {part}" if lines[-1] and not n else lines[-1] + part
            if lines[-1] and text_width(longer, size) > width:
                lines.append(part)
            else:
                lines[-1] = longer
    return lines
