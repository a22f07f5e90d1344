"""Arrays that are reused from call to call, so that a training step allocates nothing large."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array: TypeAlias = NDArray[Any]
Item = TypeVar("Item")

CACHE_LINE = 64
MOST_VIEWS = 256  # to find a view again is faster than to make it; training has some thirty


class Workspace:
    """Scratch arrays by name.

    An array from here keeps its contents until the same name is asked for again. One workspace belongs to
    one thread; whoever wants to keep a result takes a fresh workspace or copies.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}
        self._arrays: dict[tuple[str, tuple[int, ...], DTypeLike], Array] = {}  # views of the buffers

    @property
    def nbytes(self) -> int:
        """What its arrays take in memory."""
        return sum(buffer.nbytes for buffer in self._buffers.values())

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an uninitialised array of `shape`; what backs it grows as asked for and never shrinks."""
        key = name, shape, dtype
        array = self._arrays.get(key)
        if array is None:
            array = self._arrays[key] = self._view(name, shape, np.dtype(dtype))
        return array

    def batch(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return the same for a batch (n, ...): volumes lie in memory as `engine/volumes.py` says."""
        if len(shape) != 4:
            return self.array(name, shape, dtype)
        n, *plane, c = shape
        return self.array(name, (*plane, n, c), dtype).transpose(2, 0, 1, 3)

    def _view(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size or buffer.dtype != dtype:
            self._arrays.clear()  # some may be views of the old buffer
            buffer = self._buffers[name] = _aligned(size, dtype)
        elif len(self._arrays) == MOST_VIEWS:
            self._arrays.clear()
        return buffer[:size].reshape(shape)


def _aligned(size: int, dtype: np.dtype[Any]) -> Array:
    """Return an array that begins with a cache line: vector loads that straddle two cost up to a sixth."""
    raw = np.empty(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return raw[start : start + size * dtype.itemsize].view(dtype)


class FreeList(Generic[Item]):
    """Things that one thread uses at a time, kept, if `keeps` says so, for whoever needs one next."""

    def __init__(self, make: Callable[[], Item], keeps: Callable[[Item], bool] = lambda _: True) -> None:
        self.make, self.keeps = make, keeps
        self._free: list[Item] = []

    @contextmanager
    def lent(self) -> Iterator[Item]:
        """Give one that nobody else is using; after an error it is not used again."""
        try:
            item = self._free.pop()
        except IndexError:
            item = self.make()
        yield item
        if self.keeps(item):
            self._free.append(item)
