"""Image files in: upright, as arrays of the values they hold, with what else is true of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from convcli.bounds import MAX_PIXELS
from convcli.images.image import Image
from convcli.images.kind import File
from convcli.images.pillow import reading
from convcli.images.recognition import kind_of
from convcli.images.sources import opened, start


def read(
    source: Path | BinaryIO,
    *,
    luma: bool = False,
    threads: int = 1,
    max_pixels: int = MAX_PIXELS,
    damaged: bool = False,
    every: bool = False,
) -> Image:
    """Return the image in a file or stream, upright: its EXIF orientation is applied.

    One with more than `max_pixels` is refused before it is decoded. Of several pictures in a file (an
    animation, pages) the first is read, and a note says so.

    `luma` says that only the brightness of colours is wanted. A JPEG file has it ready, the same weights of
    red, green and blue that ITU-R 601 gives; then its colours are not decoded at all, and `pixels` are grey.
    These differ from the brightness of the decoded colours by rounding, and more only where a colour was out
    of range and had to be cut. Other files are read in colour nevertheless.

    `damaged` opens a PNG, JPEG, GIF or BMP file as far as it can be decoded; a note says how many rows are
    real.

    `every` says that all channels of images that have others than grey or RGB are wanted, as (h, w, n);
    without it they are left out, with a note.

    Raises
    ------
    InputError
        If there is no file, or it is no image that can be read without loss; the message says what was found.
    """
    with opened(source) as (stream, where), reading(where, max_pixels) as warned:
        head = start(stream)
        file = File(stream, head, kind_of(head, where), where, max_pixels, threads, luma, damaged, every)
        image = file.kind.decode(file).upright()
        return replace(image, notes=(*(f"{where}: {text}" for text in warned), *image.notes))
