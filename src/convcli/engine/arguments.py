"""What the public functions take: real numbers, in batches of volumes. Here alone are dtypes judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcli.engine.workspace import Array
from convcli.errors import ShapeError, UsageError
from convcli.wording import shortened

REAL = "buif"  # NumPy's letters for bool, unsigned, signed and floating
OTHERS = {
    "c": "complex numbers",
    "O": "Python's own objects",
    "U": "text",
    "S": "bytes",
    "M": "dates",
    "m": "spans of time",
    "V": "records",
}


def real(values: ArrayLike, what: str) -> Array:
    """Return `values` as an array, or raise UsageError if they are not real numbers.

    >>> real([[1, 2], [3, 4]], "a plane").shape
    (2, 2)
    >>> real([1j], "a plane")
    Traceback (most recent call last):
    convcli.errors.UsageError: Expected a plane of real numbers, found complex numbers (complex128).
    """
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        raise UsageError(f"Expected {what} of real numbers, found no array: {error}") from None
    if array.dtype.kind not in REAL:
        raise UsageError(f"Expected {what} of real numbers, found {_words(array.dtype)}.")
    # Importing numpy.ma takes longer than most calls.
    if hasattr(values, "filled") and np.ma.is_masked(values):
        raise UsageError(
            f"Expected {what} of real numbers, found masked ones: fill them first, with .filled()."
        )
    return array


def finite(value: ArrayLike, what: str) -> float:
    """Return `value` as a float, or raise UsageError if it is not one finite real number."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        array = np.zeros(2)
    if array.ndim or array.dtype.kind not in REAL or not np.isfinite(array):
        raise UsageError(f"{what} must be a finite number, not {shortened(repr(value))}.")
    return float(array)


def _words(dtype: np.dtype[Any]) -> str:
    return f"{OTHERS.get(dtype.kind, 'others')} ({dtype})"


def computing_dtype(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
    """Return float32 if it holds every value of `dtypes`, float64 for wider reals.

    >>> computing_dtype(np.dtype(np.uint16)), computing_dtype(np.dtype(np.int32))
    (dtype('float32'), dtype('float64'))
    """
    for dtype in dtypes:
        if dtype.kind not in REAL:
            raise UsageError(f"Expected real numbers, found {_words(dtype)}.")
    return np.dtype(np.float32 if all(np.can_cast(d, np.float32) for d in dtypes) else np.float64)


def volumes(x: ArrayLike, axes: str = "(n, h, w, c)") -> Array:
    """Return a batch of volumes, which may be empty, while the volumes may not; or raise an error."""
    array = real(x, "x")
    if array.ndim != 4:
        raise ShapeError(f"x must be {axes}, not {array.shape}.")
    if 0 in array.shape[1:]:
        raise ShapeError(f"x must be {axes} with at least one row, column and channel, not {array.shape}.")
    return array


def gradient(dy: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return dy, of the output's `shape`, or raise an error."""
    array = real(dy, "dy")
    if array.shape != shape:
        raise ShapeError(f"dy must have the output's shape {shape}, not {array.shape}.")
    return array
