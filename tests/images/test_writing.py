"""Image files out: what comes back from each format, what it cannot hold, and how a file is replaced."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from convcli import images
from convcli.errors import OutputError, UnknownNameError, UsageError
from convcli.images import Image, Metadata, encode, format_of, read, write
from image_files import ALPHA, DEEP, GREY, RGB, noise, png_chunk, read_bytes


def test_jpeg_comes_back_nearly_as_it_was_written(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    for pixels in (smooth, np.dstack([smooth, smooth // 2, smooth])):
        write(tmp_path / "image.jpg", Image(pixels))
        again = read(tmp_path / "image.jpg").pixels
        assert again.shape == pixels.shape
        assert np.abs(again.astype(int) - pixels).max() <= 6


def test_colour_profile_is_left_out_of_a_grey_result():
    data = encode(Image(GREY, metadata=Metadata(icc_profile=b"\0" * 16 + b"RGB ")), "png")
    assert "icc_profile" not in PIL.Image.open(io.BytesIO(data)).info


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "f4", "f8"])
@pytest.mark.parametrize("alpha", [False, True])
def test_what_is_written_deep_others_read_as_it_is(dtype, alpha):
    tifffile = pytest.importorskip("tifffile")
    pixels = noise((7, 9, 3), dtype)
    opaque = 1 if dtype in ("f4", "f8") else np.iinfo(dtype).max
    image = Image(pixels, np.ones((7, 9), np.float32) if alpha else None)
    if alpha and dtype in ("u1", "u2"):
        image = Image(pixels, np.full((7, 9), opaque, dtype))
    expected = np.dstack([pixels, np.full((7, 9), opaque, dtype)]) if alpha else pixels
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(encode(image, "tiff"))), expected)


def test_metadata_that_a_format_cannot_hold_are_left_out_and_said():
    large = b"\0" * 16 + b"RGB " + b"\0" * 16 + b"acsp" + bytes(2**20 - 20)
    everything = Metadata(large, (70_000, 70_000), b"Exif\0\0" + bytes(2**16), ((b"gAMA", b"\0\0\xb1\x8f"),))
    image = Image(RGB, metadata=everything)
    expected = {
        "png": ["colour profile of 1,048,596 bytes is more than PNG readers take"],
        "jpeg": ["JPEG files do not hold its gAMA", "EXIF data of 65,542 bytes", "resolution of 70000 dpi"],
        "webp": ["WEBP files do not hold its resolution, gAMA"],
        "bmp": ["BMP files do not hold its colour profile, EXIF data, gAMA"],
        "npy": ["NPY files do not hold its colour profile, resolution, EXIF data, gAMA"],
    }
    for format, words in expected.items():  # noqa: A001
        left, notes = images.kept(image, format)
        assert len(notes) == len(words)
        for word, note in zip(words, notes, strict=True):
            assert word in note
        assert images.kept(left, format) == (left, ()) or images.kept(left, format)[1] == ()
        if format != "npy":
            with PIL.Image.open(io.BytesIO(encode(image, format))) as picture:
                picture.load()
    assert images.kept(Image(GREY, metadata=Metadata(large)), "png")[1] == ()


def test_colours_of_a_gif_are_counted():
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(64) * 4, np.arange(64)[:, None] * 4
    assert images.kept(Image(pixels), "gif")[1] == ("its 4,096 colours become 256: GIF files hold no more.",)
    assert images.kept(Image(pixels[:16, :16]), "gif")[1] == ()


def test_what_a_png_file_says_of_its_colours_comes_back():
    chunks = [
        (b"cICP", bytes([1, 13, 0, 1])),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        (b"gAMA", struct.pack(">I", 45455)),
        (b"sRGB", b"\0"),
    ]
    data = encode(Image(RGB), "png")
    data = data[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + data[33:]
    for threads in (1, 2):
        image = read(io.BytesIO(data), threads=threads)
        assert image.metadata.colour == tuple(chunks)
        again = read_bytes(encode(image, "png"))
        assert again.metadata.colour == tuple(chunks)


@pytest.mark.parametrize(
    ("image", "format", "words"),
    [
        (Image(RGB, ALPHA), "jpeg", [".png, .webp, .tif or .npy"]),
        (Image(GREY, ALPHA), "bmp", ["transparency"]),
        (Image(GREY, ALPHA), "gif", ["transparency"]),
        (Image(DEEP), "jpeg", ["uint16 grey", ".png, .tif or .npy"]),
        (Image(noise((4, 4, 3), np.uint16)), "bmp", ["uint16 RGB", ".png, .tif or .npy"]),
        (Image(noise((4, 4, 3), np.uint16), noise((4, 4), np.uint16)), "webp", [".png, .tif or .npy"]),
        (Image(noise((4, 4), np.float32)), "png", ["float32 grey", ".tif or .npy"]),
        (Image(noise((4, 4, 3), np.float32)), "gif", ["float32 RGB", ".tif or .npy"]),
        (Image(noise((4, 4), np.int64)), "png", ["int64", ".tif or .npy"]),
        (
            Image(noise((4, 4), np.float32), np.ones((4, 4), np.float32)),
            "npy",
            ["float32", "use .tif, or filter with --background"],
        ),
        (Image(np.zeros((1, 70_000), np.uint8)), "jpeg", ["cannot be written as JPEG"]),
    ],
)
def test_format_that_cannot_hold_the_image_is_refused_with_one_that_can(tmp_path, image, format, words):  # noqa: A002
    path = tmp_path / "image.out"
    with pytest.raises(OutputError) as caught:
        write(path, image, format=format)
    assert str(caught.value).startswith(str(path))
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_unknown_formats_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="'jpeg'"):
        encode(Image(GREY), "jpg")
    with pytest.raises(UsageError, match=r"Did you mean '\.png'"):
        format_of(Path("photo.pgn"))
    with pytest.raises(UsageError, match=r"\.webp"):
        write(tmp_path / "photo", Image(GREY))


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    path.write_bytes(b"old")

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=r"image\.png: cannot be written \(No space left on device\)"):
        write(path, Image(GREY))
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["image.png"]


def test_missing_folder_is_said(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        write(tmp_path / "none" / "image.png", Image(GREY))


def test_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write(tmp_path / "image.png", Image(GREY))
    assert (tmp_path / "image.png").stat().st_mode == (tmp_path / "plain").stat().st_mode
