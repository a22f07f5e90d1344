"""TIFF files of every depth, sign, layout and meaning: the values that tifffile, OpenCV or the bytes give."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile

from convcli.errors import InputError
from convcli.images import read
from convcli.images.metadata import upright

SHAPE = (21, 37)


def noise(dtype, shape=SHAPE, seed=0):
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return generator.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def written(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **{"metadata": None, **options})
    return stream.getvalue()


def read_bytes(data):
    return read(io.BytesIO(data))


def by_hand(tags, data, *, order="<", big=False):
    """Return a TIFF file of tags (number → (type, values)) and one strip, whatever they say."""
    sizes = {1: "B", 2: "B", 3: "H", 4: "L", 5: "L", 16: "Q"}
    head = 16 if big else 8
    tags = {**tags, 273: (4, [head]), 279: (4, [len(data)])}
    place = head + len(data) + len(data) % 2
    entry, wide = (20, "Q") if big else (12, "L")
    after = place + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    directory, values = struct.pack(order + ("Q" if big else "H"), len(tags)), b""
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{sizes[kind]}", *numbers)
        count = len(numbers) // (2 if kind == 5 else 1)
        if len(packed) > struct.calcsize(f"{order}{wide}"):
            packed, values = struct.pack(order + wide, after + len(values)), values + packed
        directory += struct.pack(f"{order}HH{wide}", tag, kind, count)
        directory += packed.ljust(struct.calcsize(f"{order}{wide}"), b"\0")
    mark = {"<": b"II", ">": b"MM"}[order]
    begin = struct.pack(order + "HHHQ", 43, 8, 0, place) if big else struct.pack(order + "HL", 42, place)
    end = bytes(8 if big else 4)
    return mark + begin + data + bytes(len(data) % 2) + directory + end + values


def tags_of(height, width, bits, **more):
    names = {"compression": 259, "photometric": 262, "samples": 277, "format": 339, "predictor": 317}
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, bits), 259: (3, [1]), 262: (3, [1])}
    tags[277] = (3, [len(bits)])
    return tags | {names[name]: (3, values) for name, values in more.items()}


def packed(values, bits):
    """Return rows of numbers as bits, the highest first; each row begins with a byte."""
    single = (values[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(single.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("colours", [1, 3])
def test_values_are_those_of_every_dtype(dtype, colours):
    array = noise(dtype, SHAPE if colours == 1 else (*SHAPE, 3))
    kind = "rgb" if colours == 3 else "minisblack"
    layouts = [{}, {"byteorder": ">"}, {"bigtiff": True}, {"bigtiff": True, "byteorder": ">"}]
    layouts += [{"rowsperstrip": 4}, {"tile": (16, 32)}, {"compression": "zlib"}]
    layouts += [{"compression": "lzma", "tile": (16, 16)}]
    if np.dtype(dtype).kind in "ui" and np.dtype(dtype).itemsize < 8:  # of which tifffile has none
        layouts.append({"compression": "zlib", "predictor": True, "rowsperstrip": 5})
    for layout in layouts:
        image = read_bytes(written(array, photometric=kind, **layout))
        np.testing.assert_array_equal(image.pixels, array, err_msg=str(layout))
        assert (image.pixels.dtype, image.alpha, image.notes) == (array.dtype, None, ())


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_colours_in_planes_and_in_tiles(dtype):
    array = noise(dtype, (*SHAPE, 3))
    planes = np.moveaxis(array, 2, 0)
    for layout in ({}, {"tile": (16, 16)}, {"rowsperstrip": 4, "compression": "zlib"}):
        data = written(planes, photometric="rgb", planarconfig="separate", **layout)
        np.testing.assert_array_equal(read_bytes(data).pixels, array)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
@pytest.mark.parametrize("predictor", [1, 2])
def test_lzw_as_opencv_writes_it(dtype, predictor):
    cv2 = pytest.importorskip("cv2")
    array = noise(dtype, (*SHAPE, 3))
    if np.dtype(dtype).kind == "f":
        predictor = 1 if predictor == 1 else 3
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    data = cv2.imencode(".tif", array[:, :, ::-1], options)[1].tobytes()
    np.testing.assert_array_equal(read_bytes(data).pixels, array)
    data = cv2.imencode(".tif", array[:, :, 0], options)[1].tobytes()
    np.testing.assert_array_equal(read_bytes(data).pixels, array[:, :, 0])


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 7, 9, 10, 12, 14, 24])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("samples", [1, 3])
def test_odd_depths(bits, order, samples):
    values = np.random.default_rng(bits).integers(0, 2**bits, (5, 7 * samples))
    data = packed(values, bits)
    if bits == 24:
        data = b"".join(int(value).to_bytes(3, "little" if order == "<" else "big") for value in values.flat)
    tags = tags_of(5, 7, [bits] * samples, photometric=[1 if samples == 1 else 2])
    image = read_bytes(by_hand(tags, data, order=order))
    expected = values.reshape(5, 7, samples) if samples == 3 else values
    if bits < 8:
        expected = np.floor(expected * 255 / (2**bits - 1) + 0.5)
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.pixels.dtype == ("uint8" if bits < 8 else "uint16" if bits < 16 else "uint32")
    assert bool(image.notes) == (bits > 8)


@pytest.mark.parametrize("bits", [4, 12])
def test_predictor_of_odd_depths(bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (5, 8))
    differences = np.diff(values, axis=1, prepend=0) % 2**bits
    image = read_bytes(by_hand(tags_of(5, 8, [bits], predictor=[2]), packed(differences, bits)))
    np.testing.assert_array_equal(image.pixels, values * 17 if bits == 4 else values)


@pytest.mark.parametrize(
    ("dtype", "white"), [("u1", 255), ("u2", 65535), ("u4", 2**32 - 1), ("i1", -1), ("i2", -1)]
)
def test_white_that_is_zero(dtype, white):
    array = noise(dtype)
    image = read_bytes(written(array, photometric="miniswhite"))
    np.testing.assert_array_equal(image.pixels, white - array)


def test_white_that_is_zero_of_one_bit_and_of_twelve():
    values = np.random.default_rng(0).integers(0, 2, (5, 11))
    image = read_bytes(by_hand(tags_of(5, 11, [1], photometric=[0]), packed(values, 1)))
    np.testing.assert_array_equal(image.pixels, 255 - 255 * values)
    values = np.random.default_rng(0).integers(0, 4096, (5, 11))
    image = read_bytes(by_hand(tags_of(5, 11, [12], photometric=[0]), packed(values, 12)))
    np.testing.assert_array_equal(image.pixels, 4095 - values)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_palettes(bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (6, 9))
    palette = np.random.default_rng(1).integers(0, 65536, (3, 2**bits))
    data = values.astype("<u2").tobytes() if bits == 16 else packed(values, bits)
    tags = tags_of(6, 9, [bits], photometric=[3]) | {320: (3, palette.ravel().tolist())}
    image = read_bytes(by_hand(tags, data))
    np.testing.assert_array_equal(image.pixels, np.moveaxis(palette[:, values] >> 8, 0, 2))


def test_palette_in_lzw():
    picture = PIL.Image.fromarray(noise("u1", (*SHAPE, 3))).quantize(64)
    stream = io.BytesIO()
    picture.save(stream, "tiff", compression="tiff_lzw")
    np.testing.assert_array_equal(read_bytes(stream.getvalue()).pixels, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "i2", "u4"])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_alpha(dtype, colours, kind):
    colour = noise(dtype, (*SHAPE, colours))
    alpha = noise(dtype, (*SHAPE, 1), seed=1)
    white = 1 if dtype == "f4" else np.iinfo(dtype).max
    share = np.abs(alpha / 4) if dtype == "f4" else np.clip(alpha / white, 0, 1)
    if dtype == "f4":
        alpha = share.astype(dtype)
    stored = colour if kind == "unassalpha" else np.trunc(colour * share) if dtype != "f4" else colour * share
    data = written(
        np.dstack([stored.astype(dtype), alpha]),
        photometric="rgb" if colours == 3 else "minisblack",
        planarconfig="contig",
        extrasamples=[kind],
    )
    image = read_bytes(data)
    if dtype in ("u1", "u2"):
        np.testing.assert_array_equal(image.alpha, alpha[:, :, 0])
    else:
        np.testing.assert_allclose(image.alpha, share[:, :, 0], rtol=1e-6, atol=1e-7)
    assert image.alpha.dtype == (dtype if dtype in ("u1", "u2") else "float32")
    assert image.pixels.shape == (SHAPE if colours == 1 else (*SHAPE, 3))
    if kind == "unassalpha":
        np.testing.assert_array_equal(image.pixels, np.squeeze(colour))
    elif dtype == "u1":
        mode = "La" if colours == 1 else "RGBa"
        picture = PIL.Image.frombytes(mode, SHAPE[::-1], np.dstack([stored.astype(dtype), alpha]).tobytes())
        expected = np.asarray(picture.convert(mode.upper()))[:, :, :-1]
        off = np.abs(image.pixels.reshape(expected.shape).astype(int) - expected)
        assert off[alpha[:, :, 0] > 0].max() <= 1


def test_samples_that_are_neither_colour_nor_alpha_are_said():
    image = read_bytes(written(noise("u2", (*SHAPE, 5)), photometric="minisblack", planarconfig="contig"))
    assert image.pixels.shape == SHAPE
    assert "has 4 more samples a pixel, which are neither colour nor alpha; left out" in image.notes[0]


@pytest.mark.parametrize("kind", [1, 3, 4])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_any_type_of_number(kind, orientation):
    values = np.arange(15, dtype=np.uint8).reshape(3, 5)
    image = read_bytes(by_hand(tags_of(3, 5, [8]) | {274: (kind, [orientation])}, values.tobytes()))
    stored = PIL.Image.fromarray(values)
    turns = [None, 0, 3, 1, 5, 4, 6, 2]  # Pillow's transpositions that undo each orientation
    expected = stored if orientation == 1 else stored.transpose(PIL.Image.Transpose(turns[orientation - 1]))
    np.testing.assert_array_equal(image.pixels, np.asarray(expected))


def test_resolution_turns_with_the_picture():
    tags = tags_of(3, 5, [8]) | {282: (5, [300, 1]), 283: (5, [150, 1]), 296: (3, [2])}
    assert read_bytes(by_hand(tags | {274: (3, [6])}, bytes(15))).metadata.dpi == (150, 300)
    assert read_bytes(by_hand(tags | {296: (3, [3])}, bytes(15))).metadata.dpi == (762, 381)


def test_bits_that_fill_bytes_from_the_lowest():
    values = np.random.default_rng(0).integers(0, 2, (5, 16))
    data = np.packbits(values.astype(np.uint8), axis=1, bitorder="little").tobytes()
    image = read_bytes(by_hand(tags_of(5, 16, [1]) | {266: (3, [2])}, data))
    np.testing.assert_array_equal(image.pixels, values * 255)


def test_packed_bits():
    values = noise("u2", (9, 3))
    rows = values.astype("<u2").tobytes()
    data = b"".join(b"\x05" + rows[start : start + 6] for start in range(0, len(rows), 6))
    image = read_bytes(by_hand(tags_of(9, 3, [16], compression=[32773]), data))
    np.testing.assert_array_equal(image.pixels, values)


def test_floats_of_24_bits():
    words = [0x000000, 0x3F0000, 0xBF0000, 0x408000, 0x7F0000, 0x000001]
    data = b"".join(word.to_bytes(3, "big") for word in words)
    image = read_bytes(by_hand(tags_of(1, 6, [24], format=[3]), data, order=">"))
    np.testing.assert_array_equal(image.pixels, [[0, 1, -1, 3, np.inf, 2.0**-78]])


def test_ink_of_8_and_of_16_bits():
    ink = noise("u1", (*SHAPE, 4))
    expected = np.asarray(PIL.Image.fromarray(ink, "CMYK").convert("RGB"))
    for stored in (ink, ink.astype(np.uint16) * 257):
        image = read_bytes(written(stored, photometric="separated", planarconfig="contig"))
        np.testing.assert_array_equal(image.pixels, expected)
        assert any("without a profile" in note for note in image.notes)


REFUSED = {
    "LogLuv": (tags_of(2, 2, [16] * 3, compression=[34676], photometric=[32845]), "LogLuv-encoded TIFF"),
    "complex": (tags_of(2, 2, [64], format=[6]), "complex numbers"),
    "mixed": (tags_of(2, 2, [5, 6, 5], photometric=[2]), "differ in their bits"),
    "JPEG of 12 bits": (tags_of(2, 2, [12], compression=[7]), "TIFF file in JPEG, 12 bits a sample"),
    "JPEG 2000": (tags_of(2, 2, [8], compression=[34712]), "TIFF file in JPEG 2000"),
    "ICC Lab": (tags_of(2, 2, [16] * 3, photometric=[9]), "ICC L*a*b*"),
    "DNG": (tags_of(2, 2, [8]) | {50706: (1, [1, 4, 0, 0])}, "a camera's raw file (DNG)"),
    "CFA": (tags_of(2, 2, [8], photometric=[32803]), "a camera's raw file"),
    "NEF": (
        tags_of(2, 2, [8]) | {254: (4, [1]), 271: (2, list(b"NIKON CORPORATION\0")), 330: (4, [0, 8])},
        "a camera's raw file (Nikon NEF)",
    ),
    "no strip": (tags_of(9, 2, [8]) | {278: (4, [1])}, "damaged or cut short"),
    "huge": (tags_of(2**20, 2**20, [8]), "are more than the 67,108,864"),
    "many samples": (tags_of(2, 2, [8]) | {277: (3, [60000])}, "60000 samples"),
    "deep and large": (tags_of(8000, 8000, [64] * 3, photometric=[2]), "are more than the 67,108,864"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_by_its_name(name):
    tags, words = REFUSED[name]
    with pytest.raises(InputError) as caught:
        read_bytes(by_hand(tags, bytes(64)))
    assert words in str(caught.value)
    if "damaged" not in words:
        assert "damaged" not in str(caught.value)


def test_canon_raw_file_is_refused():
    with pytest.raises(InputError, match=r"a camera's raw file \(Canon CR2\)"):
        read_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(300))


def test_a_picture_that_is_marked_as_reduced_and_alone_is_read():
    assert read_bytes(by_hand(tags_of(2, 2, [8]) | {254: (4, [1])}, bytes(4))).pixels.shape == (2, 2)


def test_place_on_the_map_is_said_to_be_left_out():
    tags = tags_of(2, 2, [8]) | {34735: (3, [1, 1, 0, 0])}
    assert "GeoTIFF" in read_bytes(by_hand(tags, bytes(4))).notes[0]


@pytest.mark.parametrize("order", ["<", ">"])
def test_big_files_in_both_orders(order):
    values = np.arange(12, dtype=np.uint16).reshape(3, 4)
    data = by_hand(tags_of(3, 4, [16]), values.astype(f"{order}u2").tobytes(), order=order, big=True)
    np.testing.assert_array_equal(read_bytes(data).pixels, values)


def test_metadata_of_a_deep_file_are_kept():
    array = noise("u2", (*SHAPE, 3))
    options = {"resolution": (300, 150), "resolutionunit": "INCH", "description": "the harbour"}
    image = read_bytes(written(array, photometric="rgb", iccprofile=b"profile", **options))
    kept = PIL.Image.Exif()
    kept.load(image.metadata.exif)
    assert (image.metadata.dpi, image.metadata.icc_profile) == ((300, 150), b"profile")
    assert kept[270] == "the harbour"


def test_a_fourth_sample_that_says_something_is_not_left_out_in_silence(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (4, 5, 4), dtype=np.uint8)
    path = tmp_path / "infrared.tif"
    for fourth, count in ((samples[:, :, 3], 1), (0, 0)):
        samples[:, :, 3] = fourth
        tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unspecified"])
        assert len(read(path).notes) == count


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_pillow_decodes_is_turned_once(orientation):
    picture = PIL.Image.fromarray(np.random.default_rng(0).random((8, 24)) > 0.5)
    stream = io.BytesIO()
    picture.save(stream, "TIFF", compression="group4", tiffinfo={274: orientation}, dpi=(100, 200))
    found = read(io.BytesIO(stream.getvalue()))
    expected = upright(np.asarray(picture), orientation) * np.uint8(255)
    np.testing.assert_array_equal(found.pixels, expected)
    assert found.metadata.dpi == ((100, 200) if orientation < 5 else (200, 100))
