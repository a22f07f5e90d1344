"""Pixels that stay in their file: it is mapped into memory, and what is looked at is read.

Where a file is replaced by another, as programs that write whole files do, the old one goes on as it was
for whoever has it mapped. One that is cut short in place has no pixels any more where it had some, and the
system ends a process that looks there (SIGBUS), without a word. So whoever reads for long asks
`check_unchanged` each time before: what remains is the moment between.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.wording import shown


class _Mapping(mmap):
    """A file in memory, and what it was when it was mapped."""

    path: Path
    file: int  # a descriptor of its own
    state: tuple[int, int]

    def now(self) -> tuple[int, int]:
        """Return its length, and when it was last written."""
        status = os.fstat(self.file)
        return status.st_size, status.st_mtime_ns

    def __del__(self) -> None:
        if hasattr(self, "file"):
            os.close(self.file)


def mapped(file: BinaryIO, path: Path, start: int, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Return bytes of an open file, from `start` on, as an array that is read-only.

    Raises InputError if the file has become too short for them.
    """
    size = math.prod(shape)
    try:
        mapping = _Mapping(file.fileno(), start + size, access=ACCESS_READ)
    except ValueError:  # longer than the file
        raise InputError(
            f"{shown(path)} became shorter while it was read. Try again once it is whole."
        ) from None
    mapping.path, mapping.file = path, os.dup(file.fileno())
    mapping.state = mapping.now()
    return np.frombuffer(mapping, np.uint8, size, start).reshape(shape)


def check_unchanged(array: NDArray[Any]) -> None:
    """Raise InputError if these are pixels of a file that was written to since it was mapped."""
    mapping = _mapping_of(array)
    if mapping is None or mapping.now() == mapping.state:
        return
    (before, _), (length, _) = mapping.state, mapping.now()
    what = f"has {length:,} bytes where it had {before:,}" if length != before else "was written to"
    raise InputError(
        f"{shown(mapping.path)} {what} since it was opened; images have to stay as they are while they are "
        "used. Put the file back as it was, or begin anew with what it holds now."
    )


def is_mapped(array: NDArray[Any]) -> bool:
    """Whether an array's bytes lie in a file."""
    return _mapping_of(array) is not None


def _mapping_of(array: NDArray[Any]) -> _Mapping | None:
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    return owner if isinstance(owner, _Mapping) else None
