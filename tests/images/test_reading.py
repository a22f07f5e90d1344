"""Image files in: every mode, upright, with what is true of them; luma, bands, animations, arrays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.TiffImagePlugin
import pytest

from convcli import images
from convcli.errors import InputError
from convcli.images import Image, encode, picture, read, resize, write
from convcli.images.metadata import resolution
from image_files import ALPHA, DEEP, GREY, RGB, noise, npy, read_bytes, saved

ORIENTATION, ARTIST, EXIF_WIDTH, EXPOSURE = 0x0112, 0x013B, 0xA002, 0x829A


SAMPLES = Path(__file__).parents[2] / "sample_images"


@pytest.mark.parametrize(
    ("mode", "format", "pixels", "alpha"),
    [
        ("1", "png", "grey", False),
        ("1", "tiff", "grey", False),
        ("L", "png", "grey", False),
        ("LA", "png", "grey", True),
        ("P", "png", "colour", False),
        ("P", "gif", "colour", False),
        ("PA", "tiff", "colour", True),
        ("RGB", "png", "colour", False),
        ("RGBA", "png", "colour", True),
        ("RGBX", "tiff", "colour", False),
        ("CMYK", "tiff", "colour", False),
        ("CMYK", "jpeg", "colour", False),
        ("I;16", "png", "deep", False),
        ("I;16B", "tiff", "deep", False),
        ("I", "tiff", "whole", False),
        ("F", "tiff", "float", False),
    ],
)
def test_every_mode_is_read_as_pillow_reads_it(mode, format, pixels, alpha):  # noqa: A002
    sources = {"deep": PIL.Image.fromarray(DEEP), "whole": PIL.Image.fromarray(noise((7, 9), np.int32))}
    sources["float"] = PIL.Image.fromarray(noise((7, 9), np.float32))
    picture = sources.get(pixels)
    if picture is None:
        picture = PIL.Image.fromarray(np.dstack([RGB, ALPHA]))
        picture = picture.convert("RGB").convert(mode) if mode != "RGBA" else picture
    if mode == "I;16B":
        picture = PIL.Image.frombytes("I;16B", (9, 7), DEEP.astype(">u2").tobytes())
    data = saved(picture, format)
    image = read_bytes(data)
    decoded = PIL.Image.open(io.BytesIO(data))
    expected = {"grey": "LA" if alpha else "L", "colour": "RGBA" if alpha else "RGB"}.get(pixels)
    reference = np.asarray(decoded.convert(expected) if expected else decoded)
    if alpha:
        np.testing.assert_array_equal(image.alpha, reference[:, :, -1])
        reference = reference[:, :, 0] if pixels == "grey" else reference[:, :, :-1]
    else:
        assert image.alpha is None
    np.testing.assert_array_equal(image.pixels, reference)
    assert image.pixels.dtype.isnative
    assert image.pixels.dtype == {"deep": "uint16", "whole": "int32", "float": "float32"}.get(pixels, "uint8")
    assert bool(image.notes) == (mode == "CMYK")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "tiff"])
def test_orientation_is_applied_and_reset(format, orientation):  # noqa: A002
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :8] = 200  # bright in the upper left
    undo = [None, 0, 3, 1, 5, 2, 6, 4]  # the transpositions that each orientation asks to be undone
    stored = PIL.Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(PIL.Image.Transpose(undo[orientation - 1]))
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = orientation
    exif[ARTIST] = "Ada"
    image = read_bytes(saved(stored, format, exif=exif))
    pixels = image.pixels if image.pixels.ndim == 2 else image.pixels[:, :, 0]
    assert np.abs(pixels.astype(int) - upright).max() < 40
    kept = PIL.Image.Exif()
    kept.load(image.metadata.exif)
    assert kept.get(ARTIST) == "Ada"
    assert ORIENTATION not in kept


def test_colours_that_cannot_be_converted_are_refused(monkeypatch):
    data = saved(PIL.Image.new("CMYK", (4, 3)), "tiff")

    def refuse(*_):
        raise ValueError("conversion not supported")

    monkeypatch.setattr(PIL.Image.Image, "convert", refuse)
    with pytest.raises(InputError, match="CMYK cannot be converted to RGB"):
        read_bytes(data)


def test_senseless_resolution_is_left_out():
    for dpi in ((0, 0), ("x", "y"), None):
        assert resolution(dpi, "x.png") == (None, [])
    for untrue in ((float("nan"), 72), (72, -1), (4294967295, 4294967295)):
        assert resolution(untrue, "x.png")[0] is None
        assert "dpi, cannot be true; left out." in resolution(untrue, "x.png")[1][0]


def test_first_picture_of_an_animation_is_used_and_said():
    frames = [PIL.Image.new("L", (4, 3), shade) for shade in (10, 200, 90)]
    image = read_bytes(saved(frames[0], "gif", save_all=True, append_images=frames[1:]))
    assert (image.pixels == 10).all()
    assert image.notes == (
        "standard input: has more than one picture; only the first is used (filter --frames all takes all).",
    )


@pytest.mark.parametrize(
    ("array", "shape", "dtype"),
    [
        (np.zeros((2, 3), bool), (2, 3), "uint8"),
        (np.zeros((2, 3, 1), np.uint8), (2, 3), "uint8"),
        (np.zeros((2, 3, 3), ">f8"), (2, 3, 3), "float64"),
        (np.asfortranarray(np.zeros((2, 3), ">i2")), (2, 3), "int16"),
    ],
)
def test_npy_is_read_as_an_image(array, shape, dtype):
    pixels = read_bytes(npy(array)).pixels
    assert (pixels.shape, pixels.dtype.name) == (shape, dtype)
    assert pixels.dtype.isnative
    assert pixels.flags.c_contiguous


def test_true_in_npy_is_white():
    assert read_bytes(npy(np.array([[True, False]]))).pixels.tolist() == [[255, 0]]


def tiff_that_names(nodata, pixels):
    info = PIL.TiffImagePlugin.ImageFileDirectory_v2()
    info[42113] = nodata
    return saved(PIL.Image.fromarray(pixels), "tiff", tiffinfo=info)


@pytest.mark.parametrize(("text", "value"), [("-3.4e38", -3.4e38), ("-9999", -9999), ("0 ", 0)])
def test_value_for_no_data_is_read_and_named(text, value):
    image = read_bytes(tiff_that_names(text, np.array([[1, value]], np.float32)))
    assert image.nodata == value
    assert image.notes == (f"standard input: names {text.strip()} as its value for no data.",)


def test_not_a_number_may_stand_for_no_data():
    assert np.isnan(read_bytes(tiff_that_names("nan", np.array([[1, np.nan]], np.float32))).nodata)


def test_value_for_no_data_that_is_no_number_is_said():
    image = read_bytes(tiff_that_names("none", GREY))
    assert image.nodata is None
    assert image.notes == ("standard input: its value for no data, 'none', is no number.",)


def test_pillows_own_limit_neither_warns_nor_stands_in_the_way_nor_changes(monkeypatch):
    for limit in (50, 20, None):
        monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", limit)
        assert read_bytes(saved(PIL.Image.fromarray(GREY), "png")).notes == ()
        assert limit == PIL.Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_resize_keeps_flat_colours_and_averages_when_it_shrinks(channels):
    flat = np.full((10, 20, channels), 77, np.uint8)
    for size in ((5, 5), (30, 41), (10, 20), (1, 1)):
        result = resize(flat, size)
        assert result.shape == (*size, channels)
        assert (result == 77).all()
    checks = np.indices((64, 64)).sum(0)[:, :, None] % 2 * np.uint8(255)
    assert np.abs(resize(checks.astype(np.uint8), (8, 8)).astype(int) - 128).max() < 20


def test_sample_images_cover_the_kinds_of_photos_there_are():
    kinds = {path.name: read(path) for path in sorted(SAMPLES.iterdir()) if path.suffix in images.ENDINGS}
    text = (SAMPLES / "ATTRIBUTION.md").read_text()
    assert all(name in text for name in kinds)
    assert 4 <= len(kinds) <= 6
    assert any(image.pixels.ndim == 2 and image.pixels.dtype == np.uint8 for image in kinds.values())
    assert any(image.pixels.dtype == np.uint16 for image in kinds.values())
    assert any(image.alpha is not None for image in kinds.values())
    coffee = kinds["coffee.jpg"].pixels
    with PIL.Image.open(SAMPLES / "coffee.jpg") as stored:
        assert stored.getexif()[ORIENTATION] == 6
        assert coffee.shape[:2] == stored.size


@pytest.mark.parametrize("name", ["coffee.jpg", "grey.jpg"])
def test_luma_of_a_jpeg_is_that_of_its_colours_within_rounding(tmp_path, name):
    path = SAMPLES / name if name == "coffee.jpg" else tmp_path / name
    if name == "grey.jpg":
        write(path, Image(np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)))
    colours, luma = read(path), read(path, luma=True)
    assert luma.pixels.ndim == 2
    assert luma.stored_shape == colours.stored_shape == colours.pixels.shape
    assert luma.metadata == colours.metadata
    brightness = colours.pixels @ [0.299, 0.587, 0.114] if colours.pixels.ndim == 3 else colours.pixels
    difference = np.abs(brightness - luma.pixels)
    assert np.median(difference) < 0.5
    if colours.pixels.ndim == 3:  # colours that were not cut to 0 … 255 when they were decoded
        inside = ((colours.pixels > 2) & (colours.pixels < 253)).all(axis=2)
        assert difference[inside].max() < 2.1
    assert luma.luma_of_colour == (colours.pixels.ndim == 3)


@pytest.mark.parametrize("format", ["png", "tiff", "webp", "bmp"])
def test_luma_is_left_to_the_caller_where_the_file_has_colours(format, tmp_path):  # noqa: A002
    write(tmp_path / "image", Image(RGB), format=format)
    image = read(tmp_path / "image", luma=True)
    np.testing.assert_array_equal(image.pixels, RGB)
    assert not image.luma_of_colour


def test_large_picture_is_taken_over_in_bands_by_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(picture, "BAND_BYTES", 500)
    for pixels in (noise((40, 50)), noise((40, 50, 3)), noise((1, 900, 3))):
        data = encode(Image(pixels), "png")
        for threads in (1, 2, 3):
            np.testing.assert_array_equal(read(io.BytesIO(data), threads=threads).pixels, pixels)
    data = encode(Image(noise((40, 50, 3)), noise((40, 50), seed=9)), "png")
    np.testing.assert_array_equal(read(io.BytesIO(data), threads=2).alpha, noise((40, 50), seed=9))
