"""Writes docs/formats.md from `FORMATS` and `KINDS`: run `python docs/formats_reference.py` anew."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from convcli.images.formats import FORMATS, READ_ONLY, Format
from convcli.images.sources import KINDS

TARGET = Path(__file__).with_name("formats.md")
INTRODUCTION = """\
# Image formats

What a file is, is known by its first bytes, not by its name. Its size is looked up before anything is
decoded: more pixels than `--max-pixels` allows are refused. What is converted, left out or read with
fewer bits than the file has is said in one line.

`pip install 'convcli[formats]'` brings what "needs" names; without it such files are refused with that
line.
"""


class Read(NamedTuple):
    """What is read of a kind of files: in words, which tests hold to."""

    depth: str
    channels: str
    alpha: bool
    kept: str  # of what files say besides the pixels
    needs: str = ""


COLOURS = {1: "grey", 3: "RGB"}
_ALL = "profile, EXIF, XMP, resolution"
READ = {
    "PNG": Read("1, 2, 4, 8, 16 bits", "grey, RGB, palette", True, f"{_ALL}, gAMA, cHRM, sRGB, cICP"),
    "JPEG": Read("8 bits", "grey, RGB, CMYK¹", False, _ALL),
    "WEBP": Read("8 bits", "RGB", True, "profile, EXIF, XMP"),
    "TIFF": Read(
        "1 to 64 bits with or without sign; floats of 16, 24, 32, 64 bits",
        "any number; palette, CMYK¹, YCbCr¹, Lab¹",
        True,
        f"{_ALL}, the value for no data",
    ),
    "BMP": Read("1 to 8 bits; 16 of bit fields", "grey, RGB, palette", True, "resolution"),
    "GIF": Read("8 bits", "palette", True, "—"),
    "PPM": Read("1, 8, 16 bits", "grey, RGB", False, "—"),
    "AVIF": Read(
        "8 bits; 10, 12²", "grey, RGB", True, "profile, EXIF, XMP", "imagecodecs for more than 8 bits"
    ),
    "JPEG2000": Read(
        "8 bits; 16 of grey; up to 16 of colours²",
        "grey, RGB, CMYK¹",
        True,
        "resolution",
        "imagecodecs for colours of more than 8 bits",
    ),
    "TGA": Read("5, 8 bits", "grey, RGB, palette", True, "—"),
    "PSD": Read("1, 8 bits, the whole picture", "grey, RGB, palette, CMYK¹, Lab¹", True, "profile"),
    "ICO": Read("1 to 8 bits, the largest of the pictures", "RGB, palette", True, "—"),
    "DDS": Read("8 bits; 16 of BC6H are read as 8", "grey, RGB, palette", True, "—"),
    "PCX": Read("1 to 8 bits", "grey, RGB, palette", False, "resolution"),
    "SGI": Read("8 bits; 16 are read as 8", "grey, RGB", True, "—"),
    "QOI": Read("8 bits", "RGB", True, "—"),
    "PFM": Read("floats of 32 bits", "grey, RGB", False, "—"),
    "PAM": Read("1 to 16 bits", "grey, RGB", True, "—"),
    "HEIF": Read("8, 10, 12 bits", "grey, RGB", True, "profile, EXIF, XMP", "pillow-heif"),
    "JXL": Read(
        "1 to 16 bits, floats of 16 and 32",
        "grey, RGB",
        True,
        "profile, EXIF, XMP",
        "imagecodecs, pillow-jxl-plugin",
    ),
    "EXR": Read("floats of 16 and 32 bits, uint32", "any number", True, "—", "OpenEXR"),
    "HDR": Read("floats of 32 bits", "RGB", False, "—", "imagecodecs"),
    "NPY": Read("all of NumPy's numbers, bool", "any number", True, "—"),
}

_WORDS = {"icc_profile": "profile", "dpi": "resolution", "exif": "EXIF", "colour": "gAMA, cHRM, sRGB, cICP"}
_NOTES = """\
¹ Converted to RGB, through the profile if there is one, and said. ² Without the extra 8 bits are read
and said.

Numbers of a depth that no dtype has are stretched so that the largest is white (12 bits: 4095 → 65535);
TIFF's of more than 8 bits are kept as they are, and said. Channels that are neither colours nor alpha
are filtered as channels where the command takes any number of them, and left out with a line elsewhere.

JPEG, AVIF and HEIC are written with loss; so are Radiance HDR, whose colours share an exponent, and
GIF, which holds 256 colours. All others are written without.
"""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _dtypes(names: tuple[str, ...] | None) -> str:
    """Return dtypes in few words."""
    if names is None:
        return "all"
    whole = [name for name in names if "int" in name]
    short = "int and uint 8 to 64" if len(whole) == 8 else ", ".join(whole)
    return ", ".join(filter(None, (short, *(name for name in names if "float" in name)))) or "—"


def written(name: str, one: Format) -> str:
    """Return the row of a format that is written."""
    kept = ", ".join(_WORDS.get(field, field.upper()) for field in one.metadata) or "—"
    channels = "any number" if one.any_channels else ", ".join(COLOURS[count] for count in one.channels)
    endings = ", ".join(f"`{ending}`" for ending in one.endings)
    cells = (_dtypes(one.dtypes), channels, _dtypes(one.with_alpha), kept, one.needs or "—")
    return _row(f"`{name}`", endings, *cells)


def reference() -> str:
    """Return the whole page."""
    if set(READ) != set(KINDS):
        raise ValueError(f"READ and KINDS differ by {set(READ) ^ set(KINDS)}")
    lines = [INTRODUCTION, "## Read", "", _row("kind", "depth", "channels", "alpha", "kept", "needs")]
    lines.append("|---|---|---|---|---|---|")
    for kind in KINDS:
        one = READ[kind]
        lines.append(
            _row(kind, one.depth, one.channels, "yes" if one.alpha else "no", one.kept, one.needs or "—")
        )
    others = ", ".join(f"`{ending}`" for ending in READ_ONLY)
    lines += [
        "",
        f"In folders, names count that end as those below, or in {others}.",
        "",
    ]
    lines += ["## Written", "", "`--format` takes the name, or the file's ending says it.", ""]
    lines.append(_row("name", "endings", "dtypes", "channels", "dtypes with alpha", "kept", "needs"))
    lines.append("|---|---|---|---|---|---|---|")
    lines += [written(name, one) for name, one in FORMATS.items()]
    return "\n".join([*lines, "", _NOTES])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
