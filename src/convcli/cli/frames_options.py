"""Options of what results are written as: which frames, and how a format stores them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Frames: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--frames",
        metavar="all|N|A-B",
        help="Take all frames of an animation, pages of a TIFF file or images of an .npy stack, or some, "
        "counted from 1. Several make one file (.gif, .png, .webp, .tif, .npy) and keep their durations; one "
        "makes a picture. Each is filtered by itself; --range stretch is over all.",
    ),
]
