"""Image files out: only formats that hold the image as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from convcli import files
from convcli.errors import OutputError
from convcli.images.encoding import COMPRESSION, Encoding
from convcli.images.holding import check_fits, kept
from convcli.images.image import Image
from convcli.images.kinds import FORMATS, format_of
from convcli.wording import shown


def encode(
    image: Image,
    format: str,  # noqa: A002
    encoding: Encoding | None = None,
    *,
    compress: int = COMPRESSION,
    threads: int = 1,
) -> bytes:
    """Return `image` as a file of `format`, a name among `FORMATS`.

    What of the metadata the format cannot hold is left out; `kept` says what. `encoding` says how the file is
    made, where a format leaves a choice; without it `compress` and `threads`, which are of PNG files, do.

    Raises
    ------
    UsageError
        If there is no such format.
    OutputError
        If the format cannot hold the image without changing it; the message names one that can.
    """
    encoded = FORMATS[format].encode
    check_fits(image, format)
    how = encoding or Encoding(compress=compress, threads=threads)
    return encoded(kept(image, format)[0], how)


def write(
    path: Path,
    image: Image,
    *,
    format: str | None = None,  # noqa: A002
    encoding: Encoding | None = None,
    force: bool = True,
    confirm: Callable[[], None] | None = None,
    one_of_many: bool = False,
) -> None:
    """Write `image` to where `path` leads, in `format` or the one that the suffix names.

    `encoding` is as in `encode`, the others are those of `files.write`.

    Raises
    ------
    UsageError
        If neither names a known format.
    OutputError
        If the format cannot hold the image, or the file cannot be written.
    """
    try:
        data = encode(image, format or format_of(path), encoding)
    except OutputError as error:
        raise OutputError(f"{shown(path)}: {error}") from error
    files.write(path, data, force=force, confirm=confirm, one_of_many=one_of_many)
