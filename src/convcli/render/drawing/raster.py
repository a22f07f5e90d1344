"""Scenes as pixels, drawn by matplotlib, whose fonts come with it: the same picture on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convcli.images import COMPRESSION, Image, encode
from convcli.render.drawing import plotting
from convcli.render.drawing.palette import COLOURS
from convcli.render.drawing.scene import Path, Raster, Rect, Scene, Shape, Text, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

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


def successive(scenes: Iterable[Scene], scale: float) -> Iterator[NDArray[np.uint8]]:
    """Yield the pixels of scenes of one size, each the same as `pixels` draws it.

    Only places are drawn that differ from the scene before, with everything that reaches into them: letters
    take most of the time, and from one step to the next most of them stay.
    """
    picture: NDArray[np.uint8] | None = None
    before: tuple[Shape, ...] = ()
    for scene in scenes:
        now, then = set(scene.shapes), set(before)
        stay = [shape for shape in before if shape in now]
        if picture is None or stay != [shape for shape in scene.shapes if shape in then]:
            picture = pixels(scene, scale)
        else:
            new = np.zeros(picture.shape[:2], bool)
            for shape in now ^ then:
                new[_reach(shape, scale)] = True
            touched = tuple(shape for shape in scene.shapes if new[_reach(shape, scale)].any())
            picture = np.where(new[:, :, None], pixels(replace(scene, shapes=touched), scale), picture)
        before = scene.shapes
        yield picture


def _reach(shape: Shape, scale: float) -> tuple[slice, slice]:
    """Return the rows and columns of pixels outside of which a shape draws nothing."""
    thickness = 0.0
    match shape:
        case Rect() | Raster():
            left, top, right, bottom = shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
            thickness = shape.thickness if isinstance(shape, Rect) else 0.0
        case Path():
            (left, right), (top, bottom) = ((min(way), max(way)) for way in zip(*shape.points, strict=True))
            thickness = 4 * shape.thickness  # corners are pointed
        case Text(mono=True):
            width = text_width(shape.text, shape.size, mono=True)
            left = shape.x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor]
            top, right, bottom = shape.y - 0.75 * shape.size, left + width, shape.y + 0.75 * shape.size
        case Text():  # how wide its letters are is only about known
            left, top, right, bottom = 0.0, shape.y - shape.size, 1e6, shape.y + shape.size
    margin = scale * thickness / 2 + 2  # for lines on whole pixels
    rows, columns = (
        slice(*(max(0, round(place)) for place in (start * scale - margin, end * scale + margin)))
        for start, end in ((top, bottom), (left, right))
    )
    return rows, columns


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
            drawn: Patch | Line2D = Rectangle(
                (left, height - bottom),
                right - left,
                bottom - top,
                facecolor=COLOURS[shape.fill].light if shape.fill else "none",
                edgecolor=COLOURS[shape.line].light if shape.line else "none",
            )
        case Path():
            places = [(x * scale, height - y * scale) for x, y in shape.points]
            line = COLOURS[shape.colour].light
            if shape.fill:
                drawn = Polygon(places, facecolor=COLOURS[shape.fill].light, edgecolor=line)
            else:
                drawn = Line2D(*zip(*places, strict=True), color=line)
        case Raster():
            return _add_pixels(figure, shape, scale, height, order)
        case Text():
            return _add_text(figure, shape, scale, order)
    drawn.set(linewidth=shape.thickness * points, transform=None, zorder=order)
    figure.add_artist(drawn)
    return None


def _add_text(figure: Figure, shape: Text, scale: float, order: int) -> None:
    figure.text(
        shape.x * scale / figure.bbox.width,
        1 - (shape.y * scale) / figure.bbox.height,
        shape.text,
        fontsize=shape.size * scale * 72 / _DPI,
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
