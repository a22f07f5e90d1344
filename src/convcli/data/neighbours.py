"""The processes of one machine that read the same images: each decodes a part, and all see all of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from mmap import mmap
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from convcli.engine.team import shared_zeros
from convcli.engine.threads import available_cores, share
from convcli.errors import ConvcliError, InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

MEMORY = Path("/dev/shm")  # whose files are memory


class Neighbours:
    """Processes of one machine that read a source together, seen by one of them.

    All call each method, in the same order and with the same; what one of them raises all raise.

    Parameters
    ----------
    place, count
        Which of them this is, from 0, and how many there are.
    exchange
        Returns what all give it, in their order, once all have called it.
    cores
        How many threads or processes this one may work with; all that it may use if not given.
    scans
        Whether this is the process, of those on all machines, that looks at every pixel where that is asked
        for. The others take its word.
    """

    def __init__(
        self,
        place: int = 0,
        count: int = 1,
        exchange: Callable[[Any], list[Any]] = lambda value: [value],
        *,
        cores: int | None = None,
        scans: bool = True,
    ) -> None:
        self.place, self.count, self.scans = place, count, scans
        self._exchange, self._cores = exchange, cores

    @property
    def cores(self) -> int:
        """How many threads or processes this one may work with."""
        return self._cores or available_cores()

    def own(self, count: int) -> range:
        """Return which of `count` things are this one's.

        >>> Neighbours(1, 3).own(7)
        range(2, 4)
        """
        return share(count, self.place, self.count)

    def each(self, items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]) -> list[Result]:
        """Return what `work` makes of all items, in order, of which each takes some that follow each other.

        What `work` leaves in arrays from `room` all see then.
        """
        own = self.own(len(items))
        answers = self._answers(lambda: work(items[own.start : own.stop]))
        return [result for answer in answers for result in answer]

    def once(self, make: Callable[[], tuple[NDArray[Any], Result]]) -> tuple[NDArray[Any], Result]:
        """Return what the first makes: an array, which lies in memory once, and something small."""
        if self.count == 1:
            return make()
        made: list[NDArray[Any]] = []

        def describe() -> Any:
            array, other = make()
            made.append(array)
            return array.shape, array.dtype, other

        shape, dtype, other = self._told(describe)
        array = self.room(int(np.prod(shape)) * dtype.itemsize).view(dtype).reshape(shape)
        if made:
            array[...] = made[0]
        self._exchange(None)
        return array, other

    def room(self, size: int) -> NDArray[np.uint8]:
        """Return so many bytes, all zero, that all of them share, with processes that are forked later too.

        Raises InputError if there is no memory for them.
        """
        if self.count == 1:
            return shared_zeros(size, np.uint8)
        path = self._told(lambda: _file_of(max(size, 1)))
        try:
            with open(path, "r+b") as file:  # noqa: PTH123
                memory = mmap(file.fileno(), max(size, 1))
        finally:
            self._exchange(None)
            if self.place == 0:
                os.unlink(path)  # noqa: PTH108 - it lasts as long as somebody has it mapped
        return np.frombuffer(memory, np.uint8, size)

    def only_first(self, work: Callable[[], None]) -> None:
        """Have the first do something to what all share."""
        self._told(work)

    def _told(self, make: Callable[[], Any]) -> Any:
        """Return what the first makes, which the others are sent."""
        return self._answers(make if self.place == 0 else lambda: None)[0]

    def _answers(self, make: Callable[[], Any]) -> list[Any]:
        """Return what each makes, or raise the first error that one met."""
        try:
            answer: tuple[Any, tuple[str, ...]] = (make(), ())
        except ConvcliError as error:
            if self.count == 1:
                raise
            answer = None, error.lines
        answers = self._exchange(answer)
        for _, fault in answers:
            if fault:
                raise InputError(*fault)
        return [made for made, _ in answers]


ALONE = Neighbours()


def _file_of(size: int) -> str:
    """Return a file of so many bytes, all there: in memory if it has room, or where temporary files go."""
    folders = [str(MEMORY)] if MEMORY.is_dir() else []
    for folder in (*folders, tempfile.gettempdir()):
        number, path = tempfile.mkstemp(prefix="convcli-images-", dir=folder)
        try:
            with suppress(OSError):
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(number, 0, size)
                else:
                    os.truncate(number, size)
                return path
        finally:
            os.close(number)
        os.unlink(path)  # noqa: PTH108
    raise InputError(
        f"Expected room for {size / 2**30:,.2f} GiB of decoded images, which the processes of a machine "
        f"share, in {' or '.join((*folders, tempfile.gettempdir()))}, and found less. Set a smaller "
        "data.size, or TMPDIR to a folder with more room."
    )
