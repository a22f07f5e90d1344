"""Scenes as SVG: small, without scripts or fonts of its own, and dark where the reader's screen is."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from convcli.images import Image, encode
from convcli.render.drawing.palette import COLOURS
from convcli.render.drawing.scene import Path, Raster, Rect, Scene, Shape, Text
from convcli.wording import printable

SANS = "'DejaVu Sans', Verdana, 'Segoe UI', sans-serif"
SMALL = 64  # pictures of few pixels keep each of them exactly
MONO = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


def svg_text(scene: Scene, title: str) -> str:
    """Return a scene as an SVG document.

    Colours stand twice: as attributes, which every program reads, and for dark screens as a style, which
    browsers prefer.
    """
    return _document(scene, title, coloured=True)


def svg_within(scene: Scene, title: str) -> str:
    """Return a scene without ground and colours, for a page that gives its classes the palette's."""
    return _document(scene, title, coloured=False)


def _document(scene: Scene, title: str, *, coloured: bool) -> str:
    shapes = list(scene.shapes)
    if coloured:
        shapes.insert(0, Rect(0, 0, scene.width, scene.height, "ground"))
    width, height = _n(scene.width), _n(scene.height)
    dark = f"@media(prefers-color-scheme:dark){{{_dark(shapes)}}}"
    style = f"<style>.m{{font-family:{MONO}}}{dark}</style>"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"',
            f' viewBox="0 0 {width} {height}" role="img" font-family={quoteattr(SANS)}>',
            f"<title>{escape(printable(title))}</title>",
            *([style] if coloured else []),
            *(_shape(shape, coloured) for shape in shapes),
            "</svg>\n",
        ]
    )


def data_uri(pixels: NDArray[np.uint8], *, exact: bool = False) -> str:
    """Return pixels as an image inside an address: PNG, or for photos JPEG where that is shorter."""
    formats = ("png",) if exact or max(pixels.shape) <= SMALL else ("png", "jpeg")
    kind, data = min(((kind, encode(Image(pixels), kind)) for kind in formats), key=lambda pair: len(pair[1]))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _dark(shapes: Iterable[Shape]) -> str:
    """Return the style of a dark screen, for the colours that occur."""
    fills, lines = set[str](), set[str]()
    for shape in shapes:
        if isinstance(shape, Text):
            fills.add(shape.colour)
        elif isinstance(shape, Path):
            lines.add(shape.colour)
            fills.add(shape.fill or "ground")
        elif isinstance(shape, Rect):
            fills.add(shape.fill or "ground")
            lines.add(shape.line or "line")
    rules = [f".f-{name}{{fill:{COLOURS[name].dark}}}" for name in sorted(fills)]
    rules += [f".s-{name}{{stroke:{COLOURS[name].dark}}}" for name in sorted(lines)]
    return "".join(rules)


def _shape(shape: Shape, coloured: bool) -> str:
    match shape:
        case Rect():
            paint = _paint(shape.fill, shape.line, shape.thickness, coloured)
            return f"<rect {_place(shape.x, shape.y, shape.width, shape.height)}{paint}/>"
        case Path():
            points = " ".join(f"{_n(x)},{_n(y)}" for x, y in shape.points)
            paint = _paint(shape.fill, shape.colour, shape.thickness, coloured)
            return f'<polyline points="{points}"{paint}/>'
        case Raster():
            place = _place(shape.x, shape.y, shape.width, shape.height)
            uri = data_uri(_enlarged(shape), exact=max(shape.pixels.shape) <= SMALL)
            return f'<image {place} preserveAspectRatio="none" href="{uri}"/>'
        case Text():
            return _text(shape, coloured)


def _enlarged(raster: Raster) -> NDArray[np.uint8]:
    """Return the pixels of a small picture as squares: programs would smooth them when they stretch it."""
    if max(raster.pixels.shape) > SMALL:
        return raster.pixels
    times = max(1, round(2 * raster.width / raster.pixels.shape[1]))
    return raster.pixels.repeat(times, axis=0).repeat(times, axis=1)


def _text(text: Text, coloured: bool) -> str:
    style = f' class="{"m " if text.mono else ""}f-{text.colour}"'
    style += f' fill="{COLOURS[text.colour].light}"' if coloured else ""
    style += f' font-size="{_n(text.size)}"'
    style += ' font-weight="bold"' if text.bold else ""
    style += f' text-anchor="{text.anchor}"' if text.anchor != "start" else ""
    if text.mono:  # for programs that read no styles
        style += f" font-family={quoteattr(MONO)}"
    # Half the height of a figure under the middle: not every program knows dominant-baseline.
    return f'<text x="{_n(text.x)}" y="{_n(text.y + 0.36 * text.size)}"{style}>{escape(text.text)}</text>'


def _place(x: float, y: float, width: float, height: float) -> str:
    return f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'


def _paint(fill: str | None, line: str | None, thickness: float, coloured: bool) -> str:
    classes = [f"f-{fill}"] if fill else []
    classes += [f"s-{line}"] if line else []
    text = f' class="{" ".join(classes)}"'
    if coloured or not fill:
        text += f' fill="{COLOURS[fill].light if fill else "none"}"'
    if line:
        text += f' stroke="{COLOURS[line].light}"' if coloured else ""
        text += f' stroke-width="{_n(thickness)}"'
    return text


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
