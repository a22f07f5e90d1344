"""`convcli show`: images and kernels in the terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.options import MaxPixels
from convcli.cli.output import note, out, out_bytes, out_text, own_words_only
from convcli.cli.terminal import Protocol, screen
from convcli.errors import KernelError, UnknownNameError, UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.images import Image, View
    from convcli.kernels import Kernel
    from convcli.render.screen import Screen

STREAM = "-"
MOST_CELLS = 1000  # characters of a picture, across and down

KERNEL_COLUMNS, KERNEL_LINES = 64, 12
"""Characters that a kernel's weights are shown on, at most: its numbers are below."""


def show(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE|KERNEL",
            help="Image files, - for stdin, or kernels as --kernel takes them: sobel, gaussian:sigma=2, "
            "@FILE, run:RUN#LAYER/FILTER.",
        ),
    ],
    protocol: Protocol = "auto",
    width: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=MOST_CELLS, help="Columns at most; the terminal's unless given."
        ),
    ] = None,
    height: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=MOST_CELLS, help="Lines at most; the terminal's unless given."),
    ] = None,
    max_pixels: MaxPixels = None,
) -> None:
    """Show images in the terminal, or kernels: their weights in colour, and the numbers.

    Transparent parts show a checkerboard. Images of 16 bits are shown in 8; of values that no screen has the
    least is black and the largest white, and a note says so.
    Where standard output is no terminal, pictures are plain characters, @ for white.

    \b
    Examples:
      convcli show photo.jpg
      convcli show sobel
      convcli show photo.png --protocol blocks --width 60
      convcli filter photo.jpg -k sobel --format png -o - | convcli show -
    """
    if what.count(STREAM) > 1:
        raise UsageError("Standard input (-) can be read only once.")
    place = screen(protocol, width=width, height=height)
    for name in what:
        kernel = _kernel(name)
        if kernel is None:
            _show_image(name, place, max_pixels)
        else:
            _show_kernel(kernel, place)


def _kernel(text: str) -> Kernel | None:
    """Return the kernel that a text names, None where it is a file, or is written as one."""
    is_file = text == STREAM or os.path.lexists(text)
    if is_file and not text.startswith(("@", "run:")):
        return None
    from convcli.images import ENDINGS
    from convcli.runs.kernels import parse

    if os.path.splitext(text)[1].lower() in ENDINGS and not text.startswith(("@", "run:")):  # noqa: PTH122
        return None  # and that there is no such file is what is said
    try:
        return parse(text, tell=note)
    except (UnknownNameError, KernelError) as error:
        if isinstance(error, UnknownNameError) or os.sep in text:
            raise UsageError(f"{shown(text)}: no such image file, and no kernel. {error}") from None
        raise


def _show_image(name: str, place: Screen, max_pixels: int | None) -> None:
    from convcli.bounds import MAX_PIXELS
    from convcli.images import read

    if name == STREAM and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal; pipe an image into it.")
    source = sys.stdin.buffer if name == STREAM else Path(name)
    with own_words_only():
        image = read(source, max_pixels=max_pixels or MAX_PIXELS, every=True)
    note(image.notes)
    show_image(image, "standard input" if name == STREAM else name, place)


def show_image(image: Image, name: str, place: Screen) -> None:
    """Show an image, and below it its name, its size, and what its values are."""
    from convcli.images import view
    from convcli.render.shown import caption

    seen = view(image)
    put(seen, place)
    out(f"{shown(name)}  {caption(image)}")
    note(seen.notes)


def _show_kernel(kernel: Kernel, place: Screen) -> None:
    from dataclasses import replace

    from convcli.images import View
    from convcli.render.kernel_heat import heats
    from convcli.render.kernels import kernel_text

    small = replace(place, columns=min(place.columns, KERNEL_COLUMNS), lines=min(place.lines, KERNEL_LINES))
    for pixels in heats(kernel, coloured=place.protocol != "text"):
        put(View(pixels), small)
    out_text(kernel_text(kernel))


def put(view: View, place: Screen) -> None:
    """Write a picture to standard output."""
    from convcli.render.screen import drawn

    out_bytes(drawn(view, place).encode(sys.stdout.encoding or "utf-8", "replace"))
