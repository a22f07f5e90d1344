"""What is written to terminals, read back by readers that share nothing with what wrote it."""

import base64
import io
import re
import shutil
import subprocess

import numpy as np
import PIL.Image
import pytest

from convcli.images import View
from convcli.render.screen import PROTOCOLS, Screen, drawn
from convcli.render.screen.blocks import CUBE

PIXELS = np.random.default_rng(0).integers(0, 256, (13, 20, 3), dtype=np.uint8)


def read_kitty(text):
    """Return the pixels in kitty's sequences, and the keys of the first."""
    sequences = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    keys = [dict(pair.split("=") for pair in keys.split(",")) for keys, _ in sequences]
    assert [one["m"] for one in keys] == ["1"] * (len(keys) - 1) + ["0"]
    assert all(len(data) <= 4096 for _, data in sequences)
    data = base64.b64decode("".join(data for _, data in sequences))
    return np.asarray(PIL.Image.open(io.BytesIO(data))), keys[0]


def read_sixel(text):
    """Return the pixels that sixels stand for, by the manual of the VT340."""
    width, height = map(int, re.search(r'"1;1;(\d+);(\d+)', text).groups())
    body = text[text.index('"') + 1 : text.index("\x1b\\")]
    body = body[re.match(r"[\d;]+", body).end() :]
    pixels, colours = np.zeros((height + 5, width, 3), np.uint8), {}
    x = y = colour = 0
    for token in re.finditer(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)(.)|([$-])|(.)", body):
        number, *rgb, times, repeated, turn, sign = token.groups()
        if number is not None:
            colour = int(number)
            if rgb[0] is not None:
                colours[colour] = [round(int(part) * 2.55) for part in rgb]
        elif turn is not None:
            x, y = 0, y + 6 * (turn == "-")
        else:
            run = slice(x, x + int(times or 1))
            for row in range(6):
                if (ord(repeated or sign) - 63) >> row & 1:
                    pixels[y + row, run] = colours[colour]
            x = run.stop
    assert not pixels[height:].any()
    return pixels[:height]


def read_blocks(text):
    """Return the pixels that half-blocks stand for; an empty half is None."""
    rows = []
    for line in text.splitlines():
        ink = ground = None
        upper, lower = [], []
        assert line.endswith("\x1b[0m")
        for codes, sign in re.findall(r"\x1b\[([\d;]*)m|(.)", line):
            for kind, colour in re.findall(r"(38|48);(2;\d+;\d+;\d+|5;\d+)", codes):
                ink, ground = (colour, ground) if kind == "38" else (ink, colour)
            if sign:
                assert sign == "▀"
                upper.append(ink)
                lower.append(ground)
        rows += [upper, lower]
    return rows


def test_kitty_is_sent_a_png_of_the_pixels_in_chunks():
    large = np.random.default_rng(1).integers(0, 256, (90, 100, 3), dtype=np.uint8)
    pixels, keys = read_kitty(drawn(View(large), Screen("kitty")))
    assert (pixels[::5, ::5] == large).all()
    assert (keys["a"], keys["f"], keys["q"]) == ("T", "100", "2")


def test_iterm_is_sent_a_png_of_the_pixels():
    text = drawn(View(PIXELS), Screen("iterm"))
    keys, data = re.fullmatch(r"\x1b\]1337;File=([^:]*):([^\x07]*)\x07\n", text).groups()
    decoded = base64.b64decode(data)
    assert f"size={len(decoded)};" in keys
    assert (np.asarray(PIL.Image.open(io.BytesIO(decoded)))[::32, ::32] == PIXELS).all()


def test_sixels_are_the_pixels_in_hundredths_where_no_more_than_256_colours_are_there():
    few = np.random.default_rng(2).choice([0, 51, 102, 255], (13, 20, 3)).astype(np.uint8)
    shown = read_sixel(drawn(View(few), Screen("sixel", columns=20 // 10 + 1, lines=1)))
    assert (shown == few).all()


@pytest.mark.skipif(not shutil.which("convert"), reason="ImageMagick is not here")
def test_imagemagick_reads_the_sixels_as_our_reader_does(tmp_path):
    text = drawn(View(PIXELS), Screen("sixel", columns=8, lines=4))
    (tmp_path / "x.six").write_text(text)
    subprocess.run(["convert", "sixel:x.six", "x.png"], cwd=tmp_path, check=True)
    with PIL.Image.open(tmp_path / "x.png") as read:
        theirs = np.asarray(read.convert("RGB")).astype(int)
    ours = read_sixel(text).astype(int)
    assert np.abs(theirs - ours).max() <= 1  # as hundredths are rounded


def test_half_blocks_are_the_pixels():
    rows = read_blocks(drawn(View(PIXELS), Screen("blocks", columns=20)))
    expected = [[f"2;{r};{g};{b}" for r, g, b in row] for row in PIXELS.tolist()]
    assert rows == [*expected, [None] * 20], "the last ground is the terminal's own"


def test_of_256_colours_the_nearest_is_taken():
    rows = read_blocks(drawn(View(PIXELS), Screen("blocks", columns=20, many_colours=False)))
    palette = {16 + 36 * r + 6 * g + b: CUBE[[r, g, b]] for r in range(6) for g in range(6) for b in range(6)}
    palette |= {232 + n: np.array([8 + 10 * n] * 3) for n in range(24)}
    colours = np.array(list(palette.values()))
    shown = [one for row in rows[:13] for one in row]
    for pixel, name in zip(PIXELS.reshape(-1, 3).astype(int), shown, strict=True):
        chosen = palette[int(name.removeprefix("5;"))]
        assert ((chosen - pixel) ** 2).sum() == ((colours - pixel) ** 2).sum(axis=1).min()


def test_characters_are_as_bright_as_the_pixels():
    grey = np.repeat(np.array([[0, 128, 255]], np.uint8)[:, :, None], 3, axis=2)
    assert drawn(View(grey), Screen("text", columns=3)) == " +@\n"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 400), (700, 500)])
def test_every_picture_fits_the_screen(protocol, shape):
    screen = Screen(protocol, columns=50, lines=10)
    text = drawn(View(np.full((*shape, 3), 77, np.uint8)), screen)
    if protocol in ("blocks", "text"):
        plain = re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()
        high, wide = len(plain), max(map(len, plain))
    elif protocol == "sixel":
        width, height = map(int, re.search(r"1;1;(\d+);(\d+)", text).groups())
        wide, high = -(-width // 10), -(-height // 20)
    elif protocol == "kitty":
        height, width = read_kitty(text)[0].shape[:2]
        wide, high = -(-width // 10), -(-height // 20)
    else:
        wide, high = map(int, re.search(r"width=(\d+);height=(\d+)", text).groups())
    assert 0 < high <= 10
    assert 0 < wide <= 50


def test_pictures_keep_their_shape_where_characters_are_twice_as_high_as_wide():
    square = View(np.zeros((300, 300, 3), np.uint8))
    assert drawn(square, Screen("text", columns=60, lines=99)).count("\n") == 30
    assert drawn(square, Screen("blocks", columns=60, lines=99)).count("\n") == 30
