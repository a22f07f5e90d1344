"""NumPy's .npy files, whose header is believed only as far as the file goes."""

from __future__ import annotations

import io
import math
import tokenize
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO

from numpy.lib import format as npy
from numpy.typing import NDArray

from convcli.wording import shortened

MOST_HEADER_BYTES = 2**16  # more than NumPy reads of it
# What else than ValueError damaged headers make Python's parser and NumPy's dtypes raise.
UNREADABLE = (
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    RecursionError,
    ArithmeticError,
    MemoryError,
    tokenize.TokenError,
)


def read_npy(stream: BinaryIO, check: Callable[[tuple[int, ...]], None]) -> NDArray[Any]:
    """Return the array of real numbers that an .npy file, from its beginning, holds. Nothing is unpickled.

    No memory is asked for before the size that the header announces is compared with the file's real one, and
    `check` has been called with the shape. The stream can be read anywhere.

    Raises
    ------
    ValueError
        If it is no such file, is cut short, or holds something else; the message says what was found.
    """
    shape, dtype = npy_header(stream)
    _check(shape, dtype, stream.seek(0, io.SEEK_END))
    check(shape)
    stream.seek(0)
    with _without_warnings():
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return array


def npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], Any]:
    """Return the shape and the dtype that an .npy file announces, from its beginning; or raise ValueError.

    The header is text that NumPy reads as a Python literal.
    """
    shape, _, dtype, _ = _header(stream)
    return shape, dtype


def npy_start(stream: IO[bytes]) -> tuple[tuple[int, ...], Any, int, bool]:
    """Return what `npy_layout` does, by the header alone: nothing says that the numbers are there."""
    shape, fortran, dtype, start = _header(stream)
    return shape, dtype, start, fortran


def npy_layout(stream: IO[bytes]) -> tuple[tuple[int, ...], Any, int, bool]:
    """Return shape, dtype, where the numbers begin, and whether they are in Fortran's order.

    Raises ValueError as `read_npy` does. The stream can be read anywhere.
    """
    shape, fortran, dtype, start = _header(stream)
    _check(shape, dtype, stream.seek(0, io.SEEK_END))
    return shape, dtype, start, fortran


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Any, int]:
    stream.seek(0)
    head = io.BytesIO(stream.read(MOST_HEADER_BYTES))
    try:
        with _without_warnings():
            version = npy.read_magic(head)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = read(head)
    except UNREADABLE as error:
        raise ValueError("its header cannot be read") from error
    return shape, fortran, dtype, head.tell()


def _check(shape: tuple[int, ...], dtype: Any, held: int) -> None:
    """Raise ValueError unless it is an array of real numbers for which a file of so many bytes has room."""
    if dtype.hasobject:
        raise ValueError("found Python objects, which are never unpickled")
    if dtype.kind not in "buif":
        raise ValueError(f"found {shortened(str(dtype))}, no real numbers")
    if not all(0 <= side <= held for side in shape) or math.prod(shape) * dtype.itemsize > held:
        raise ValueError(
            f"its header announces {shortened(str(shape))} of {dtype}, the file holds {held:,} bytes"
        )


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep quiet about headers that Python 2 has written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
