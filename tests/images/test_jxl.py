"""JPEG XL files beside what their writer was given, and what their headers say before anything is decoded."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from convcli.errors import InputError
from convcli.images import Image, Metadata, encode
from convcli.images.jxl_header import Header, header_of
from image_files import noise, read_bytes, saved

codecs = pytest.importorskip("imagecodecs")


@pytest.mark.parametrize(("bits", "dtype"), [(5, np.uint8), (8, np.uint8), (10, np.uint16), (12, np.uint16)])
def test_the_largest_number_of_any_depth_is_white(bits, dtype):
    most, white = 2**bits - 1, np.iinfo(dtype).max
    pixels = (noise((9, 21, 3), np.uint16) % (most + 1)).astype(dtype)
    pixels[0, 0] = most
    data = codecs.jpegxl_encode(pixels, lossless=True, bitspersample=bits)
    assert header_of(data) == Header(9, 21, bits=bits)
    found = read_bytes(data)
    np.testing.assert_array_equal(found.pixels, np.rint(pixels * (white / most)).astype(dtype))
    assert found.notes == ()


def test_of_an_animation_the_first_picture_is_read():
    frames = np.zeros((3, 9, 21, 3), np.uint8) + np.array([7, 8, 9], np.uint8)[:, None, None, None]
    data = codecs.jpegxl_encode(frames, lossless=True)
    assert header_of(data).animated
    found = read_bytes(data)
    np.testing.assert_array_equal(found.pixels, frames[0])
    assert "only the first is read" in found.notes[0]


def test_profile_and_exif_data_are_kept():
    pytest.importorskip("pillow_jxl")
    exif = PIL.Image.Exif()
    exif[271] = "Maker"
    data = saved(PIL.Image.fromarray(noise((9, 21, 3), np.uint8)), "JXL", lossless=True, exif=exif.tobytes())
    place = data.index(b"ExifMM")
    boxed = data[: place - 4] + (int.from_bytes(data[place - 4 : place]) + 4).to_bytes(4) + b"Exif" + bytes(4)
    for one in (data, boxed + data[place + 4 :]):  # as some write it, and as it should be
        found = read_bytes(one)
        assert b"Maker" in found.metadata.exif
        assert found.metadata.icc_profile is None  # sRGB
        np.testing.assert_array_equal(found.pixels, noise((9, 21, 3), np.uint8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_and_xmp_are_written_where_other_programs_find_them(dtype):
    plugin = pytest.importorskip("pillow_jxl")
    exif = PIL.Image.Exif()
    exif[271] = "Maker"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf/></x:xmpmeta>"
    pixels = noise((9, 21, 3), dtype)
    data = encode(Image(pixels, metadata=Metadata(exif=exif.tobytes(), xmp=xmp)), "jxl")
    _, info, _, _, boxes = plugin.Decoder()(data)
    assert (info.width, info.height) == (21, 9)
    assert {box.box_type for box in boxes} >= {b"Exif", b"xml "}
    np.testing.assert_array_equal(codecs.jpegxl_decode(data), pixels)
    found = read_bytes(data).metadata
    assert b"Maker" in found.exif
    assert b"xmpmeta" in found.xmp


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5])
def test_headers_that_are_cut_short_are_said_to_be(length):
    data = codecs.jpegxl_encode(noise((300, 400, 3), np.uint16), lossless=True)[:length]
    with pytest.raises(ValueError, match=r"cut short|no codestream"):
        header_of(data)
    with pytest.raises(InputError):
        read_bytes(data)


class Bits:
    """A codestream by its fields, the lowest bit of each first."""

    def __init__(self, *fields):
        self.value = self.length = 0
        for count, value in fields:
            self.value |= value << self.length
            self.length += count

    def stream(self):
        return b"\xff\x0a" + self.value.to_bytes(-(-self.length // 8), "little") + bytes(64)


SIZE = [(1, 1), (5, 1), (3, 0), (5, 2)]  # 16 rows, 24 columns
NO_EXTRAS, EIGHT_BITS = (1, 0), [(1, 0), (2, 0)]


def extras(count, *fields):
    return Bits(*SIZE, (1, 0), NO_EXTRAS, *EIGHT_BITS, (1, 1), *count, *fields).stream()


def test_ink_many_channels_and_multiplied_colours_are_known_by_the_header():
    black = [(1, 0), (2, 2), (4, 2), *EIGHT_BITS, (2, 0), (2, 0)]
    ink = extras([(2, 1)], *black)
    assert header_of(ink) == Header(16, 24, kinds=(4,))
    with pytest.raises(InputError, match="ink"):
        read_bytes(ink)
    alpha = [(1, 0), (2, 0), *EIGHT_BITS, (2, 0), (2, 0), (1, 1)]
    assert header_of(extras([(2, 1)], *alpha)).associated
    many = extras([(2, 2), (4, 15)], *([(1, 1)] * 17))
    with pytest.raises(InputError, match="up to 16 channels beside the colours, found 17"):
        read_bytes(many)
    turned = Bits(*SIZE, (1, 0), (1, 1), (3, 5), (3, 0), *EIGHT_BITS, (1, 1), (2, 0)).stream()
    assert header_of(turned).shape == (24, 16)
