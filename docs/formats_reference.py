"""Writes docs/formats.md from the kinds of image files: run `python docs/formats_reference.py` anew."""

from __future__ import annotations

from pathlib import Path

from convcli.images.kind import Format, Kind
from convcli.images.kinds import FORMATS, KINDS, READ_ONLY

TARGET = Path(__file__).with_name("formats.md")
INTRODUCTION = """\
# Image formats

What a file is, is known by its first bytes, not by its name. Its size is looked up before anything is
decoded: more pixels than `--max-pixels` allows are refused. What is converted, left out or read with
fewer bits than the file has is said in one line.

`pip install 'convcli[formats]'` brings what "needs" names; without it such files are refused with that
line.
"""


COLOURS = {1: "grey", 3: "RGB"}
WORDS = {
    "icc_profile": "profile",
    "dpi": "resolution",
    "colour": "gAMA, cHRM, sRGB, cICP",
    "nodata": "the value for no data",
}
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


def _kept(fields: tuple[str, ...]) -> str:
    """Return what is kept besides the pixels, in words."""
    return ", ".join(WORDS.get(field, field.upper()) for field in fields) or "—"


def _dtypes(names: tuple[str, ...] | None) -> str:
    """Return dtypes in few words."""
    if names is None:
        return "all"
    whole = [name for name in names if "int" in name]
    short = "int and uint 8 to 64" if len(whole) == 8 else ", ".join(whole)
    return ", ".join(filter(None, (short, *(name for name in names if "float" in name)))) or "—"


def read(kind: Kind) -> str:
    """Return the row of a kind that is read."""
    one = kind.read
    return _row(
        kind.name, one.bits, one.colours, "yes" if one.alpha else "no", _kept(one.keeps), one.needs or "—"
    )


def written(name: str, one: Format) -> str:
    """Return the row of a format that is written."""
    channels = "any number" if one.any_channels else ", ".join(COLOURS[count] for count in one.channels)
    endings = ", ".join(f"`{ending}`" for ending in one.endings)
    cells = (_dtypes(one.dtypes), channels, _dtypes(one.with_alpha), _kept(one.metadata), one.needs or "—")
    return _row(f"`{name}`", endings, *cells)


def reference() -> str:
    """Return the whole page."""
    lines = [INTRODUCTION, "## Read", "", _row("kind", "depth", "channels", "alpha", "kept", "needs")]
    lines.append("|---|---|---|---|---|---|")
    lines += [read(kind) for kind in KINDS]
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
