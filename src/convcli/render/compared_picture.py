"""Two images compared, as a picture: beside each other with their difference, that alone, or by turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convcli.comparing import Comparison
from convcli.comparing.pairing import ALPHA
from convcli.images import Image, View, encode, encode_animation, levels_of, view, with_few_colours
from convcli.render.compared import comparison_line
from convcli.render.drawing import raster
from convcli.render.drawing.layout import on_ground, stacked
from convcli.render.drawing.scene import Raster, Rect, Scene, Shape, Text, wrapped
from convcli.wording import printable

Bytes = NDArray[np.uint8]

KINDS = ("side", "difference", "blink")

LARGEST = 720  # pixels of a panel's longer side
SMALLEST = 180  # to which the pixels of smaller ones are enlarged, by a whole number
NARROWEST = 150  # a panel's, for its words to have room
SECONDS = 0.7
GAP, SIZE, LINE = 14.0, 13.0, 1.4  # between panels; of letters; from line to line, in sizes
LETTERS = 80.0  # as wide as high, in a line of the whole picture
SHARE = 99.0  # of the pixels that differ, in hundredths: the largest differences alone would leave all dark


def difference_of(found: Comparison) -> tuple[Bytes, float]:
    """Return |B − A| as 8 bits, (h, w) or (h, w, 3), the largest as white, and what one unit comes to.

    Where alpha differs, white shows by how much, in all colours. What is no finite number in one image only
    is white.
    """
    pair = found.pair
    most = found.together.largest
    gain = 255 / most if most else 0.0
    planes = [_size_of(channel.first, channel.second, gain) for channel in pair.channels]
    names = [channel.name for channel in pair.channels]
    alpha = planes.pop() if names[-1] == ALPHA else None
    if len(planes) not in (1, 3):
        planes = [np.maximum.reduce(planes)]
    if alpha is not None:
        planes = [np.maximum(plane, alpha) for plane in planes]
    return (planes[0] if len(planes) == 1 else np.dstack(planes)), gain


def _size_of(first: NDArray[np.generic], second: NDArray[np.generic], gain: float) -> Bytes:
    result = np.empty(first.shape, np.uint8)
    for row in range(len(first)):
        a, b = first[row].astype(np.float64), second[row].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            size = np.abs(b - a) * gain
        size[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
        result[row] = np.rint(np.clip(np.nan_to_num(size, nan=255.0, posinf=255.0), 0, 255))
    return result


def picture(
    kind: str, found: Comparison, images: tuple[Image, Image], names: tuple[str, str], ending: str
) -> tuple[bytes, list[str]]:
    """Return a picture of a kind among `KINDS` as a file, and what there is to say of it."""
    if kind == "difference":
        pixels, gain = difference_of(found)
        return encode(Image(pixels), ending), [_gain_words(gain, found)]
    levels = levels_of(images)
    views = [view(image, levels) for image in images]
    notes = list(dict.fromkeys(note for one in views for note in one.notes))
    shape = found.pair.shape
    if max(shape) > LARGEST:
        notes.append(f"both are shown {_size(shape)[0]} high and {_size(shape)[1]} wide")
    if kind == "side":
        page = _side(found, views, names)
        return raster.png(page), notes
    pages = [_turn(one, name, found) for one, name in zip(views, names, strict=True)]
    both = np.vstack([raster.pixels(page, 1.0) for page in pages])
    few = with_few_colours(both)
    if few is not both:
        notes.append("GIF files hold 256 colours; both images were brought to the same ones")
    return encode_animation(np.vsplit(few, 2), [SECONDS, SECONDS]), notes


def _gain_words(gain: float, found: Comparison) -> str:
    if not gain:
        return "nothing differs: the picture is black"
    return f"a difference of {found.together.largest:.6g} is white"


def _size(shape: tuple[int, int]) -> tuple[int, int]:
    """Return how large an image is drawn: a part of itself, or a whole number of times."""
    longest = max(shape)
    if longest > LARGEST:
        return max(1, round(shape[0] * LARGEST / longest)), max(1, round(shape[1] * LARGEST / longest))
    times = max(1, SMALLEST // longest)
    return shape[0] * times, shape[1] * times


def _panel(pixels: Bytes, caption: str, size: float) -> Scene:
    """Return pixels over their caption, in letters of a size."""
    rows, columns = pixels.shape[:2]
    width, line = max(columns, NARROWEST), size * LINE
    lines = wrapped(printable(caption), width, size)
    # Behind it, and larger: where pixels are white, one sees where they end.
    shapes: list[Shape] = [
        Rect(-0.5, -0.5, columns + 1, rows + 1, "line"),
        Raster(0, 0, columns, rows, pixels),
    ]
    shapes += [Text(0, rows + line * (n + 0.8), text, size, anchor="start") for n, text in enumerate(lines)]
    return Scene(width, rows + line * (len(lines) + 0.3), tuple(shapes))


def _side(found: Comparison, views: Sequence[View], names: tuple[str, str]) -> Scene:
    """Return both images and their difference, beside each other or, where they are wide, below."""
    rows, columns = _size(found.pair.shape)
    difference, words = _brightened(found)
    shown = [one.fitted(rows, columns).on_checks() for one in views]
    captions = [f"A: {names[0]}", f"B: {names[1]}", f"|B − A|: {words}"]
    below = columns > 2 * rows
    width = max(columns if below else 3 * columns, 3 * NARROWEST)
    size = max(SIZE, width / LETTERS)  # to be read where the whole is as wide as a page
    panels = [
        _panel(pixels, caption, size)
        for pixels, caption in zip([*shown, _strongest(difference, rows, columns)], captions, strict=True)
    ]
    page = stacked(panels, GAP) if below else _beside(panels)
    figures = wrapped(printable(comparison_line(found, "").strip()), max(page.width, width), size)
    line = size * LINE
    shapes = tuple(Text(0, line * (n + 0.5), text, size, anchor="start") for n, text in enumerate(figures))
    page = stacked([page, Scene(max(page.width, width), line * len(figures), shapes)], GAP)
    return on_ground(page, page.width, page.height)


def _brightened(found: Comparison) -> tuple[Bytes, str]:
    """Return the difference with all but the largest of it spread from black to white, and what is white."""
    pixels, gain = difference_of(found)
    seen = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    level = float(np.percentile(seen[seen > 0], SHARE, method="nearest")) if seen.any() else 255.0
    if not gain or level == 255:
        return pixels, _gain_words(gain, found)
    brighter = np.minimum(np.rint(pixels * (255 / level)), 255).astype(np.uint8)
    return brighter, f"differences of {level / gain:.3g} and more are white"


def _beside(panels: Sequence[Scene]) -> Scene:
    x, shapes = 0.0, list[Shape]()
    for panel in panels:
        shapes += panel.at(x, 0)
        x += panel.width + GAP
    return Scene(x - GAP, max(panel.height for panel in panels), tuple(shapes))


def _turn(one: View, name: str, found: Comparison) -> Scene:
    """Return an image of two that are shown by turns, its name above it: both scenes have one size."""
    rows, columns = _size(found.pair.shape)
    width, line = max(columns, 2 * NARROWEST), SIZE * LINE
    words = Text(0, line / 2, wrapped(printable(name), width, SIZE)[-1], SIZE, anchor="start")
    pixels = one.fitted(rows, columns).on_checks()
    page = Scene(width, rows + line + 4, (words, Raster(0, line + 4, columns, rows, pixels)))
    return on_ground(page, page.width, page.height)


def _strongest(pixels: Bytes, rows: int, columns: int) -> Bytes:
    """Return pixels in another size: of those that become one the brightest, so that a single one is seen."""
    for axis, size in ((0, rows), (1, columns)):
        count = pixels.shape[axis]
        if size < count:
            pixels = np.maximum.reduceat(pixels, np.arange(size) * count // size, axis=axis)
        elif size > count:
            pixels = pixels.repeat(size // count, axis=axis)
    return pixels
