"""Who learns from the same batches: processes, on this machine or others, of which each takes a share.

What is told here is all that a training has to know of them. `ALONE` is a process by itself; `cluster/mpi.py`
has those that MPI has started.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from convcli.engine.workspace import Array

Value = TypeVar("Value")


class Ranks(Protocol):
    """Processes that do the same steps, seen by one of them. All call each method, in the same order."""

    @property
    def rank(self) -> int:
        """Which of them this is, from 0, which alone writes and prints."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def beside(self) -> int:
        """How many of them are on this machine, itself among them."""

    @property
    def plain(self) -> bool:
        """Whether gradients are added by `add`, in whatever order, and not in the tree of one process."""

    def swap(self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]) -> None:
        """Give every rank its part of `send`, bytes, and get one from each into `receive`: (n,) uint8.

        `sent` and `received` are how many bytes go to each rank and come from it; parts follow each other.
        """

    def collect(self, rows: Array, counts: Sequence[int]) -> None:
        """Have in `rows`, contiguous, what each rank has written of it: `counts` numbers, in their order."""

    def add(self, numbers: Array) -> None:
        """Have in `numbers`, contiguous, the sum of those of all ranks, in whatever order it comes."""

    def same(self, value: Value) -> Value:
        """Return what the first rank calls this with."""

    def first(self, count: int) -> Ranks:
        """Return the first `count` as ranks of their own, for those to call; the others get no use of it."""


class _Alone:
    """A process by itself."""

    rank, size, beside, plain = 0, 1, 1, False

    def swap(self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]) -> None:
        receive[:] = send

    def collect(self, rows: Array, counts: Sequence[int]) -> None:
        pass

    def add(self, numbers: Array) -> None:
        pass

    def same(self, value: Value) -> Value:
        return value

    def first(self, count: int) -> Ranks:
        return self


ALONE: Ranks = _Alone()
