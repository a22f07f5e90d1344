"""OpenEXR files whose colours are too large, whose parts are too many, and whose channels are no colours."""

from __future__ import annotations

import io

import numpy as np
import pytest

from convcli.errors import InputError
from convcli.images import read
from image_files import read_bytes

exr = pytest.importorskip("OpenEXR")
HEAD = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}


@pytest.fixture
def exr_file(tmp_path):
    def made(**channels):
        path = tmp_path / "made.exr"
        exr.File(HEAD, channels).write(str(path))
        return path.read_bytes()

    return made


def grey(value, dtype=np.float16):
    return np.full((4, 5), value, dtype)


def test_colours_divided_by_alpha_stay_numbers_and_those_of_alpha_0_as_they_are(exr_file):
    alpha = grey(0.5)
    alpha[0, 0], alpha[0, 1] = 1e-3, 0
    found = read_bytes(exr_file(R=grey(400), G=grey(2), B=grey(1), A=alpha))
    assert found.pixels.dtype == np.float16
    np.testing.assert_array_equal(found.pixels[1, 1], [800, 4, 2])
    np.testing.assert_array_equal(found.pixels[0, 1], [400, 2, 1])
    assert found.pixels[0, 0, 0] == np.finfo(np.float16).max
    assert "1 colours divided by alpha are more than float16 holds" in found.notes[0]


def test_channels_that_are_no_colours_are_named(exr_file):
    data = exr_file(depth=grey(3, np.float32), height=grey(4, np.float32))
    first = read_bytes(data)
    assert first.pixels[0, 0] == 3
    assert "of its channels depth, height the first is used" in first.notes[0]
    assert read(io.BytesIO(data), every=True).pixels.shape == (4, 5, 2)
    left = read_bytes(exr_file(R=grey(1), G=grey(2), B=grey(3), Z=grey(4, np.float32)))
    assert "its channels Z were left out" in left.notes[0]


def test_more_numbers_than_four_a_pixel_that_is_allowed_are_refused(exr_file):
    data = exr_file(**{f"c{number}": grey(0) for number in range(9)})
    with pytest.raises(InputError, match="180 numbers, more than the 160 that are read"):
        read(io.BytesIO(data), max_pixels=40)
    assert read(io.BytesIO(data), max_pixels=45).pixels.shape == (4, 5)


def test_damaged_pixels_are_said_to_be(exr_file, capfd):
    with pytest.raises(InputError, match="damaged or cut short"):
        read_bytes(exr_file(Y=grey(1))[:-4])
    assert capfd.readouterr().out == ""  # the library has a warning for it
