import io

import numpy as np
import PIL.Image

from convcli.comparing import compare, paired
from convcli.images import Image
from convcli.render.compared_picture import LARGEST, difference_of, picture

NAMES = ("a.png", "b.png")


def compared(first, second):
    images = Image(np.asarray(first)), Image(np.asarray(second))
    return compare(paired(images[0], images[1], NAMES)), images


def pixels_of(data):
    return np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))


def test_the_difference_is_black_where_nothing_differs_and_white_where_it_is_largest():
    first = np.array([[0.0, 1, np.nan, np.nan, np.inf]])
    found, _ = compared(first, [[0.0, 3, np.nan, 1, np.inf]])
    pixels, gain = difference_of(found)
    assert (pixels.tolist(), gain) == ([[0, 255, 0, 255, 0]], 127.5)


def test_one_pixel_that_differs_is_seen_in_a_picture_that_is_smaller():
    first = np.zeros((LARGEST * 3, LARGEST * 3), np.uint8)
    second = first.copy()
    second[1000, 2000] = 1
    found, images = compared(first, second)
    data, notes = picture("side", found, images, NAMES, "png")
    right = pixels_of(data)[40:1400, 2 * (20 + 2 * (LARGEST + 14)) :]
    assert f"both are shown {LARGEST} high and {LARGEST} wide" in notes
    assert 1 <= (right[: 2 * LARGEST - 40, : 2 * LARGEST - 40].min(axis=2) == 255).sum() <= 16


def test_the_largest_hundredth_does_not_leave_all_others_dark():
    rng = np.random.default_rng(0)
    first = np.zeros((200, 200), np.uint8)
    second = rng.integers(1, 21, (200, 200), dtype=np.uint8)
    second[0, 0] = 255
    found, images = compared(first, second)
    pixels = pixels_of(picture("side", found, images, NAMES, "png")[0])
    panel = pixels[60:420, 2 * (20 + 2 * (200 + 14)) + 20 :][:, :360]
    assert 100 < panel.mean() < 160, "differences from 1 to 20 are spread from black to white"


def test_nothing_that_differs_is_black():
    found, images = compared(np.full((9, 9), 7, np.uint8), np.full((9, 9), 7, np.uint8))
    data, notes = picture("difference", found, images, NAMES, "png")
    assert not pixels_of(data).any()
    assert notes == ["nothing differs: the picture is black"]
