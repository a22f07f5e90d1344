"""The size of an image by its header: nothing is decoded."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import PIL.ExifTags
import PIL.Image

from convcli.bounds import MAX_PIXELS
from convcli.errors import InputError
from convcli.formats.npy import npy_header
from convcli.images.bounds import check_head, check_pixels
from convcli.images.kinds import KINDS
from convcli.images.pillow import reading
from convcli.images.recognition import kind_of
from convcli.images.sources import opened, start

_ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations that exchange rows and columns
_GREY_MODES = ("1", "L", "LA", "La", "I", "F")
_HEAD_BYTES = 30


def shape_of(path: Path, most: int = MAX_PIXELS) -> tuple[int, int, int] | None:
    """Return rows, columns (upright) and channels (1 or 3) as the file's header has them.

    None where the header cannot be read, does not say, or is of more than `most` pixels; `read` says why.
    """
    with suppress(InputError, OSError, ValueError, LookupError), reading(str(path), most):
        if path.suffix.lower() == ".npy":
            return _array_shape(path)
        with path.open("rb") as stream:
            check_head(stream.read(_HEAD_BYTES), most, str(path))
            stream.seek(0)
            with PIL.Image.open(stream, formats=[kind.name for kind in KINDS if kind.pillow]) as picture:
                columns, rows = picture.size
                turned = (
                    picture.format != "PNG" or "exif" in picture.info
                )  # else Pillow decodes to look for it
                if turned and picture.getexif().get(PIL.ExifTags.Base.Orientation) in _ON_ITS_SIDE:
                    rows, columns = columns, rows
                grey = picture.mode in _GREY_MODES or picture.mode.startswith("I;16")
                return rows, columns, 1 if grey else 3
    return None


def checked_shape(name: str, most: int) -> tuple[int, int, int] | None:
    """Return what `shape_of` does, of a file that begins as an image does and says that it is not too large.

    Nothing of a pipe is read, which gives everything once. Raises `InputError` as `read` would.
    """
    path = Path(name)
    if path.is_fifo():
        return None
    with opened(path) as (stream, where):
        head = start(stream)
        kind_of(head, where)
        check_head(head, most, where)
    shape = shape_of(path, sys.maxsize)
    if shape is not None:
        check_pixels(shape[0], shape[1], most, where)
    return shape


def _array_shape(path: Path) -> tuple[int, int, int]:
    with path.open("rb") as stream:
        (rows, columns, *rest), _ = npy_header(stream)
    return rows, columns, 3 if rest and rest[0] > 2 else 1
