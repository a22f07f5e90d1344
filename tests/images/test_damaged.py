"""Files that are damaged, cut short, missing or none: refused by name, or read as far as they go."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from convcli.errors import InputError
from convcli.images import Image, encode, read
from image_files import GREY, RGB, noise, npy, png, png_chunk, read_bytes, saved


@pytest.mark.parametrize("name", [b"tEXt", b"gAMA", b"pHYs", b"zzZz"])
def test_a_wrong_checksum_in_a_chunk_nobody_needs_is_a_note(name):
    data = encode(Image(RGB), "png")
    wrong = bytearray(png_chunk(name, bytes(9)))
    wrong[-1] ^= 1
    image = read_bytes(data[:33] + bytes(wrong) + data[33:])
    np.testing.assert_array_equal(image.pixels, RGB)
    assert f"its {name.decode()} has a wrong checksum and was left out" in image.notes[0]


def test_a_wrong_checksum_of_the_header_is_refused():
    data = bytearray(encode(Image(RGB), "png"))
    data[30] ^= 1
    with pytest.raises(InputError, match="damaged"):
        read_bytes(bytes(data))


@pytest.mark.parametrize("format", ["png", "jpeg", "bmp", "gif"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_file_that_is_cut_short_is_read_as_far_as_it_goes_if_asked_for(format, mode):  # noqa: A002
    if (format, mode) == ("gif", "RGB"):
        pytest.skip("a GIF file has a palette")
    pixels = noise((200, 120) if mode == "L" else (200, 120, 3))
    whole = encode(Image(pixels), format)
    cut = whole[: len(whole) // 2]
    with pytest.raises(InputError, match="damaged or cut short"):
        read_bytes(cut)
    image = read(io.BytesIO(cut), damaged=True)
    real = int(image.notes[0].split(":")[2].split(" of ")[0])
    assert 60 <= real <= 110
    assert f"{real} of 200 rows are real, the others black" in image.notes[0]
    if format in ("bmp", "gif"):  # whose rows are not stored from the first to the last
        return
    expected = read_bytes(whole).pixels
    np.testing.assert_array_equal(image.pixels[:real], expected[:real])
    assert not image.pixels[real + 16 :].any()


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_a_deep_png_file_that_is_cut_short(channels):
    samples = noise((200, 120, channels), np.uint16)
    pixels, alpha = (samples[..., 0], samples[..., 1]) if channels == 2 else (samples[..., :3], None)
    if channels == 4:
        alpha = samples[..., 3]
    whole = encode(Image(pixels, alpha), "png")
    image = read(io.BytesIO(whole[: len(whole) // 2]), damaged=True)
    assert len(image.notes) == 1
    np.testing.assert_array_equal(image.pixels[:80], pixels[:80])


def test_a_progressive_jpeg_that_is_cut_short_lacks_details():
    stream = io.BytesIO()
    PIL.Image.fromarray(noise((200, 120, 3))).save(stream, "jpeg", progressive=True)
    data = stream.getvalue()
    image = read(io.BytesIO(data[: len(data) // 2]), damaged=True)
    assert "its rows are all there, but not their details" in image.notes[0]


def test_nothing_that_can_be_decoded_is_refused_also_if_asked_for():
    with pytest.raises(InputError, match="none of its rows"):
        read(io.BytesIO(encode(Image(RGB), "png")[:60]), damaged=True)


def test_damaged_exif_is_left_out_and_said():
    image = read_bytes(saved(PIL.Image.fromarray(RGB), "png", exif=b"Exif\0\0no TIFF header at all"))
    np.testing.assert_array_equal(image.pixels, RGB)
    assert image.metadata.exif is None
    assert image.notes == ("standard input: its EXIF data are damaged and were left out.",)


PNG_FILE, JPEG_FILE = (
    saved(PIL.Image.fromarray(noise((60, 60, 3))), "png"),
    saved(PIL.Image.fromarray(noise((60, 60, 3))), "jpeg"),
)


BAD_FILES = {
    "empty.png": (b"", "0 bytes"),
    "text.png": (b"this is no image\n", "found text ('this is no image'"),
    "long-text.jpg": (("Straße, Café\n" * 200).encode(), "found text"),
    "random-long.png": (noise(1000).tobytes(), "found other data"),
    "random.png": (b"\x93\xf1\x02\xff" * 10, "found other data (beginning with 93 f1 02 ff)"),
    "truncated.png": (PNG_FILE[: len(PNG_FILE) // 2], "damaged or cut short"),
    "header.png": (PNG_FILE[:20], "damaged"),
    "magic.png": (PNG_FILE[:9], "PNG"),
    "truncated.jpg": (JPEG_FILE[: len(JPEG_FILE) // 2], "damaged or cut short"),
    "magic.jpg": (JPEG_FILE[:30], "damaged or cut short"),
    "truncated.tif": (saved(PIL.Image.fromarray(RGB), "tiff")[:100], "damaged"),
    "truncated.gif": (saved(PIL.Image.fromarray(GREY), "gif")[:60], "damaged"),
    "truncated.webp": (saved(PIL.Image.fromarray(RGB), "webp")[:40], "damaged or cut short"),
    "bomb.png": (png(60_000, 60_000, 8, 0), "pixels are more than the 67,108,864"),
    "large.png": (png(10_000, 9_000, 8, 0), "9,000 × 10,000 pixels are more than the 67,108,864"),
    "truncated.npy": (npy(RGB)[:-5], "npy array"),
    "text.npy": (npy(np.array(["a"])), "real numbers"),
    "complex.npy": (npy(np.zeros((2, 2), complex)), "real numbers"),
    "line.npy": (npy(np.zeros(5)), "(5,)"),
    "deep.npy": (npy(np.zeros((2, 2, 7))), "(2, 2, 7)"),
    "alpha.npy": (npy(np.zeros((2, 2, 4))), "(2, 2, 4) of float64"),
    "none.npy": (npy(np.zeros((0, 2))), "(0, 2)"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused_with_its_name_and_what_was_found(tmp_path, name):
    data, words = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", ["npy", "tiff"])
def test_pixels_that_are_no_numbers_are_read(kind):
    pixels = np.array([[1, np.nan, np.inf]], np.float32)
    data = npy(pixels) if kind == "npy" else saved(PIL.Image.fromarray(pixels), "tiff")
    np.testing.assert_array_equal(read_bytes(data).pixels, pixels)


def test_pickled_npy_is_never_loaded(tmp_path):
    np.save(tmp_path / "k.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Python objects, which are never unpickled"):
        read(tmp_path / "k.npy")


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.png")
    with pytest.raises(InputError, match="found a folder"):
        read(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read(Path("a\0b"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file_is_refused(tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(PNG_FILE)
    path.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read(path)


def test_refused_permission_is_said(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret.png").write_bytes(PNG_FILE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        read(tmp_path / "secret.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipe_is_read(tmp_path):
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(encode(Image(RGB), "png"),), daemon=True)
    writer.start()
    np.testing.assert_array_equal(read(path).pixels, RGB)
    writer.join()
