"""Image files out: only formats that hold the image as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from convcli import files
from convcli.errors import OutputError
from convcli.images.formats import FORMATS, format_of
from convcli.images.holding import check_fits, kept
from convcli.images.image import Image
from convcli.wording import shown

COMPRESSION = 1
"""How hard a PNG file is compressed unless asked: runs only, no search for repetitions."""


def encode(image: Image, format: str, *, compress: int = COMPRESSION, threads: int = 1) -> bytes:  # noqa: A002
    """Return `image` as a file of `format`, a name among `FORMATS`.

    What of the metadata the format cannot hold is left out; `kept` says what. `compress` (0 to 9) is what a
    PNG file takes in time to be smaller, `threads` how many compress it; other formats know neither.

    Raises
    ------
    UsageError
        If there is no such format.
    OutputError
        If the format cannot hold the image without changing it; the message names one that can.
    """
    encoded = FORMATS[format].encode
    check_fits(image, format)
    return encoded(kept(image, format)[0], compress, threads)


def write(
    path: Path,
    image: Image,
    *,
    format: str | None = None,  # noqa: A002
    compress: int = COMPRESSION,
    threads: int = 1,
    force: bool = True,
    confirm: Callable[[], None] | None = None,
    one_of_many: bool = False,
) -> None:
    """Write `image` to where `path` leads, in `format` or the one that the suffix names.

    `compress` and `threads` are those of `encode`, the others those of `files.write`.

    Raises
    ------
    UsageError
        If neither names a known format.
    OutputError
        If the format cannot hold the image, or the file cannot be written.
    """
    try:
        data = encode(image, format or format_of(path), compress=compress, threads=threads)
    except OutputError as error:
        raise OutputError(f"{shown(path)}: {error}") from error
    files.write(path, data, force=force, confirm=confirm, one_of_many=one_of_many)
