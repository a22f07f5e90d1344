"""`convcli preview`: what kernels and steps make of a picture, on one sheet."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from convcli.cli.contact import Place, Range, Show, Side, try_on
from convcli.cli.options import Force, Json, MaxPixels
from convcli.cli.output import note, own_words_only
from convcli.cli.picture_file import Output
from convcli.cli.terminal import Protocol, check_protocol
from convcli.errors import InputError, UsageError
from convcli.wording import shown

STREAM = "-"


def preview(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image file, or - for stdin.")],
    kernels: Annotated[
        str | None,
        typer.Option(
            metavar="all|edges|blur|NAME,NAME",
            help="Which to try: all kernels, those that find edges or blur, a group of `convcli kernels`, or "
            "names of kernels and steps with their options. all, unless --vary or --step say otherwise.",
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:KEY=V,V,…",
            help="Try several values of an option: gaussian:sigma=1,2,4. Repeatable.",
        ),
    ] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP",
            help="Show a chain as it grows, step by step, as `filter --step` does it. Repeatable.",
        ),
    ] = None,
    output: Output = None,
    side: Side = 320,
    crop: Annotated[
        bool,
        typer.Option(
            "--crop",
            help="Try them on the picture's middle as it is; otherwise on all of it, brought to 8 bits and "
            "the size on the sheet.",
        ),
    ] = False,
    range: Range = "auto",  # noqa: A002  (the option's name)
    show: Show = False,
    protocol: Protocol = "auto",
    max_pixels: MaxPixels = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Try kernels and steps on a picture: a sheet with the original and each result, and their names.

    Without -o the sheet is <stem>_preview.png beside the image; with --show alone nothing is written.

    \b
    Examples:
      convcli preview photo.jpg
      convcli preview photo.jpg --kernels edges -o edges.png
      convcli preview photo.jpg --vary gaussian:sigma=1,2,4 --vary canny:sigma=1,2
      convcli preview photo.jpg --step gaussian:sigma=1.4 --step sobel --step threshold --show
      convcli preview scan.tif --kernels sharpening --crop
    """
    from convcli.bounds import MAX_PIXELS
    from convcli.filtering.trials import named, piece, reduced, trials, varied
    from convcli.images import read
    from convcli.runs.kernels import parse

    check_protocol(protocol, show=show)
    texts = named(kernels or "all") if kernels or not (vary or step) else []
    texts += [text for one in vary or () for text in varied(one)]
    listed = trials(texts, step or (), read=partial(parse, tell=note), range=range)
    if image == STREAM and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal; pipe an image into it.")
    place = Place(
        output=output if output or show else _beside(image),
        inputs=[image],
        protocol=protocol if show else None,
        force=force,
        json=json,
    )
    place.check()
    with own_words_only():
        source = sys.stdin.buffer if image == STREAM else Path(image)
        whole = read(source, max_pixels=max_pixels or MAX_PIXELS, every=True)
    note(whole.notes)
    small = piece(whole, side, side) if crop else reduced(whole, side)
    rows, columns = small.pixels.shape[:2]
    of = "its middle" if crop else "all of it"
    eight = "" if small.pixels.dtype == whole.pixels.dtype else f", {whole.pixels.dtype} brought to 8 bits"
    words = f"Laid on {of}, {rows} high and {columns} wide{eight}."
    try_on(small, "standard input" if image == STREAM else image, listed, side, place, words)


def _beside(image: str) -> str:
    if image == STREAM:
        return "stdin_preview.png"
    if not Path(image).name:
        raise InputError(f"{shown(image) or 'Nothing'}: expected an image file, found no name of one.")
    return str(Path(image).with_name(f"{Path(image).stem}_preview.png"))
