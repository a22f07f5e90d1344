"""The PNG writer: what it writes is read back by Pillow and OpenCV as it was, whatever the method."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from convcli.images import Metadata
from convcli.images.png import writing as png
from convcli.images.png.writing import FILTERS, encode_png

RNG = np.random.default_rng(11)


def smooth(shape):
    ramp = np.indices(shape[:2]).sum(0)
    image = ramp if len(shape) == 2 else np.stack([ramp // (c + 1) for c in range(shape[2])], axis=2)
    return (image + RNG.integers(0, 4, shape)).astype(np.uint8)


def decoded(data):
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


KINDS = {
    "grey": (smooth((61, 47)), None),
    "colour": (smooth((61, 47, 3)), None),
    "grey and alpha": (smooth((61, 47)), smooth((61, 47))),
    "colour and alpha": (smooth((61, 47, 3)), smooth((61, 47))),
    "deep": (RNG.integers(0, 65536, (61, 47)).astype(np.uint16), None),
    "flat": (np.full((61, 47), 7, np.uint8), None),
    "drawing": (np.tile(np.array([[0, 9], [9, 0]], np.uint8), (30, 40)), None),
    "one pixel": (np.array([[200]], np.uint8), None),
    "one column": (smooth((500, 1, 3)), None),
    "one row": (smooth((1, 900)), None),
    "view": (smooth((80, 90, 3))[::-2, ::3, ::-1], None),
}


@pytest.mark.parametrize("level", [0, 1, 2, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_file_holds_the_pixels(kind, level, monkeypatch):
    monkeypatch.setattr(png, "STRIP_BYTES", 1000)
    pixels, alpha = KINDS[kind]
    one, three = (encode_png(pixels, alpha, Metadata(), level=level, threads=count) for count in (1, 3))
    assert one == three
    expected = pixels if alpha is None else np.dstack((pixels, alpha))
    np.testing.assert_array_equal(decoded(one), expected)


@pytest.mark.parametrize("number", FILTERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_row_filter_is_undone_by_decoders(kind, number, monkeypatch):
    monkeypatch.setattr(png, "STRIP_BYTES", 700)
    monkeypatch.setattr(png, "_sampled_method", lambda *_: png._Method(number, 1, zlib.Z_RLE))
    pixels, alpha = KINDS[kind]
    expected = pixels if alpha is None else np.dstack((pixels, alpha))
    data = encode_png(pixels, alpha, Metadata(), level=1, threads=1)
    np.testing.assert_array_equal(decoded(data), expected)


def test_opencv_reads_the_same():
    cv2 = pytest.importorskip("cv2")
    pixels = smooth((300, 200, 3))
    data = encode_png(pixels, None, Metadata(), level=1, threads=2)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read[:, :, ::-1], pixels)


def test_checksums_are_right(monkeypatch):
    monkeypatch.setattr(png, "STRIP_BYTES", 1000)
    data = encode_png(smooth((90, 70)), None, Metadata(), level=1, threads=1)
    place, stream = 8, b""
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        name, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(name + body)
        stream += body if name == b"IDAT" else b""
        place += 12 + length
    assert len(zlib.decompress(stream)) == 90 * 71, "which checks the Adler sum of all strips"


def test_files_are_no_larger_than_pillows_at_the_same_level():
    photo = np.clip(RNG.normal(128, 5, (400, 500)).cumsum(0) / 20 + RNG.normal(0, 3, (400, 500)), 0, 255)
    drawing = np.zeros((400, 500), np.uint8)
    drawing[50:300:7, 20:400] = 255
    for pixels in (photo.astype(np.uint8), drawing):
        for level in (1, 6):
            stream = io.BytesIO()
            PIL.Image.fromarray(pixels).save(stream, "PNG", compress_level=level)
            ours = encode_png(pixels, None, Metadata(), level=level, threads=1)
            assert len(ours) < 1.1 * stream.tell()


def test_repetitions_are_searched_for_where_they_save_much():
    pattern = np.tile(RNG.integers(0, 256, (16, 50), np.uint8), (20, 20))
    assert len(encode_png(pattern, None, Metadata(), level=1, threads=1)) < pattern.nbytes / 5
