"""BMP files of bit fields: alpha of a single bit, and masks that Pillow does not know."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import pytest

from convcli.images import read
from image_files import noise, read_bytes, saved


def bmp(values, masks, header):
    height, width = values.shape
    bits = values.dtype.itemsize * 8
    row = -(-width * bits // 32) * 4
    data = b"".join(line.tobytes().ljust(row, b"\0") for line in values[::-1])
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, 3, len(data), 0, 0, 0, 0)
    info = (info + struct.pack("<4I", *masks)).ljust(header, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + header + len(data), 0, 0, 14 + header) + info + data


@pytest.mark.parametrize("header", [56, 108, 124])
def test_alpha_of_a_single_bit(header):
    values = np.random.default_rng(0).integers(0, 2**16, (4, 5)).astype("<u2")
    image = read(io.BytesIO(bmp(values, (0x7C00, 0x3E0, 0x1F, 0x8000), header)))
    np.testing.assert_array_equal(image.alpha, np.where(values & 0x8000, 255, 0))
    np.testing.assert_array_equal(image.pixels[..., 0], np.rint((values >> 10 & 31) * 255 / 31))
    np.testing.assert_array_equal(image.pixels[..., 2], np.rint((values & 31) * 255 / 31))


def test_fields_of_ten_bits_keep_their_depth():
    values = np.random.default_rng(0).integers(0, 2**32, (4, 5)).astype("<u4")
    image = read(io.BytesIO(bmp(values, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000), 124)))
    np.testing.assert_array_equal(image.pixels[..., 2], np.rint((values & 0x3FF) * (65535 / 1023)))
    np.testing.assert_array_equal(image.alpha, (values >> 30) * 21845)


def test_fourth_bytes_that_the_header_calls_no_alpha_are_said_to_be_left_out():
    pixels = noise((7, 9, 4), np.uint8)
    found = read_bytes(saved(PIL.Image.fromarray(pixels), "BMP"))  # Pillow writes alpha there
    assert found.alpha is None
    np.testing.assert_array_equal(found.pixels, pixels[:, :, :3])
    assert "fourth bytes of its pixels, no alpha by the file's header, are left out" in found.notes[0]
    pixels[:, :, 3] = 255
    assert read_bytes(saved(PIL.Image.fromarray(pixels), "BMP")).notes == ()
