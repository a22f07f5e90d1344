"""Scenes as pixels, drawn by matplotlib, whose fonts come with it: the same picture on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convcli.images import Image, encode
from convcli.images.writing import COMPRESSION
from convcli.render.drawing import plotting
from convcli.render.drawing.palette import COLOURS
from convcli.render.drawing.scene import Path, Raster, Rect, Scene, Shape, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALE = 2.0
MOST_PIXELS = 40_000_000
_DPI = 100


def png(scene: Scene, compress: int = COMPRESSION) -> bytes:
    """Return a scene as a picture, two pixels a unit unless those would be too many."""
    scale = min(SCALE, (MOST_PIXELS / (scene.width * scene.height)) ** 0.5)
    return encode(Image(pixels(scene, scale)), "png", compress=compress)


def pixels(scene: Scene, scale: float) -> NDArray[np.uint8]:
    """Return a scene as uint8 (h, w, 3), on a light ground."""
    with plotting.style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        width, height = round(scene.width * scale), round(scene.height * scale)
        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=COLOURS["ground"].light)
        canvas = FigureCanvasAgg(figure)
        for order, shape in enumerate(scene.shapes):
            _add(figure, shape, scale, height, order)
        canvas.draw()  # type: ignore[no-untyped-call]
        drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return np.ascontiguousarray(drawn[:, :, :3])


def _add(figure: Figure, shape: Shape, scale: float, height: int, order: int) -> None:
    """Add one shape in pixels; matplotlib's rows count from below."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon, Rectangle

    points = scale * 72 / _DPI  # of a unit
    match shape:
        case Rect():
            # On whole pixels, so that neighbours leave no seam and lines stay sharp.
            left, top = round(shape.x * scale), round(shape.y * scale)
            right, bottom = round((shape.x + shape.width) * scale), round((shape.y + shape.height) * scale)
            box = Rectangle(
                (left, height - bottom),
                right - left,
                bottom - top,
                facecolor=COLOURS[shape.fill].light if shape.fill else "none",
                edgecolor=COLOURS[shape.line].light if shape.line else "none",
                linewidth=shape.thickness * points,
                transform=None,
                zorder=order,
            )
            figure.add_artist(box)
        case Path() if shape.fill:
            corners = [(x * scale, height - y * scale) for x, y in shape.points]
            colour, line = COLOURS[shape.fill].light, COLOURS[shape.colour].light
            figure.add_artist(
                Polygon(
                    corners,
                    facecolor=colour,
                    edgecolor=line,
                    linewidth=shape.thickness * points,
                    transform=None,
                    zorder=order,
                )
            )
        case Path():
            xs, ys = zip(*((x * scale, height - y * scale) for x, y in shape.points), strict=True)
            figure.add_artist(
                Line2D(
                    xs,
                    ys,
                    color=COLOURS[shape.colour].light,
                    linewidth=shape.thickness * points,
                    transform=None,
                    zorder=order,
                )
            )
        case Raster():
            _add_pixels(figure, shape, scale, height, order)
        case Text():
            figure.text(
                shape.x * scale / figure.bbox.width,
                1 - (shape.y * scale) / figure.bbox.height,
                shape.text,
                fontsize=shape.size * points,
                color=COLOURS[shape.colour].light,
                ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
                va="center_baseline",
                weight="bold" if shape.bold else "normal",
                family="DejaVu Sans Mono" if shape.mono else "DejaVu Sans",
                parse_math=False,
                zorder=order,
            )


def _add_pixels(figure: Figure, shape: Raster, scale: float, height: int, order: int) -> None:
    """Add a picture, each of its pixels repeated or left out as its size asks for."""
    rows, columns = max(1, round(shape.height * scale)), max(1, round(shape.width * scale))
    down = np.arange(rows) * shape.pixels.shape[0] // rows
    across = np.arange(columns) * shape.pixels.shape[1] // columns
    stretched = shape.pixels[np.ix_(down, across)]
    if stretched.ndim == 2:
        stretched = np.repeat(stretched[:, :, None], 3, axis=2)
    top = round(shape.y * scale)
    figure.figimage(stretched, round(shape.x * scale), height - top - rows, zorder=order, origin="upper")
