"""Pixels that change places, or their number."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from convcli.errors import ConvcliError
from convcli.filtering.steps.parsing import step_of
from filtering.steps.made import applied, made

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (41, 67, 3)).astype(np.uint8)
MOVES = {
    "crop:size=10x20": lambda a: a[15:25, 23:43],
    "crop:size=41x67": lambda a: a,
    "crop:size=3,corner=0x64": lambda a: a[:3, 64:],
    "crop:size=50%": lambda a: a[10:30, 17:50],
    "crop:size=100%x.5%": lambda a: a[:, 33:34],
    "crop:size=50%,corner=50%": lambda a: a[20:40, 33:66],
    "crop:size=9x10,corner=0%x50%": lambda a: a[:9, 33:43],
    "flip": lambda a: a[:, ::-1],
    "flip:direction=vertical": lambda a: a[::-1],
    "flip:direction=both": lambda a: a[::-1, ::-1],
    "rotate:angle=90": lambda a: np.rot90(a),
    "rotate:angle=180": lambda a: np.rot90(a, 2),
    "rotate:angle=270": lambda a: np.rot90(a, 3),
    "rotate:angle=-90": lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("text", MOVES)
def test_moves_are_numpy_s_and_alpha_goes_along(text):
    opacity = RNG.integers(1, 256, IMAGE.shape[:2]).astype(np.uint8)
    result = applied(IMAGE, text, opacity=opacity)
    np.testing.assert_array_equal(result.pixels, MOVES[text](IMAGE))
    np.testing.assert_array_equal(result.alpha, MOVES[text](opacity))
    within = made(IMAGE, "identity", text, "identity")
    np.testing.assert_array_equal(within, MOVES[text](IMAGE))


def test_what_follows_sees_the_moved_picture():
    turned = np.ascontiguousarray(np.rot90(IMAGE))
    found = made(IMAGE, "rotate:angle=90", "sobel-x", "crop:size=20x30", range="raw")
    expected = made(turned, "sobel-x", "crop:size=20x30", range="raw")
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_share_is_written_as_it_is_read():
    step = step_of("crop:size=50 % × 30%,corner=10%")
    assert step.text == "crop:size=50%x30%,corner=10%"
    assert step_of(step.text) == step


@pytest.mark.parametrize("name", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
@pytest.mark.parametrize("shape", [(20, 33), (100, 50), (1, 1), (83, 133)])
def test_resizing_is_pillow_s(name, shape):
    planes = [PIL.Image.fromarray(IMAGE[..., c].astype(np.float32)) for c in range(3)]
    filter_ = getattr(PIL.Image.Resampling, name.upper())
    expected = np.stack([np.asarray(plane.resize(shape[::-1], filter_)) for plane in planes], 2)
    found = made(IMAGE, f"resize:size={shape[0]}x{shape[1]},filter={name}", range="raw")
    np.testing.assert_allclose(found, expected, atol=3e-4)


@pytest.mark.parametrize(
    ("text", "shape"),
    [("resize:longest=134", (82, 134)), ("resize:scale=0.5", (21, 34)), ("resize:scale=200%", (82, 134))],
)
def test_sizes_keep_the_proportion(text, shape):
    assert made(IMAGE, text).shape == (*shape, 3)


def test_colours_count_as_much_as_they_are_seen():
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, :2], image[:, 2:] = (200, 100, 50), (7, 255, 0)
    opacity = np.full((4, 4), 255, np.uint8)
    opacity[:, 2:] = 0
    result = applied(image, "resize:size=2x3,filter=bilinear", opacity=opacity)
    assert result.pixels[:, :2].tolist() == [[[200, 100, 50]] * 2] * 2
    assert result.alpha[0, 0] == 255
    assert 0 < result.alpha[0, 1] < 255


def test_a_band_is_what_the_whole_has_there():
    tall = RNG.integers(0, 256, (3000, 500)).astype(np.uint8)
    found = made(tall, "identity", "resize:size=2000x900", range="raw")
    expected = PIL.Image.fromarray(tall.astype(np.float32)).resize((900, 2000), PIL.Image.Resampling.LANCZOS)
    np.testing.assert_allclose(found, np.asarray(expected), atol=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crop:size=42x10", "42 × 10 pixels do not fit into a picture of 41 × 67"),
        ("crop:size=10,corner=40x0", "from row 40, column 0 on do not fit"),
        ("crop:size=50%x", "shares of the picture's such as 50%"),
        ("crop:size=101%", "not '101%'"),
        ("crop:size=60%,corner=50%", "24 × 40 pixels from row 20, column 33 on do not fit"),
        ("resize", "expected one of size, longest and scale, found none"),
        ("resize:size=5,scale=2", "found size and scale"),
        ("resize:scale=0", "scale"),
        ("rotate:angle=45", "angle"),
    ],
)
def test_what_cannot_be_is_said(text, said):
    with pytest.raises(ConvcliError, match=said):
        made(IMAGE, text)
