"""The description in an image file: a person's words are kept, a program's of pages that are gone are not."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from convcli.images import encode, read
from convcli.images.description import program_of

STACK = np.random.default_rng(0).integers(0, 256, (5, 12, 16), np.uint8)
STACKS: dict[str, tuple[dict, str | None]] = {
    "ImageJ": ({"imagej": True}, "ImageJ's"),
    "ImageJ with axes": ({"imagej": True, "metadata": {"axes": "ZYX", "spacing": 2.0}}, "ImageJ's"),
    "OME": ({"ome": True}, "OME's"),
    "tifffile's shape": ({}, None),
    "tifffile's shape and axes": ({"metadata": {"axes": "TYX", "fps": 5}}, "tifffile's"),
    "one page": ({"page": 0}, None),
    "one page of ImageJ's": ({"page": 0, "imagej": True}, "ImageJ's"),
    "one page of OME's": ({"page": 0, "ome": True}, "OME's"),
}


def described(text):
    """Return a TIFF file with a description."""
    exif = PIL.Image.Exif()
    exif[270] = text
    stream = io.BytesIO()
    PIL.Image.fromarray(STACK[0]).save(stream, "TIFF", exif=exif)
    stream.seek(0)
    return stream


@pytest.mark.parametrize("kind", ["tiff", "png", "jpeg", "webp"])
@pytest.mark.parametrize("case", STACKS)
def test_a_result_describes_no_pages_that_are_gone(tmp_path, case, kind):
    tifffile = pytest.importorskip("tifffile")
    options, whose = STACKS[case]
    options = dict(options)
    pages = STACK if options.pop("page", None) is None else STACK[0]
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, pages, **options)
    image = read(path)
    assert np.array_equal(image.pixels, STACK[0])
    told = [note for note in image.notes if "description" in note]
    assert len(told) == (whose is not None)
    assert all(whose in note for note in told)
    made = encode(image, kind)
    with PIL.Image.open(io.BytesIO(made)) as opened:
        assert 270 not in opened.getexif()
        assert opened.size == (16, 12)
    if kind == "tiff":
        with tifffile.TiffFile(io.BytesIO(made)) as opened:
            assert not any((opened.is_imagej, opened.is_ome, opened.is_shaped))
            assert [series.shape for series in opened.series] == [(12, 16)]
            assert np.array_equal(opened.asarray(), STACK[0])


@pytest.mark.parametrize(
    "text",
    [
        "SCIFIO=0.9\naxes=X,Y,Z\nlengths=16,12,5\nimages=5",
        "shape=(5, 12, 16)",
        "Aperio Image Library v10.0.51\r\n46920x33014 [0,100 46000x32914]",
        '<?xml version="1.0"?><OME xmlns="http://x"><Pixels SizeZ="5"/></OME>',
        '{"shape": [5, 12, 16], "axes": "ZYX"',  # cut short
        "SI.hChannels.channelSave = [1;2]",
    ],
)
def test_what_other_programs_say_of_pages_is_left_out_with_a_note(text):
    image = read(described(text))
    assert image.metadata.exif is None
    assert len(image.notes) == 1
    assert "is not true of the result and was left out" in image.notes[0]


@pytest.mark.parametrize("mark", ["", "\ufeff", "ï»¿", "\n "])
def test_a_mark_of_utf_8_before_a_programs_words_changes_nothing(mark):
    assert program_of(f"{mark}<OME></OME>") == "OME's"


@pytest.mark.parametrize(
    "text",
    ["the harbour, seen from the sea", "5 slices of ham", "shape of things", "Image J. and I"],
)
def test_a_persons_words_are_kept(text):
    image = read(described(text))
    assert image.notes == ()
    with PIL.Image.open(io.BytesIO(encode(image, "tiff"))) as opened:
        assert opened.getexif()[270] == text
