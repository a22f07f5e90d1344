"""PNG files of every depth, with one transparent colour, interlaced."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from convcli.images import Image, encode
from image_files import noise, png, png_chunk, read_bytes, saved


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_one_transparent_colour_becomes_alpha(mode):
    picture = PIL.Image.new("RGB", (4, 3), (255, 255, 255)).convert(mode)
    key = picture.getpixel((0, 0))
    picture.putpixel((1, 1), (0, 0, 0) if mode == "RGB" else (1 if mode == "P" else 0))
    image = read_bytes(saved(picture, "png", transparency=key))
    assert image.alpha is not None
    assert image.alpha[1, 1] == 255
    assert image.alpha[0, 0] == 0


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("threads", [1, 2])
def test_deep_png_is_what_opencv_reads_and_writes(channels, threads):
    cv2 = pytest.importorskip("cv2")
    samples = noise((70, 90, channels), np.uint16)
    colours = 3 if channels > 2 else 1
    pixels = samples[:, :, 0] if colours == 1 else samples[:, :, :3]
    alpha = samples[:, :, -1] if channels in (2, 4) else None
    data = encode(Image(pixels, alpha), "png", threads=threads)
    again = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    np.testing.assert_array_equal(again.reshape(70, 90, -1), samples[:, :, order])
    with PIL.Image.open(io.BytesIO(data)) as opened:
        opened.load()
    if channels != 2:
        image = read_bytes(cv2.imencode(".png", samples[:, :, order])[1].tobytes())
        np.testing.assert_array_equal(image.pixels, pixels)
        assert (image.alpha is None) == (alpha is None)
        if alpha is not None:
            np.testing.assert_array_equal(image.alpha, alpha)


def adam7(samples):
    """Return the rows of an interlaced PNG file's seven passes, unfiltered. Source: PNG, section 8.2."""
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = b""
    for top, left, down, across in passes:
        part = samples[top::down, left::across]
        if part.size:
            rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in part)
    return rows


@pytest.mark.parametrize(("channels", "kind"), [(2, 4), (3, 2), (4, 6)])
def test_deep_interlaced_png(channels, kind):
    samples = noise((11, 13, channels), np.uint16)
    data = bytearray(png(13, 11, 16, kind, adam7(samples)))
    data[28] = 1
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    image = read_bytes(bytes(data))
    np.testing.assert_array_equal(np.dstack([image.pixels]), samples[:, :, : 1 if channels == 2 else 3])
    if channels != 3:
        np.testing.assert_array_equal(image.alpha, samples[:, :, -1])


KEYS = [(depth, 0, (1,)) for depth in (1, 2, 4, 8, 16)] + [(8, 2, (1, 2, 3)), (16, 2, (256, 513, 3))]


@pytest.mark.parametrize(("depth", "kind", "key"), KEYS)
def test_the_one_transparent_colour_of_every_depth(depth, kind, key):
    channels = len(key)
    values = np.random.default_rng(0).integers(0, 2**depth, (6, 9, channels))
    values[2, 3], values[4, 5] = key, (*key[:-1], (key[-1] + 1) % 2**depth)
    if depth == 16:  # differs in its lower half alone
        values[1, 1] = np.array(key) ^ 1
    bits = (values[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    rows = np.packbits(bits.reshape(6, -1).astype(np.uint8), axis=1)
    data = png(9, 6, depth, kind, b"".join(b"\0" + row.tobytes() for row in rows))
    trns = png_chunk(b"tRNS", struct.pack(f">{channels}H", *key))
    image = read_bytes(data[:33] + trns + data[33:])
    transparent = (values == key).all(axis=2)
    np.testing.assert_array_equal(image.alpha, np.where(transparent, 0, 65535 if depth == 16 else 255))
    scale = 255 // (2**depth - 1) if depth < 8 else 1
    np.testing.assert_array_equal(image.pixels, np.squeeze(values * scale))
