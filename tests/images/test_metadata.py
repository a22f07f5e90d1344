"""XMP goes along as far as it is true, the rest is said; --strip leaves what an image needs to be seen."""

from __future__ import annotations

import importlib.util
import io

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.PngImagePlugin
import pytest

from convcli.errors import InputError, UsageError
from convcli.images import FORMATS, Encoding, Image, Metadata, encode, kept
from convcli.images.curves import curves_of
from convcli.images.holding import check_choice, stripped
from convcli.images.xmp import MOST_BYTES, xmp_of
from image_files import RGB, read_bytes, saved

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description dc:title="A"/></x:xmpmeta>'
WITH_XMP = [name for name, one in FORMATS.items() if "xmp" in one.metadata]


def is_there(module):
    return importlib.util.find_spec(module) is not None


def needed(name):
    if FORMATS[name].needs:
        pytest.importorskip(FORMATS[name].needs)


@pytest.mark.parametrize("name", WITH_XMP)
def test_xmp_is_written_so_that_we_and_pillow_find_it(name):
    needed(name)
    data = encode(Image(RGB, metadata=Metadata(xmp=XMP)), name)
    assert read_bytes(data).metadata.xmp == XMP
    if FORMATS[name].needs:  # Pillow does not read it
        return
    with PIL.Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.info["xmp"] == XMP


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in WITH_XMP])
def test_a_format_without_xmp_says_so(name):
    _, notes = kept(Image(RGB // 255, metadata=Metadata(xmp=XMP)), name)
    assert notes == (f"{name.upper()} files do not hold its XMP data; left out.",)


@pytest.mark.parametrize(
    "stale",
    [
        b' tiff:Orientation="6"',
        b" tiff:Orientation = '6'",
        b' exif:PixelXDimension="4000"',
    ],
)
def test_what_is_not_true_of_other_pixels_is_taken_out_of_xmp(stale):
    assert xmp_of(XMP.replace(b' dc:title="A"', stale + b' dc:title="A"'), "") == (XMP, [])


def test_elements_and_thumbnails_are_taken_out_too():
    more = b"<tiff:ImageWidth>4000</tiff:ImageWidth><xmp:Thumbnails><rdf:Alt/></xmp:Thumbnails></x:xmpmeta>"
    assert xmp_of(XMP.replace(b"</x:xmpmeta>", more), "") == (XMP, [])


@pytest.mark.parametrize("found", [b"\0\1\2", b"no document", b"<" * (MOST_BYTES + 1)])
def test_xmp_that_is_none_is_left_out_and_said(found):
    xmp, notes = xmp_of(found, "a.jpg")
    assert xmp is None
    assert len(notes) == 1


def test_a_comment_iptc_and_texts_are_said_to_be_left_out():
    picture = PIL.Image.fromarray(RGB)
    texts = PIL.PngImagePlugin.PngInfo()
    texts.add_text("Author", "A")
    texts.add_text("Software", "B")
    assert read_bytes(saved(picture, "PNG", pnginfo=texts)).notes == (
        "standard input: left out: its texts (Author).",
    )
    assert read_bytes(saved(picture, "JPEG", comment=b"hello")).notes == (
        "standard input: left out: its comment.",
    )
    captions = b"Photoshop 3.0\0008BIM\x04\x04\0\0\0\0\0\x04\x1c\x02x\0"
    segment = b"\xff\xed" + (len(captions) + 2).to_bytes(2, "big") + captions
    assert read_bytes(saved(picture, "JPEG", extra=segment)).notes == (
        "standard input: left out: its IPTC data.",
    )


def test_stripped_keeps_profile_and_resolution_and_nothing_of_the_origin():
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    left = stripped(Image(RGB, metadata=Metadata(profile, (72.0, 72.0), b"Exif\0\0II", xmp=XMP))).metadata
    assert left == Metadata(profile, (72.0, 72.0))


def test_less_quality_makes_smaller_files_that_are_further_away():
    picture = np.asarray(PIL.Image.linear_gradient("L").resize((64, 64)))
    picture = np.dstack([picture, picture.T, picture[::-1]])
    for name in ("jpeg", "webp", "avif", "jp2", "jxl", "heic"):
        if FORMATS[name].needs and not is_there(FORMATS[name].needs):
            continue
        sizes = [len(encode(Image(picture), name, Encoding(quality=quality))) for quality in (10, 40, 60)]
        assert sizes == sorted(sizes)
        if FORMATS[name].loss == "either":
            whole = read_bytes(encode(Image(picture), name, Encoding(lossless=True))).pixels
            np.testing.assert_array_equal(whole, picture)
    assert encode(Image(picture), "jpeg", Encoding(quality=95)) == encode(Image(picture), "jpeg")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_or_refuses_each_option_by_its_name(name):
    loss = FORMATS[name].loss
    for option, taken in (
        ({"quality": 50}, loss != "never"),
        ({"lossless": True}, loss == "either"),
        ({"compress": 5}, name == "png"),
    ):
        if taken:
            check_choice(name, **option)
        else:
            with pytest.raises(UsageError, match=f"^--{next(iter(option))} is for"):
                check_choice(name, **option)
    with pytest.raises(UsageError, match="give one of them"):
        check_choice(name, quality=50, lossless=True)


def test_a_profile_that_is_none_is_left_out_and_that_is_said():
    image = Image(np.zeros((4, 4, 3), np.uint8), metadata=Metadata(icc_profile=b"nonsense"))
    written, notes = kept(image, "png")
    assert written.metadata.icc_profile is None
    assert notes == ("its colour profile is damaged; left out.",)
    assert kept(image, "bmp")[1] == ("BMP files do not hold its colour profile; left out.",)
    with pytest.raises(InputError, match="colour profile is damaged"):
        curves_of(image.metadata)


def test_that_an_icon_has_other_sizes_is_said():
    picture = PIL.Image.fromarray(np.zeros((32, 32, 4), np.uint8))
    found = read_bytes(saved(picture, "ICO", sizes=[(32, 32), (16, 16)]))
    assert found.pixels.shape == (32, 32, 3)
    assert "has 2 sizes of its picture; the largest is read" in found.notes[0]
    assert read_bytes(saved(picture, "ICO", sizes=[(16, 16)])).notes == ()
