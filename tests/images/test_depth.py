"""Bits that Pillow drops are said, or kept; headers are looked for where they are, and nowhere else."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import pytest

from convcli.images.depth import Described, described
from image_files import noise, read_bytes, saved


def test_sgi_files_of_16_bits_are_said_to_be_read_as_8():
    head = struct.pack(">hBBHHHH", 474, 0, 2, 2, 5, 4, 1).ljust(512, b"\0")
    found = read_bytes(head + noise((4, 5), np.uint16).tobytes())
    assert found.pixels.dtype == np.uint8
    assert "16 bits a sample are read as 8" in found.notes[0]
    assert read_bytes(saved(PIL.Image.new("L", (5, 4)), "SGI")).notes == ()


@pytest.mark.parametrize("kind", ["jp2", "j2k"])
def test_the_largest_number_of_12_bits_of_grey_is_white(kind):
    codecs = pytest.importorskip("imagecodecs")
    pixels = noise((32, 40), np.uint16) % 4096
    pixels[0, 0] = 4095
    data = codecs.jpeg2k_encode(pixels, level=0, codecformat=kind, bitspersample=12)
    expected = np.rint(pixels * (65535 / 4095)).astype(np.uint16)
    np.testing.assert_array_equal(read_bytes(data).pixels, expected)


def test_a_box_that_holds_what_looks_like_a_header_is_none():
    data = saved(PIL.Image.new("RGB", (5, 4)), "JPEG2000")
    fake = b"\xff\x4f\xff\x51" + bytes(4) + struct.pack(">8I", 1, 1, *[0] * 6) + b"\0\1\17\1\1"
    box = struct.pack(">I4s", 8 + len(fake), b"free") + fake
    assert described("JPEG2000", io.BytesIO(data[:12] + box + data[12:])) == Described(8, 4, 5)
    assert described("JPEG2000", io.BytesIO(data[:12] + b"\0\0\0\1free" + bytes(8))) == Described()


def test_ink_of_jpeg_2000_files_is_not_taken_for_alpha():
    codecs = pytest.importorskip("imagecodecs")
    ink = np.full((32, 40, 4), 4000, np.uint16)
    data = bytearray(codecs.jpeg2k_encode(ink, level=0, codecformat="jp2"))
    place = data.index(b"colr") + 7
    data[place : place + 4] = struct.pack(">I", 12)  # CMYK
    found = read_bytes(bytes(data))
    assert found.pixels.dtype == np.uint8
    assert found.alpha is None
    assert "16 bits a sample are read as 8" in found.notes[-1]
