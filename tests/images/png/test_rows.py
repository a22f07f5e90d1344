"""Large PNG files decoded by two threads: the same as Pillow alone, or left to Pillow."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from convcli.errors import InputError
from convcli.images import Image, encode, read
from convcli.images.png import rows as png_rows
from convcli.images.png import writing as png
from convcli.images.png.chunks import SIGNATURE, chunk
from convcli.images.png.writing import FILTERS
from convcli.images.reading import read as read_file

RNG = np.random.default_rng(4)
SMOOTH = (np.indices((90, 70)).sum(0)[:, :, None] // [1, 2, 3] + RNG.integers(0, 3, (90, 70, 3))).astype(
    np.uint8
)
ALPHA = RNG.integers(0, 256, (90, 70), np.uint8)


@pytest.fixture(autouse=True)
def taken(monkeypatch):
    """Count as large what is small; return what the two threads have made of each file."""
    results = []

    def watched(*arguments):
        results.append(png_rows.read_rows(*arguments))
        return results[-1]

    monkeypatch.setattr(png_rows, "WORTHWHILE", 1)
    monkeypatch.setattr(png_rows, "BAND_BYTES", 1000)
    monkeypatch.setattr("convcli.images.reading.read_rows", watched)
    return results


def read_by_two(data):
    return read(io.BytesIO(data), threads=2)


def saved(picture, **options):
    stream = io.BytesIO()
    picture.save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "image",
    [
        Image(SMOOTH[:, :, 0]),
        Image(SMOOTH),
        Image(SMOOTH[:, :, 0], ALPHA),
        Image(SMOOTH, ALPHA),
        Image(SMOOTH[:1]),
    ],
    ids=["L", "RGB", "LA", "RGBA", "one row"],
)
def test_samples_are_pillows(image, taken):
    for data in (encode(image, "png"), encode(image, "png", compress=6)):
        result, alone = read_by_two(data), read(io.BytesIO(data), threads=1)
        assert taken[-1] is not None
        np.testing.assert_array_equal(result.pixels, image.pixels)
        np.testing.assert_array_equal(alone.pixels, image.pixels)
        if image.alpha is not None:
            np.testing.assert_array_equal(result.alpha, image.alpha)
        assert result.metadata == alone.metadata
        assert result.notes == alone.notes


@pytest.mark.parametrize("number", FILTERS)
def test_every_row_filter_is_undone_across_bands(number, monkeypatch, taken):
    monkeypatch.setattr(png, "_sampled_method", lambda *_: png._Method(number, 1, zlib.Z_RLE))
    np.testing.assert_array_equal(read_by_two(encode(Image(SMOOTH), "png")).pixels, SMOOTH)
    assert taken[-1] is not None


def test_pillows_mixture_of_filters_is_undone(taken):
    np.testing.assert_array_equal(read_by_two(saved(PIL.Image.fromarray(SMOOTH))).pixels, SMOOTH)
    assert taken[-1] is not None


def test_resolution_is_kept():
    data = saved(PIL.Image.fromarray(SMOOTH), dpi=(300, 150))
    assert read_by_two(data).metadata.dpi == pytest.approx((300, 150), abs=0.02)


def with_chunk_before_the_end(data, name, body):
    assert data.endswith(chunk(b"IEND", b""))
    return data[:-12] + chunk(name, body) + data[-12:]


def exif():
    tags = PIL.Image.Exif()
    tags[0x0112] = 6
    return tags.tobytes()[6:]


@pytest.mark.parametrize("name", ["first", "last"])
def test_orientation_is_applied_wherever_it_stands(name, taken):
    picture = PIL.Image.fromarray(SMOOTH)
    data = (
        saved(picture, exif=exif())
        if name == "first"
        else with_chunk_before_the_end(saved(picture), b"eXIf", exif())
    )
    np.testing.assert_array_equal(read_by_two(data).pixels, np.rot90(SMOOTH, -1))
    assert taken[-1] is None


def test_texts_after_the_pixels_do_no_harm(taken):
    data = with_chunk_before_the_end(saved(PIL.Image.fromarray(SMOOTH)), b"tEXt", b"Comment\0none")
    np.testing.assert_array_equal(read_by_two(data).pixels, SMOOTH)
    assert taken[-1] is not None


@pytest.mark.parametrize("mode", ["1", "P", "I;16", "key", "animation"])
def test_unusual_files_are_left_to_pillow(mode, taken):
    picture = PIL.Image.fromarray(SMOOTH)
    options: dict[str, object] = {}
    if mode == "I;16":
        picture = PIL.Image.fromarray(SMOOTH[:, :, 0].astype(np.uint16))
    elif mode == "key":
        options = {"transparency": (1, 2, 3)}
    elif mode == "animation":
        options = {"save_all": True, "append_images": [PIL.Image.fromarray(255 - SMOOTH)]}
    else:
        picture = picture.convert(mode)
    data = saved(picture, **options)
    alone = read(io.BytesIO(data), threads=1)
    result = read_by_two(data)
    assert all(rows is None for rows in taken)
    np.testing.assert_array_equal(result.pixels, alone.pixels)
    assert result.notes == alone.notes


def test_interlaced_header_is_left_to_pillow(taken):
    data = bytearray(encode(Image(SMOOTH), "png"))
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(InputError):
        read_by_two(bytes(data))
    assert taken[-1] is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "too short", "too long", "no such filter"])
def test_damaged_files_give_the_error_that_pillow_gives(damage, taken, tmp_path):
    data = encode(Image(SMOOTH), "png")
    rows = np.zeros((90, 211), np.uint8)
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        data = data[:200] + bytes(255 - byte for byte in data[200:220]) + data[220:]
    else:
        rows = {"too short": rows[:50], "too long": np.tile(rows, (2, 1)), "no such filter": rows + 9}[damage]
        body = zlib.compress(rows.tobytes())
        data = SIGNATURE + data[8:33] + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    (tmp_path / "image.png").write_bytes(data)
    outcomes = []
    for threads in (1, 2):
        try:
            outcomes.append(read_file(tmp_path / "image.png", threads=threads).pixels.tobytes())
        except InputError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
    assert taken[-1] is None
