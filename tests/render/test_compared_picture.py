import io

import numpy as np
import PIL.Image

from convcli.comparing import compare, paired
from convcli.images import Image
from convcli.render import compared_picture
from convcli.render.compared_picture import difference_of, picture

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


def test_one_pixel_that_differs_is_seen_in_a_picture_that_is_smaller(monkeypatch):
    monkeypatch.setattr(compared_picture, "LARGEST", 200)
    first = np.zeros((700, 700), np.uint8)
    second = first.copy()
    second[500, 600] = 1
    found, images = compared(first, second)
    data, notes = picture("side", found, images, NAMES, "png")
    panel = pixels_of(data)[40:440, 2 * (20 + 2 * (200 + 14)) :][:, :400]
    assert "both are shown 200 high and 200 wide" in notes
    rows, columns = np.nonzero(panel.min(axis=2) == 255)
    places = {*rows // 2}, {*columns // 2}  # two pixels of the picture a unit
    assert [len(one) for one in places] == [1, 1]
    assert abs(places[0].pop() - 500 * 200 / 700) <= 1
    assert abs(places[1].pop() - 600 * 200 / 700) <= 1


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
