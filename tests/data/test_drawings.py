"""What grey images on a plain ground have in common."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from convcli.data import Dataset, open_source
from convcli.data.drawings import Drawings

SIDE, ENLARGED = 28, 8


def drawn(lines, width):
    """Return images, uint8 (n, 28, 28, 1), of lines of so many pixels, white on black, drawn by Pillow."""
    images = []
    for line in lines:
        canvas = PIL.Image.new("L", (SIDE * ENLARGED, SIDE * ENLARGED))
        points = [(x * ENLARGED, y * ENLARGED) for x, y in line]
        PIL.ImageDraw.Draw(canvas).line(points, 255, round(width * ENLARGED))
        images.append(np.asarray(canvas.reduce(ENLARGED)))
    return np.stack(images)[..., None]


def found(images):
    return Drawings.of(Dataset(images, np.zeros(len(images), np.int64), ("only",)))


UPRIGHT = [[(x, 4), (x, 24)] for x in (9.5, 12.5, 14.5, 17.5)]


@pytest.mark.parametrize("width", [1.5, 2.0, 3.0, 4.0])
def test_strokes_are_as_thick_as_they_were_drawn(width):
    assert found(drawn(UPRIGHT, width)).thickness.middle == pytest.approx(width, rel=0.15)


def test_ink_is_found_on_either_ground_with_its_level_and_its_box():
    images = drawn(UPRIGHT, 2)
    white, black = found(images), found(255 - images)
    assert (white.ground, white.ink, black.ground, black.ink) == (0, 255, 255, 0)
    assert white.side == black.side
    assert white.side.middle == pytest.approx(20, abs=1)
    faint = found(40 + images // 4)
    assert (faint.ground, faint.ink) == (40, 103)


def test_what_lies_at_the_same_place_is_told_the_mass_or_the_box():
    shapes = np.zeros((6, SIDE, SIDE, 1), np.uint8)
    for n, shape in enumerate(shapes):  # a head at one place, a tail that is longer each time, and fainter
        shape[6:14, 10:18] = 255
        shape[14 : 16 + 2 * n, 13:15] = 60
    assert found(shapes).centred == "mass"
    boxed = np.zeros((6, SIDE, SIDE, 1), np.uint8)
    for n, shape in enumerate(boxed):  # a frame at one place, filled from above, more each time
        shape[4:24, 4:24] = 60
        shape[4 : 8 + 2 * n, 4:24] = 255
    result = found(boxed)
    assert result.centred == "box"
    assert result.row == result.column == (14, 14, 14)


def test_the_digits_fill_their_images(tmp_path):
    result = Drawings.of(open_source("digits", base=tmp_path).train)
    assert (result.ground, result.ink, result.side) == (0, 255, (8, 8, 8))
    assert result.centred == "box"


@pytest.mark.parametrize("images", [
    np.random.default_rng(0).integers(0, 256, (9, 8, 8, 1), np.uint8),  # no plain ground
    np.zeros((9, 8, 8, 1), np.uint8),  # no ink
    np.zeros((9, 8, 8, 3), np.uint8),  # coloured
    np.zeros((2, 8, 65, 1), np.uint8),  # large
], ids=["noise", "empty", "coloured", "large"])  # fmt: skip
def test_other_images_are_no_drawings(images):
    assert found(images) is None
