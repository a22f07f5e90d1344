"""What the extra `formats` brings, beside its libraries; and what is said where it is missing."""

from __future__ import annotations

import builtins
import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from convcli.errors import InputError, MissingExtraError
from convcli.images import Image, encode, read
from convcli.images.depth import Described, described
from convcli.images.jxl_header import header_of
from image_files import noise, read_bytes, saved

ROOT = Path(__file__).parent.parent.parent
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (21, 34, 3)).astype(np.uint8)


@pytest.fixture
def without_extra(monkeypatch):
    usual = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.partition(".")[0] in ("imagecodecs", "pillow_heif", "pillow_jxl", "OpenEXR"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr("convcli.extras.import_module", missing)


@pytest.mark.parametrize(("bits", "most"), [(10, 1023), (12, 4095)])
def test_deep_avif_keeps_its_bits(bits, most):
    codecs = pytest.importorskip("imagecodecs")
    pixels = (RGB.astype(np.uint16) * most // 255).astype(np.uint16)
    data = codecs.avif_encode(pixels, level=100, bitspersample=bits)
    assert described("AVIF", io.BytesIO(data)) == Described(bits, 21, 34)
    found = read_bytes(data).pixels
    expected = codecs.avif_decode(data).astype(float) * 65535 / most
    assert found.dtype == np.uint16
    assert np.abs(found - expected).max() <= 1


def test_deep_colours_of_jpeg_2000_keep_their_bits():
    codecs = pytest.importorskip("imagecodecs")
    pixels = noise((21, 34, 3), np.uint16)
    data = codecs.jpeg2k_encode(pixels, level=0, codecformat="jp2")
    assert described("JPEG2000", io.BytesIO(data)) == Described(16, 21, 34)
    np.testing.assert_array_equal(read_bytes(data).pixels, pixels)


def test_without_the_extra_eight_bits_are_read_and_said(without_extra):
    data = saved(PIL.Image.fromarray(RGB), "JPEG2000")
    assert read_bytes(data).notes == ()
    deep = data.replace(b"\xff\x4f\xff\x51", b"\xff\x4f\xff\x51", 1)
    assert described("JPEG2000", io.BytesIO(deep)).bits == 8


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\x76\x2f\x31\x01", "an OpenEXR file needs the package OpenEXR"),
        (b"#?RADIANCE\n", "a Radiance HDR file needs the package imagecodecs"),
        (b"\xff\x0a\0\0", "a JPEG XL file needs the package imagecodecs"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC file needs the package pillow_heif"),
    ],
)
def test_a_missing_extra_is_named_with_its_remedy(head, what, without_extra):
    with pytest.raises(MissingExtraError, match=f"^standard input: {what}") as caught:
        read_bytes(head)
    assert str(caught.value).endswith("pip install 'convcli[formats]'")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(21, 34), (8, 16), (300, 400, 3), (257, 1, 3), (1, 3000)])
def test_the_size_of_a_jpeg_xl_file_is_known_before_it_is_decoded(shape, dtype):
    codecs = pytest.importorskip("imagecodecs")
    pixels = noise(shape, dtype)
    data = codecs.jpegxl_encode(pixels, lossless=True)
    assert header_of(data).shape == shape[:2]
    boxed = codecs.jpegxl_encode(pixels, lossless=True, usecontainer=True)
    assert header_of(boxed).shape == shape[:2]
    np.testing.assert_array_equal(read_bytes(data).pixels, pixels)
    with pytest.raises(InputError, match="are more than"):
        read(io.BytesIO(data), max_pixels=shape[0] * shape[1] - 1)


def test_radiance_s_colours_are_those_that_imagecodecs_reads():
    codecs = pytest.importorskip("imagecodecs")
    pixels = RNG.random((12, 40, 3)).astype(np.float32) * 50
    data = encode(Image(pixels), "hdr")
    np.testing.assert_array_equal(read_bytes(data).pixels, codecs.rgbe_decode(data))
    assert np.abs(read_bytes(data).pixels - pixels).max() < 50 / 128
    with pytest.raises(InputError, match="are more than"):
        read_bytes(data.replace(b"-Y 12 +X 40", b"-Y 99999 +X 99999"))


def test_openexr_s_channels_are_colours_alpha_or_by_name():
    exr = pytest.importorskip("OpenEXR")
    assert exr
    pixels = RNG.random((12, 40, 3)).astype(np.float16)
    again = read_bytes(encode(Image(pixels), "exr"))
    np.testing.assert_array_equal(again.pixels, pixels)
    assert again.pixels.dtype == np.float16
    with pytest.raises(InputError, match="are more than"):
        read(io.BytesIO(encode(Image(pixels), "exr")), max_pixels=479)


def test_heic_photos_are_what_pillow_heif_reads():
    heif = pytest.importorskip("pillow_heif")
    data = encode(Image(RGB), "heic")
    np.testing.assert_array_equal(read_bytes(data).pixels, np.asarray(heif.open_heif(io.BytesIO(data))))
    with pytest.raises(InputError, match="are more than"):
        read(io.BytesIO(data), max_pixels=21 * 34 - 1)


@pytest.mark.parametrize(
    "head", [b"\x76\x2f\x31\x01", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"]
)
@pytest.mark.parametrize("rest", [b"", b"\0" * 300, b"\xff" * 300])
def test_damaged_files_are_said_to_be(head, rest):
    pytest.importorskip("imagecodecs")
    with pytest.raises(InputError):
        read_bytes(head + rest)


@pytest.mark.parametrize(
    "kind", ["avif", "exr", "heic", "hdr", "jp2", "jxl", "pam", "pfm", "psd", "qoi", "sgi", "tga"]
)
def test_huge_sizes_are_refused_before_anything_is_decoded(kind):
    pytest.importorskip("imagecodecs")
    data = (ROOT / f"fuzz/corpus/image/{kind}-a-huge-size.{kind}").read_bytes()
    with pytest.raises(InputError, match=r"are more than|damaged|cut short|cannot be read"):
        read_bytes(data)
