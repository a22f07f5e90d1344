"""PNG files: what stands after the pixels counts too."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from convcli.images import read
from convcli.images.png.chunks import chunk

PIXELS = np.random.default_rng(4).integers(0, 256, (9, 7, 3), np.uint8)


def saved(**options):
    stream = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(stream, "PNG", **options)
    return stream.getvalue()


def with_chunk_before_the_end(data, name, body):
    assert data.endswith(chunk(b"IEND", b""))
    return data[:-12] + chunk(name, body) + data[-12:]


@pytest.mark.parametrize("place", ["before the pixels", "after them"])
def test_orientation_is_applied_wherever_it_stands(place):
    tags = PIL.Image.Exif()
    tags[PIL.ExifTags.Base.Orientation] = 6
    exif = tags.tobytes().removeprefix(b"Exif\0\0")
    before = place == "before the pixels"
    data = saved(exif=exif) if before else with_chunk_before_the_end(saved(), b"eXIf", exif)
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, np.rot90(PIXELS, -1))


def test_texts_after_the_pixels_do_no_harm():
    data = with_chunk_before_the_end(saved(), b"tEXt", b"Comment\0none")
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, PIXELS)
