"""An image that results are made of: decoded once, and seen to change."""

from __future__ import annotations

import io
import os
import threading
import time

import numpy as np
import pytest

from convcli.filtering import original as module
from convcli.filtering.original import ChangedError, Original
from convcli.images import Image, encode, read

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
FILE = encode(Image(PIXELS), "png")
TICK = 0.03  # seconds after which a file's time is another, on any system


@pytest.fixture
def decoded(monkeypatch):
    """Return the list of what is decoded from now on: whether only to brightness."""
    lumas = []

    def counted(source, *, luma, **options):
        lumas.append(luma)
        return read(source, luma=luma, **options)

    monkeypatch.setattr(module, "read", counted)
    return lumas


@pytest.mark.parametrize(("ending", "times"), [("png", 1), ("jpeg", 2)])
@pytest.mark.parametrize("wanted", [(True, False, True), (False, True, False)])
def test_an_image_is_decoded_once_and_a_jpeg_file_once_for_its_brightness_too(
    tmp_path, decoded, ending, times, wanted
):
    path = tmp_path / "image"
    path.write_bytes(encode(Image(PIXELS), ending))
    original = Original(str(path), threads=1, both=True)
    for luma in wanted:
        np.testing.assert_array_equal(original.image(luma=luma).pixels, read(path, luma=luma).pixels)
    assert len(decoded) == times


def test_what_is_let_go_is_read_again(tmp_path, decoded):
    path = tmp_path / "image"
    path.write_bytes(FILE)
    original = Original(str(path), threads=1)
    for _ in range(2):
        original.image(luma=False)
        original.let_go()
    assert decoded == [False, False]


@pytest.mark.parametrize("change", ["content", "time", "link"])
def test_every_change_of_an_image_is_seen(tmp_path, change):
    image, link = tmp_path / "image", tmp_path / "link"
    image.write_bytes(FILE)
    (tmp_path / "other").write_bytes(FILE)
    link.symlink_to(image)
    original = Original(str(link), threads=1)
    original.image(luma=False)
    original.check_unchanged()
    time.sleep(TICK)
    if change == "content":
        image.write_bytes(FILE)
    elif change == "time":
        os.utime(image)
    else:
        link.unlink()
        link.symlink_to("other")
    with pytest.raises(ChangedError):
        original.check_unchanged()


def test_a_pipe_is_read_once_and_decoded_for_colours_and_brightness_all_the_same(tmp_path):
    path = tmp_path / "pipe"
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    os.mkfifo(path)
    data = encode(Image(PIXELS), "jpeg")
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    original = Original(str(path), threads=1, both=True)
    colours, brightness = original.image(luma=False), original.image(luma=True)
    writer.join()
    original.check_unchanged()  # though its times are others since it was written into
    np.testing.assert_array_equal(colours.pixels, read(io.BytesIO(data)).pixels)
    np.testing.assert_array_equal(brightness.pixels, read(io.BytesIO(data), luma=True).pixels)
