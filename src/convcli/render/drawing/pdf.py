"""Scenes as pages of A4 in a PDF: vectors and letters that can be searched, the fonts within, no date."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from convcli.render.drawing.plotting import colour, style
from convcli.render.drawing.scene import Path, Raster, Rect, Scene, Shape, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

A4 = (8.2677, 11.6929)  # inches
RATIO = A4[1] / A4[0]
POINTS = 72.0  # an inch


def pdf(pages: Sequence[Scene], title: str) -> bytes:
    """Return scenes as pages of A4, each drawn as wide as the paper is."""
    file = io.BytesIO()
    with style():
        from matplotlib.backends.backend_pdf import PdfPages
        from matplotlib.figure import Figure

        # Without a date the same sheet is the same file.
        with PdfPages(file, metadata={"Title": title, "Creator": "convcli", "CreationDate": None}) as book:
            for page in pages:
                drawn = Figure(figsize=A4)
                place = drawn.add_axes((0, 0, 1, 1), frameon=False)
                place.set_axis_off()
                place.set_xlim(0, page.width)
                place.set_ylim(page.width * RATIO, 0)
                unit = A4[0] * POINTS / page.width
                for order, shape in enumerate(page.shapes):
                    _draw(place, shape, unit, order)
                book.savefig(drawn)
    return file.getvalue()


def _draw(place: Axes, shape: Shape, unit: float, order: int) -> None:
    """Add a shape; `unit` is in points, and what comes later lies above."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon, Rectangle

    look: dict[str, Any]
    match shape:
        case Rect():
            place.add_patch(
                Rectangle(
                    (shape.x, shape.y),
                    shape.width,
                    shape.height,
                    facecolor=colour(shape.fill) if shape.fill else "none",
                    edgecolor=colour(shape.line) if shape.line else "none",
                    linewidth=shape.thickness * unit if shape.line else 0,
                    zorder=order,
                )
            )
        case Path() if shape.fill:
            look = {"facecolor": colour(shape.fill), "edgecolor": colour(shape.colour)}
            place.add_patch(Polygon(shape.points, linewidth=shape.thickness * unit, zorder=order, **look))
        case Path():
            xs, ys = zip(*shape.points, strict=True)
            width = shape.thickness * unit
            place.add_line(Line2D(xs, ys, linewidth=width, color=colour(shape.colour), zorder=order))
        case Raster():
            extent = (shape.x, shape.x + shape.width, shape.y + shape.height, shape.y)
            look = {"cmap": "gray", "vmin": 0, "vmax": 255} if shape.pixels.ndim == 2 else {}
            place.imshow(
                shape.pixels, extent=extent, aspect="auto", interpolation="none", zorder=order, **look
            )
        case Text():
            _write(place, shape, unit, order)


def _write(place: Axes, text: Text, unit: float, order: int) -> None:
    place.text(
        text.x,
        text.y + 0.36 * text.size,  # half the height of a figure under the middle, as in SVG
        text.text,
        fontsize=text.size * unit,
        color=colour(text.colour),
        ha={"start": "left", "middle": "center", "end": "right"}[text.anchor],
        va="baseline",
        fontweight="bold" if text.bold else "normal",
        family="DejaVu Sans Mono" if text.mono else "DejaVu Sans",
        zorder=order,
    )
