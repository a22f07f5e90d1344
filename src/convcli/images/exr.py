"""OpenEXR files: the first part as colours and alpha, or channels by name, read by the library of that name.

Source: Academy Software Foundation, Technical Introduction to OpenEXR: names of channels, multiplied colours.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.extras import extra
from convcli.images.bounds import check_pixels
from convcli.images.encoding import Encoding
from convcli.images.image import Image, Pixels
from convcli.images.kind import Decoded, File
from convcli.images.opening import only_first
from convcli.wording import first_of, shown

MOST_SAMPLES = 4
"""A pixel that is allowed, over all parts: the library reads all that there are."""

_BAND = 2**20


def decode(file: File) -> Decoded:
    """Return the picture in an OpenEXR file, of its first part: floats of 16 or 32 bits, or uint32.

    R, G, B and A, or Y and A, are colours and alpha; other channels come by name if all are wanted.
    """
    exr = extra("OpenEXR", "formats", f"{file.where}: an OpenEXR file")
    file.stream.seek(0)
    data = file.stream.read()
    try:
        shape, parts, channels = _read(exr, data, file)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # which name a file that is no more
        raise InputError(f"{file.where}: the image is damaged or cut short.") from error
    notes = [only_first(file.where)] if parts > 1 else []
    pixels, alpha, said = _meaning(file, channels, shape)
    return Decoded(pixels, alpha, notes=(*notes, *said))


def _read(exr: Any, data: bytes, file: File) -> tuple[tuple[int, int], int, dict[str, NDArray[Any]]]:
    """Return rows and columns, how many parts there are, and the channels of the first."""
    with tempfile.TemporaryDirectory() as folder:  # the library reads names alone
        path = Path(folder) / "image.exr"
        path.write_bytes(data)
        parts = exr.File(str(path), separate_channels=True, header_only=True).parts
        shape = _checked([part.header for part in parts], file)
        with _unheard():
            opened = exr.File(str(path), separate_channels=True).parts
        if len(opened) < len(parts):  # those that are damaged are missing, and others in their place
            raise ValueError("a part is damaged")
        channels = {name: np.asarray(one.pixels) for name, one in opened[0].channels.items()}
    return shape, len(parts), channels


_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def _unheard() -> Iterator[None]:
    """Drop what this thread prints: of a damaged part OpenEXR prints a warning to Python's stdout.

    What it says, the part that is missing tells; among results it would be one more.
    """
    with _ONE_AT_A_TIME:
        usual = sys.stdout
        sys.stdout = cast(TextIO, _ForOthers(usual, threading.get_ident()))
        try:
            yield
        finally:
            sys.stdout = usual


class _ForOthers:
    """A stream that takes nothing from one thread; for all others it is the usual one."""

    def __init__(self, stream: TextIO, thread: int) -> None:
        self._stream, self._thread = stream, thread

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        return len(text) if threading.get_ident() == self._thread else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _checked(headers: list[dict[str, Any]], file: File) -> tuple[int, int]:
    """Return the rows and columns of the first part; raise `InputError` if there is too much to read."""
    if any("deep" in str(header.get("type", "")) for header in headers):
        raise InputError(f"{file.where}: an OpenEXR file of deep data has to be flattened first.")
    shapes = [_shape(header) for header in headers]
    check_pixels(*shapes[0], file.most, file.where)
    pairs = zip(shapes, headers, strict=True)
    samples = sum(prod(shape) * len(header["channels"]) for shape, header in pairs)
    if samples > MOST_SAMPLES * file.most:
        raise InputError(
            f"{file.where}: its {len(headers):,} parts have {samples:,} numbers, more than the "
            f"{MOST_SAMPLES * file.most:,} that are read: {MOST_SAMPLES} for each pixel of --max-pixels."
        )
    return shapes[0]


def _shape(header: dict[str, Any]) -> tuple[int, int]:
    low, high = header["dataWindow"]
    return int(high[1]) - int(low[1]) + 1, int(high[0]) - int(low[0]) + 1


def _meaning(
    file: File, channels: dict[str, NDArray[Any]], shape: tuple[int, int]
) -> tuple[Pixels, Pixels | None, list[str]]:
    """Return pixels, alpha, and what to say: of channels that are left out, of a choice among them."""
    notes = []
    whole = {name: one for name, one in channels.items() if one.shape == shape}
    colours = [names for names in (("R", "G", "B"), ("Y",)) if all(name in whole for name in names)]
    names = colours[0] if colours else tuple(sorted(whole))
    if not names:
        raise InputError(f"{file.where}: an OpenEXR file without channels of its whole size cannot be read.")
    alpha = whole["A"].astype(np.float32).clip(0, 1) if colours and "A" in whole else None
    left = sorted(set(channels) - set(names) - ({"A"} if alpha is not None else set()))
    if left:
        notes.append(f"{file.where}: its channels {_listed(left)} were left out.")
    if not colours and len(names) > 1 and not file.every:
        notes.append(f"{file.where}: of its channels {_listed(names)} the first is used.")
        names = names[:1]
    dtype = np.result_type(*(whole[name].dtype for name in names))
    planes = [whole[name].astype(dtype) for name in names]
    pixels = planes[0] if len(planes) == 1 else np.stack(planes, axis=2)
    if alpha is not None and dtype.kind == "f":
        lost = _divide(pixels, alpha)
        if lost:
            notes.append(
                f"{file.where}: {lost:,} colours divided by alpha are more than {dtype.name} holds; "
                "they became its largest number."
            )
    return pixels, alpha, notes


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return first_of([shown(name) for name in names], 8)


def _divide(pixels: Pixels, alpha: Pixels) -> int:
    """Divide colours by the alpha that they are multiplied by, in place; return how many are too large then.

    Colours that alpha 0 was not multiplied into, of light that covers nothing, stay as they are.
    """
    most, lost = np.finfo(pixels.dtype).max, 0
    rows = max(_BAND // pixels.shape[1], 1)
    for first in range(0, len(pixels), rows):
        band, share = pixels[first : first + rows], alpha[first : first + rows].astype(np.float64)
        share = np.where(share > 0, share, 1.0)
        with np.errstate(over="ignore"):
            divided = band / (share if band.ndim == 2 else share[:, :, None])
        beyond = (np.abs(divided) > most) & np.isfinite(band)
        lost += int(np.count_nonzero(beyond))
        band[:] = np.where(beyond, np.copysign(most, divided), divided)
    return lost


def encode(image: Image, _: Encoding) -> bytes:
    """Return an OpenEXR file of float16 or float32, colours multiplied by alpha as it has them."""
    exr = extra("OpenEXR", "formats", "writing OpenEXR files")
    pixels, alpha = image.pixels, image.alpha
    names = ("Y",) if pixels.ndim == 2 else ("R", "G", "B")
    planes = [pixels] if pixels.ndim == 2 else [pixels[:, :, channel] for channel in range(3)]
    if alpha is not None:
        planes = [*(plane * alpha for plane in planes), alpha]
        names = (*names, "A")
    channels = {
        name: np.ascontiguousarray(plane, pixels.dtype) for name, plane in zip(names, planes, strict=True)
    }
    head = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
    with tempfile.TemporaryDirectory() as folder:  # the library writes names alone
        path = Path(folder) / "image.exr"
        exr.File(head, channels).write(str(path))
        return path.read_bytes()
