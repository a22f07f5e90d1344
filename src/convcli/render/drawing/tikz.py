"""Scenes as TikZ: a line a shape, in the colours of a light ground; pixels as they are, inside the source."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from convcli.render.drawing.palette import COLOURS
from convcli.render.drawing.scene import Path, Raster, Rect, Scene, Shape, Text
from convcli.render.drawing.thumbnails import thumbnail

UNIT = 0.7  # of a scene, in big points: its text is as large as what stands around it then
SMALL_TEXT = 13.0  # sizes below are footnotes
MOST_PIXELS = 96  # of a picture's longer side: each is a line of the source

PACKAGE = r"\usepackage{tikz}"
PIXELS = r"""% Pixels of width #1 and height #2, as a PDF has them: #3 says how they lie, #4 are they, packed.
\ifdefined\pdfextension \newcommand{\pdfcode}[1]{\pdfextension literal{#1}}
\else\ifdefined\pdfliteral \newcommand{\pdfcode}[1]{\pdfliteral{#1}}
\else \newcommand{\pdfcode}[1]{\special{pdf:content #1}}\fi\fi
\newcommand{\pixels}[4]{\pdfcode{q #1 0 0 #2 0 0 cm BI #3 /BPC 8 /F [/AHx /Fl] ID #4> EI Q}}"""


def tikz(scene: Scene, words: Callable[[str], str]) -> str:
    """Return a scene as a tikzpicture whose middle is a line's; `words` makes LaTeX of its texts."""
    shapes = "\n".join(_shape(shape, words) for shape in scene.shapes)
    options = f"x={UNIT}bp, y=-{UNIT}bp, baseline={{-{_n(scene.middle * UNIT)}bp-2.5pt}}"
    bounds = rf"\useasboundingbox (0,0) rectangle ({_n(scene.width)},{_n(scene.height)});"
    return f"\\begin{{tikzpicture}}[{options}]\n{bounds}\n{shapes}\n\\end{{tikzpicture}}"


def definitions(source: str) -> str:
    """Return the definitions of the colours that occur in a source."""
    used = set(re.findall(r"(?:fill=|draw=|text=|color\{)([a-z_]+\d*)", source))
    lines = [
        rf"\definecolor{{{name}}}{{HTML}}{{{colour.light[1:].upper()}}}"
        for name, colour in COLOURS.items()
        if name in used
    ]
    return "\n".join(lines)


def _shape(shape: Shape, words: Callable[[str], str]) -> str:
    match shape:
        case Rect():
            corners = _at(shape.x, shape.y), _at(shape.x + shape.width, shape.y + shape.height)
            return rf"\path[{_paint(shape.fill, shape.line, shape.thickness)}] {' rectangle '.join(corners)};"
        case Path():
            line = " -- ".join(_at(x, y) for x, y in shape.points)
            return rf"\path[{_paint(shape.fill, shape.colour, shape.thickness)}, line join=round] {line};"
        case Text():
            anchor = {"start": "west", "middle": "center", "end": "east"}[shape.anchor]
            size = r"\footnotesize" if shape.size < SMALL_TEXT else r"\small"
            bold = r"\bfseries\boldmath" if shape.bold else ""
            options = f"anchor={anchor}, inner sep=0, text={shape.colour}, font={size}{bold}"
            return rf"\node[{options}] at {_at(shape.x, shape.y)} {{\strut {words(shape.text)}}};"
        case Raster():
            return _raster(shape)


def _raster(shape: Raster) -> str:
    pixels = thumbnail(shape.pixels, MOST_PIXELS)
    space = "/RGB" if pixels.ndim == 3 else "/G"
    how = f"/W {pixels.shape[1]} /H {pixels.shape[0]} /CS {space}"
    packed = zlib.compress(pixels.tobytes(), 9).hex().upper()
    lines = "\n".join(packed[start : start + 100] for start in range(0, len(packed), 100))
    width, height = (f"{length * UNIT:.2f}" for length in (shape.width, shape.height))
    drawn = f"\\pixels{{{width}}}{{{height}}}{{{how}}}{{%\n{lines}}}"
    return f"\\node[anchor=south west, inner sep=0] at {_at(shape.x, shape.y + shape.height)} {{{drawn}}};"


def _paint(fill: str | None, line: str | None, thickness: float) -> str:
    parts = [f"fill={fill}"] if fill else []
    parts += [f"draw={line}, line width={_n(thickness * UNIT)}bp"] if line else []
    return ", ".join(parts)


def _at(x: float, y: float) -> str:
    return f"({_n(x)},{_n(y)})"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
