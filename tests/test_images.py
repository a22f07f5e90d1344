"""Image files: every mode in and out unchanged, metadata that stay true, and what is refused."""

from __future__ import annotations

import functools
import io
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.TiffImagePlugin
import pytest

from convcli import images
from convcli.errors import InputError, OutputError, UnknownNameError, UsageError
from convcli.images import Image, Metadata, encode, format_of, picture, read, resize, write
from convcli.images.metadata import resolution

ORIENTATION, ARTIST, EXIF_WIDTH, EXPOSURE = 0x0112, 0x013B, 0xA002, 0x829A
PHOTO_IFD = 0x8769
SAMPLES = Path(__file__).parent.parent / "sample_images"


def noise(shape, dtype=np.uint8, seed=0):
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return generator.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def saved(picture, format, **options):  # noqa: A002
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def read_bytes(data):
    return read(io.BytesIO(data))


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def png(width, height, depth, colour_type, rows=b""):
    """Return a PNG file made by hand, for kinds that Pillow does not write."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


GREY, RGB, ALPHA = noise((7, 9)), noise((7, 9, 3), seed=1), noise((7, 9), seed=2)
DEEP = noise((7, 9), np.uint16)


@pytest.mark.parametrize(
    ("image", "formats"),
    [
        (Image(GREY), ["png", "webp", "tiff", "bmp", "gif", "npy"]),
        (Image(RGB), ["png", "webp", "tiff", "bmp", "npy"]),
        (Image(GREY, ALPHA), ["png", "tiff", "npy"]),
        (Image(RGB, ALPHA), ["png", "webp", "tiff", "npy"]),
        (Image(RGB // 64 * 64), ["png", "gif"]),
        (Image(DEEP), ["png", "tiff", "npy"]),
        (Image(DEEP, DEEP[::-1]), ["png", "tiff", "npy"]),
        (Image(noise((7, 9, 3), np.uint16)), ["png", "tiff", "npy"]),
        (Image(noise((7, 9, 3), np.uint16), DEEP), ["png", "tiff", "npy"]),
        (
            Image(noise((7, 9, 3), np.float32), np.linspace(0, 1, 63, dtype=np.float32).reshape(7, 9)),
            ["tiff"],
        ),
        (Image(noise((7, 9, 3), np.float64)), ["tiff", "npy"]),
        (Image(noise((7, 9), np.float16)), ["tiff", "npy"]),
        (Image(noise((7, 9, 3), np.int8)), ["tiff", "npy"]),
        (Image(noise((7, 9), np.uint32)), ["tiff", "npy"]),
        (Image(noise((7, 9), np.uint64)), ["tiff", "npy"]),
        (Image(noise((7, 9), np.int32)), ["tiff", "npy"]),
        (Image(noise((7, 9), np.float32)), ["tiff", "npy"]),
        (Image(noise((7, 9), np.int64)), ["tiff", "npy"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else f"{value.pixels.dtype}{value.pixels.ndim}",
)
def test_image_comes_back_as_it_was_written(tmp_path, image, formats):
    for format in formats:  # noqa: A001
        path = tmp_path / f"image.{format}"
        write(path, image)
        again = read(path)
        pixels = again.pixels
        if format in ("webp", "gif") and image.pixels.ndim == 2:  # they have no grey, but keep it as colour
            pixels = pixels[:, :, 0] if pixels.ndim == 3 else pixels
        np.testing.assert_array_equal(pixels, image.pixels, err_msg=format)
        assert pixels.dtype == image.pixels.dtype
        if image.alpha is None:
            assert again.alpha is None
        else:
            np.testing.assert_array_equal(again.alpha, image.alpha, err_msg=format)
        assert again.notes == ()
    assert {entry.name for entry in tmp_path.iterdir()} == {f"image.{name}" for name in formats}


def test_jpeg_comes_back_nearly_as_it_was_written(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    for pixels in (smooth, np.dstack([smooth, smooth // 2, smooth])):
        write(tmp_path / "image.jpg", Image(pixels))
        again = read(tmp_path / "image.jpg").pixels
        assert again.shape == pixels.shape
        assert np.abs(again.astype(int) - pixels).max() <= 6


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


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_one_transparent_colour_becomes_alpha(mode):
    picture = PIL.Image.new("RGB", (4, 3), (255, 255, 255)).convert(mode)
    key = picture.getpixel((0, 0))
    picture.putpixel((1, 1), (0, 0, 0) if mode == "RGB" else (1 if mode == "P" else 0))
    image = read_bytes(saved(picture, "png", transparency=key))
    assert image.alpha is not None
    assert image.alpha[1, 1] == 255
    assert image.alpha[0, 0] == 0


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


@functools.cache  # the time is in it
def profile():
    return PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff"])
def test_profile_resolution_and_exif_survive(format):  # noqa: A002
    exif = PIL.Image.Exif()
    exif[ARTIST] = "Ada"
    exif[PHOTO_IFD] = {EXIF_WIDTH: 99, EXPOSURE: 0.5}
    options = {"exif": exif.tobytes(), "icc_profile": profile(), "dpi": (300, 150)}
    image = read_bytes(saved(PIL.Image.fromarray(RGB), format, **options))
    again = read_bytes(encode(image, format))
    assert again.metadata.icc_profile == profile()
    if format != "webp":  # WebP has no resolution
        assert again.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    kept = PIL.Image.Exif()
    kept.load(again.metadata.exif)
    assert kept.get(ARTIST) == "Ada"
    assert float(kept.get_ifd(PHOTO_IFD)[EXPOSURE]) == 0.5
    assert EXIF_WIDTH not in kept.get_ifd(PHOTO_IFD), "the size in EXIF is not the result's"


def test_colour_profile_is_left_out_of_a_grey_result():
    data = encode(Image(GREY, metadata=Metadata(icc_profile=profile())), "png")
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


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("threads", [1, 2])
def test_deep_png_is_what_opencv_reads_and_writes(channels, threads):
    cv2 = pytest.importorskip("cv2")
    samples = noise((70, 90, channels), np.uint16)
    colours = 3 if channels > 2 else 1
    pixels = samples[:, :, 0] if colours == 1 else samples[:, :, :3]
    alpha = samples[:, :, -1] if channels in (2, 4) else None
    data = encode(Image(pixels, alpha), "png", threads=threads)
    again = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    np.testing.assert_array_equal(again.reshape(70, 90, -1), samples[:, :, order])
    with PIL.Image.open(io.BytesIO(data)) as opened:
        opened.load()
    if channels != 2:
        image = read_bytes(cv2.imencode(".png", samples[:, :, order])[1].tobytes())
        np.testing.assert_array_equal(image.pixels, pixels)
        assert (image.alpha is None) == (alpha is None)
        if alpha is not None:
            np.testing.assert_array_equal(image.alpha, alpha)


def adam7(samples):
    """Return the rows of an interlaced PNG file's seven passes, unfiltered. Source: PNG, section 8.2."""
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = b""
    for top, left, down, across in passes:
        part = samples[top::down, left::across]
        if part.size:
            rows += b"".join(b"\0" + row.astype(">u2").tobytes() for row in part)
    return rows


@pytest.mark.parametrize(("channels", "kind"), [(2, 4), (3, 2), (4, 6)])
def test_deep_interlaced_png(channels, kind):
    samples = noise((11, 13, channels), np.uint16)
    data = bytearray(png(13, 11, 16, kind, adam7(samples)))
    data[28] = 1
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    image = read_bytes(bytes(data))
    np.testing.assert_array_equal(np.dstack([image.pixels]), samples[:, :, : 1 if channels == 2 else 3])
    if channels != 3:
        np.testing.assert_array_equal(image.alpha, samples[:, :, -1])


KEYS = [(depth, 0, (1,)) for depth in (1, 2, 4, 8, 16)] + [(8, 2, (1, 2, 3)), (16, 2, (256, 513, 3))]


@pytest.mark.parametrize(("depth", "kind", "key"), KEYS)
def test_the_one_transparent_colour_of_every_depth(depth, kind, key):
    channels = len(key)
    values = np.random.default_rng(0).integers(0, 2**depth, (6, 9, channels))
    values[2, 3], values[4, 5] = key, (*key[:-1], (key[-1] + 1) % 2**depth)
    if depth == 16:  # differs in its lower half alone
        values[1, 1] = np.array(key) ^ 1
    bits = (values[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    rows = np.packbits(bits.reshape(6, -1).astype(np.uint8), axis=1)
    data = png(9, 6, depth, kind, b"".join(b"\0" + row.tobytes() for row in rows))
    trns = png_chunk(b"tRNS", struct.pack(f">{channels}H", *key))
    image = read_bytes(data[:33] + trns + data[33:])
    transparent = (values == key).all(axis=2)
    np.testing.assert_array_equal(image.alpha, np.where(transparent, 0, 65535 if depth == 16 else 255))
    scale = 255 // (2**depth - 1) if depth < 8 else 1
    np.testing.assert_array_equal(image.pixels, np.squeeze(values * scale))


def test_metadata_that_a_format_cannot_hold_are_left_out_and_said():
    large = b"\0" * 16 + b"RGB " + bytes(2**20)
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
    assert image.notes == ("standard input: has more than one picture; only the first is used.",)


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


def test_pillows_own_limit_neither_warns_nor_stands_in_the_way_nor_changes(monkeypatch):
    for limit in (50, 20, None):
        monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", limit)
        assert read_bytes(saved(PIL.Image.fromarray(GREY), "png")).notes == ()
        assert limit == PIL.Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("image", "format", "words"),
    [
        (Image(RGB, ALPHA), "jpeg", [".png, .webp or .tif"]),
        (Image(GREY, ALPHA), "bmp", ["transparency"]),
        (Image(GREY, ALPHA), "gif", ["transparency"]),
        (Image(DEEP), "jpeg", ["uint16 grey", ".png or .tif or .npy"]),
        (Image(noise((4, 4, 3), np.uint16)), "bmp", ["uint16 RGB", ".png or .tif or .npy"]),
        (Image(noise((4, 4, 3), np.uint16), noise((4, 4), np.uint16)), "webp", [".png or .tif or .npy"]),
        (Image(noise((4, 4), np.float32)), "png", ["float32 grey", ".tif or .npy"]),
        (Image(noise((4, 4, 3), np.float32)), "gif", ["float32 RGB", ".tif or .npy"]),
        (Image(noise((4, 4), np.int64)), "png", ["int64", ".tif or .npy"]),
        (Image(noise((4, 4), np.float32), np.ones((4, 4), np.float32)), "npy", ["float32", "use .tif."]),
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
    kinds = {path.name: read(path) for path in sorted(SAMPLES.iterdir()) if path.suffix in images.FORMATS}
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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipe_is_read(tmp_path):
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(encode(Image(RGB), "png"),), daemon=True)
    writer.start()
    np.testing.assert_array_equal(read(path).pixels, RGB)
    writer.join()
