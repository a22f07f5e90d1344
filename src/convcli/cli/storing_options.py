"""Options of what results are written as: where, which frames, and how a format stores them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from convcli.errors import UsageError

Frames: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--frames",
        metavar="all|N|A-B",
        help="Take all frames of an animation, pages of a TIFF file or images of an .npy stack, or some, "
        "counted from 1. Several make one file (.gif, .png, .webp, .tif, .npy) and keep their durations, or "
        "with -o edges_{frame:03}.jpg a file each; one makes a picture. Each is filtered by itself; --range "
        "stretch is over all.",
    ),
]

Depth: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--depth",
        metavar="8|16",
        help="Bits of a result's samples, whose white is the image's (1 of floats), rounded once at the end. "
        "Without it they stay the image's own.",
    ),
]

Background: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--background",
        metavar="COLOUR",
        help="Lay results that have alpha on a colour (white, '#f80', 'hsl(30, 100%, 50%)'), as JPEG needs; "
        "stored values are mixed, also with --linear. Grey ones on a colour become RGB.",
    ),
]

Quality: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--quality",
        metavar="1..100",
        min=1,
        max=100,
        help="How much of the pixels files keep: JPEG (95 unless given), AVIF and HEIC (90), WebP, JPEG 2000 "
        "(decibels of PSNR) and JPEG XL, which lose nothing unless it is given. Refused for other formats.",
    ),
]

Lossless: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--lossless",
        help="Lose nothing, where a format leaves the choice, as WebP, JPEG 2000 and JPEG XL do; it is their "
        "default. Refused for other formats.",
    ),
]

Strip: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strip",
        help="Leave out EXIF and XMP: camera, place, time, author, history. The colour profile and the "
        "resolution stay, without which the image would look different.",
    ),
]

Output: TypeAlias = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write; - for standard output."),
]

OutDir: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write <stem>_<kernel>.png there for each image.")
]

Format: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="F",
        help="png, jpeg, webp, tiff, bmp, gif, avif, jp2, jxl, heic, exr, hdr, ppm, pgm, pam, "
        "pfm, tga, qoi or npy; else by the file's ending.",
    ),
]

Compress: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="0..9",
        min=0,
        max=9,
        help="How hard PNG files are compressed: 0 not at all; 1, the default, takes a thread some 13 ms "
        "for a million samples; 2 twice as long, for 2 % less; 6 up to six and 9 up to fifty times as "
        "long, for 10 % less with smooth photos and 30 % with drawings.",
    ),
]


def check_numbered(output: str | None, frames: str | None, *, single: bool) -> None:
    """Refuse a frame's number in -o without frames, and where other options need one name (not `single`)."""
    from convcli.filtering.frame_numbers import is_numbered

    if not is_numbered(output):
        return
    if frames is None:
        raise UsageError("-o with {frame} goes with --frames, such as --frames all.")
    if not single:
        raise UsageError("-o with {frame} makes many files; --manifest and --show are for one of each image.")
