"""Every format that is written: what comes back from it as it was, what does not, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, get_args, get_type_hints

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from convcli.cli.filter import filter as filter_command
from convcli.errors import OutputError
from convcli.images import ENDINGS, FORMATS, Image, Metadata, encode, folders, format_of, kept, read, write
from convcli.images.kinds import KINDS
from image_files import ALPHA, DEEP, GREY, RGB, noise, read_bytes, saved

ARTIST, PHOTO_IFD, EXIF_WIDTH, EXPOSURE = 0x013B, 0x8769, 0xA002, 0x829A
OPACITY = np.linspace(0, 1, 63, dtype=np.float32).reshape(7, 9)
IMAGES = {
    "grey": Image(GREY),
    "RGB": Image(RGB),
    "grey, alpha": Image(GREY, ALPHA),
    "RGB, alpha": Image(RGB, ALPHA),
    "few colours": Image(RGB // 64 * 64),
    "uint16": Image(DEEP),
    "uint16, alpha": Image(DEEP, DEEP[::-1]),
    "uint16 RGB": Image(noise((7, 9, 3), np.uint16)),
    "uint16 RGB, alpha": Image(noise((7, 9, 3), np.uint16), DEEP),
    "int8 RGB": Image(noise((7, 9, 3), np.int8)),
    "int32": Image(noise((7, 9), np.int32)),
    "int64": Image(noise((7, 9), np.int64)),
    "uint32": Image(noise((7, 9), np.uint32)),
    "uint64": Image(noise((7, 9), np.uint64)),
    "float16": Image(noise((7, 9), np.float16)),
    "float32": Image(noise((7, 9), np.float32)),
    "float64 RGB": Image(noise((7, 9, 3), np.float64)),
    "float32 RGB, alpha": Image(noise((7, 9, 3), np.float32), OPACITY),
}
EIGHT = {"grey", "RGB", "few colours"}
WITH_ALPHA = {"grey, alpha", "RGB, alpha"}
SIXTEEN = {"uint16", "uint16, alpha", "uint16 RGB", "uint16 RGB, alpha"}
EVERYTHING = {"icc_profile", "dpi", "exif"}


class Case(NamedTuple):
    """What comes back as it was, what is written though it changes, and the metadata that come back."""

    same: set[str]
    other: Collection[str] = ()
    metadata: Collection[str] = ()


CASES = {
    "png": Case({*EIGHT, *WITH_ALPHA, *SIXTEEN}, metadata=EVERYTHING),
    "jpeg": Case(set(), EIGHT, EVERYTHING),
    "webp": Case({*EIGHT, "RGB, alpha"}, {"grey, alpha"}, {"icc_profile", "exif"}),
    "tiff": Case(set(IMAGES), metadata=EVERYTHING),
    "bmp": Case(EIGHT, metadata={"dpi"}),
    "gif": Case(EIGHT),
    "avif": Case(set(), {*EIGHT, *WITH_ALPHA}, {"icc_profile", "exif"}),
    "jp2": Case({*EIGHT, *WITH_ALPHA, *SIXTEEN}),
    "jxl": Case({*EIGHT, *WITH_ALPHA, *SIXTEEN, "float32", "float32 RGB, alpha"}, {"float16"}, {"exif"}),
    "heic": Case(set(), {*EIGHT, *WITH_ALPHA}, {"icc_profile", "exif"}),
    "exr": Case({"float16", "float32"}, {"float32 RGB, alpha"}),
    "hdr": Case(set()),  # the noise has negative values
    "ppm": Case({*EIGHT, "uint16", "uint16 RGB"}),
    "pgm": Case({"grey", "uint16"}),
    "pam": Case({*EIGHT, *WITH_ALPHA, *SIXTEEN}),
    "pfm": Case({"float32"}, {"float16"}),
    "tga": Case({*EIGHT, *WITH_ALPHA}),
    "qoi": Case({*EIGHT, "RGB, alpha"}, {"grey, alpha"}),
    "npy": Case(set(IMAGES) - {"float32 RGB, alpha"}),
}
each_format = pytest.mark.parametrize("name", FORMATS)


def test_every_format_has_a_case():
    assert set(CASES) == set(FORMATS)


@each_format
def test_an_image_comes_back_as_it_was_or_is_refused(tmp_path, name):
    for label, image in IMAGES.items():
        path = tmp_path / f"{label}{FORMATS[name].endings[0]}"
        if label not in {*CASES[name].same, *CASES[name].other}:
            with pytest.raises(OutputError, match=f"{name.upper()} cannot hold {image.pixels.dtype}"):
                write(path, image)
            assert not path.exists()
            continue
        write(path, image)
        again = read(path)
        assert again.notes == ()
        if label in CASES[name].other:
            continue
        pixels = again.pixels
        if (
            name in ("webp", "gif", "qoi") and image.pixels.ndim == 2 and pixels.ndim == 3
        ):  # they keep grey as colour
            pixels = pixels[:, :, 0]
        np.testing.assert_array_equal(pixels, image.pixels, err_msg=label)
        assert pixels.dtype == image.pixels.dtype
        if image.alpha is None:
            assert again.alpha is None
        else:
            np.testing.assert_array_equal(again.alpha, image.alpha, err_msg=label)


def options():
    exif = PIL.Image.Exif()
    exif[ARTIST] = "Ada"
    exif[PHOTO_IFD] = {EXIF_WIDTH: 99, EXPOSURE: 0.5}
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    return {"exif": exif.tobytes(), "icc_profile": profile, "dpi": (300, 150)}


@each_format
def test_metadata_survive_or_are_said_to_be_left_out(name):
    pixels = RGB // 64 * 64
    if FORMATS[name].channels == (1,):
        pixels = pixels[:, :, 0]
    elif not FORMATS[name].holds("uint8"):
        pixels = (pixels / 255).astype(np.float32)
    image = Image(pixels, metadata=Metadata(**options()))
    again = read_bytes(encode(image, name)).metadata
    assert {field for field in EVERYTHING if getattr(again, field)} == set(CASES[name].metadata)
    assert len(kept(image, name)[1]) == (CASES[name].metadata != EVERYTHING)


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "tiff", "avif"])
def test_what_was_read_is_written_again(name):
    said = options()
    image = read_bytes(saved(PIL.Image.fromarray(RGB), name, **said))
    again = read_bytes(encode(image, name)).metadata
    assert again.icc_profile == said["icc_profile"]
    if "dpi" in CASES[name].metadata:
        assert again.dpi == pytest.approx(said["dpi"], abs=0.02)
    found = PIL.Image.Exif()
    found.load(again.exif)
    assert (found.get(ARTIST), float(found.get_ifd(PHOTO_IFD)[EXPOSURE])) == ("Ada", 0.5)
    assert EXIF_WIDTH not in found.get_ifd(PHOTO_IFD), "the size in EXIF is not the result's"


@each_format
def test_endings_name_a_format_and_folders_are_searched_for_what_is_read(tmp_path, name):
    files = [tmp_path / f"x{ending.upper()}" for ending in FORMATS[name].endings]
    assert {format_of(file) for file in files} == {name}
    for file in files:
        file.touch()
    assert folders.images_in(str(tmp_path), tell=list) == sorted(map(str, files))


def test_the_option_names_every_format():
    (option,) = get_args(get_type_hints(filter_command, include_extras=True)["format"])[-1:]
    assert re.findall(r"\b(?!or\b)\w+", option.help.partition(";")[0]) == list(FORMATS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_a_kind_names_is_there(kind):
    functions = [kind.decode, kind.frames]
    for one in kind.formats.values():
        functions += [one.encode, one.beyond, *([one.several.write] if one.several else [])]
    for function in functions:
        if isinstance(function, partial):  # which is imported when it is called
            module, name = function.args
            assert callable(getattr(import_module(f"convcli.images.{module}"), name))


def test_no_ending_means_two_formats():
    assert len(ENDINGS) == sum(len(one.endings) for one in FORMATS.values())
    assert format_of(Path("a.b.JPG")) == "jpeg"
