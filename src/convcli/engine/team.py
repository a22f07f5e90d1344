"""A team that shares the numbered parts of one task: processes forked from this one, or threads.

Threads are not enough for short calls: NumPy lets go of Python's lock only inside a call, and where calls
last microseconds, as in a small network, threads mostly wait for each other. Processes share the arrays made
for it; only a few numbers are sent.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from mmap import mmap
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from convcli.engine.threads import spread
from convcli.engine.workspace import Array
from convcli.errors import ConvcliError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST_PARTS = 256  # a part's number travels as one byte

# How long to look for a message before sleeping. To wake a process takes far longer than to find a message
# while looking, on a virtual machine a good part of a small network's step, which this is longer than.
LOOK_SECONDS = 0.005


def shared_zeros(size: int, dtype: DTypeLike) -> Array:
    """Return `size` zeros in memory that this process shares with those forked from it later.

    Pages that are never written take no memory.
    """
    dtype = np.dtype(dtype)
    return np.frombuffer(mmap(-1, max(size * dtype.itemsize, 1)), dtype, size)


class Team(Generic[Job, Result]):
    """This process and helpers that do the parts of a job, each part going to whoever asks first.

    Helpers know what this process knew at the first `run`, and of all that changed since only what lies in
    arrays from `shared_zeros`. Close the team where they must know more: the next `run` forks new ones.

    They are processes on Linux, in the main thread, and threads elsewhere: other systems cannot fork safely,
    and a thread that forks may be one of a server's many.

    `work(job, number)` does one part; what it takes and returns is small, for it travels through pipes.
    `size` is how many work on a job, this process among them.
    """

    def __init__(self, work: Callable[[Job, int], Result], size: int) -> None:
        self._work, self._size = work, size
        self._processes: _Processes[Job, Result] | None = None

    @property
    def forks(self) -> bool:
        """Whether the helpers are processes."""
        return sys.platform == "linux" and threading.current_thread() is threading.main_thread()

    def run(self, job: Job, parts: int) -> list[Result]:
        """Return what `work` makes of the parts 0 … `parts` − 1, at most 256, in order.

        Raises
        ------
        ConvcliError
            If a helper was killed. An error that `work` raises comes as it is.
        """
        if self._size == 1 or parts <= 1 or not self.forks:
            return spread(lambda number: self._work(job, number), range(parts), self._size)
        if parts > MOST_PARTS:
            raise ValueError(f"expected at most {MOST_PARTS} parts, not {parts}")
        if self._processes is None:
            self._processes = _Processes(self._work, self._size - 1)
        try:
            return self._processes.run(job, parts)
        except BaseException:
            self.close()  # nobody knows how far the others came
            raise

    def close(self) -> None:
        """End the helpers."""
        if self._processes is not None:
            self._processes.close()
            self._processes = None


class _Processes(Generic[Job, Result]):
    """Helpers that are forked processes, and a pipe from which all take the numbers of the parts to do."""

    def __init__(self, work: Callable[[Job, int], Result], helpers: int) -> None:
        from multiprocessing.connection import Pipe  # with sockets and temporary files: for a team alone

        self._work = work
        self._numbers, self._hand_out = os.pipe()
        os.set_blocking(self._numbers, False)
        self._helpers: dict[int, Connection] = {}  # by process
        for _ in range(helpers):
            ours, theirs = Pipe()
            with warnings.catch_warnings():
                # Python warns of other threads, whose locks a child would find taken. A helper takes no lock
                # but the allocator's and OpenBLAS's, and both see to it that a fork leaves them free.
                warnings.simplefilter("ignore", DeprecationWarning)
                try:
                    process = os.fork()
                except OSError:  # the system allows no more; fewer come to the same result
                    ours.close()
                    theirs.close()
                    break
            if process == 0:
                ours.close()
                self._serve(theirs)
            theirs.close()
            self._helpers[process] = ours

    def run(self, job: Job, parts: int) -> list[Result]:
        pipes = list(self._helpers.values())[: parts - 1]
        os.write(self._hand_out, bytes(range(parts)))
        try:
            for pipe in pipes:
                pipe.send(job)
            results = self._do_parts(job)
            answers = [_received(pipe) for pipe in pipes]
        except (EOFError, ConnectionError):
            raise ConvcliError(
                "A worker process was killed while it computed. If memory ran out, take fewer --threads."
            ) from None
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
            results.update(answer)
        return [results[number] for number in range(parts)]

    def _do_parts(self, job: Job) -> dict[int, Result]:
        """Do parts as long as there are some that nobody has taken."""
        results = {}
        with suppress(BlockingIOError):
            while True:
                number = os.read(self._numbers, 1)[0]
                results[number] = self._work(job, number)
        return results

    def _serve(self, pipe: Connection) -> None:
        """Be a helper, until the process that forked this one closes the pipe or ends, however it ends."""
        try:
            # What stops a program is for its first process to decide: Ctrl-C on a terminal reaches all.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            for other in self._helpers.values():
                other.close()
            while True:
                job = _received(pipe)
                try:
                    answer: Any = self._do_parts(job)
                except Exception as error:
                    answer = error
                pipe.send(answer)
        finally:
            os._exit(0)

    def close(self) -> None:
        for process, pipe in self._helpers.items():
            pipe.close()
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(process, 0)
        os.close(self._numbers)
        os.close(self._hand_out)


def _received(pipe: Connection) -> Any:
    """Return the next message, and be there when it comes soon."""
    look = select.poll()
    look.register(pipe, select.POLLIN)
    until = time.monotonic() + LOOK_SECONDS
    while not look.poll(0) and time.monotonic() < until:
        os.sched_yield()  # to whoever else has something to do
    return pipe.recv()
