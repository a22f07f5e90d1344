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
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from weakref import WeakSet

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
    """This process and helpers that do the parts of a job: each goes to whoever asks first, or all at once.

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
        self._barrier: threading.Barrier | None = None  # of threads

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
        return self._by_processes(lambda processes: processes.run(job, parts))

    @property
    def members(self) -> int:
        """How many do a job together: `size`, or fewer where the system forks no more."""
        return self._forked().members if self._size > 1 and self.forks else self._size

    def together(self, job: Job, parts: int) -> list[Result]:
        """Return what `work` makes of the parts 0 … `parts` − 1, at most `members`, each done by one of them.

        All are at work at the same time, and may wait for each other with `meet`. Errors are those of `run`.
        """
        if self._size == 1:
            return [self._work(job, number) for number in range(parts)]
        if self.forks:
            return self._by_processes(lambda processes: processes.together(job, parts))
        return self._by_threads(job, parts)

    def meet(self) -> None:
        """Return when all that do this job together have come here, as often as the caller."""
        if self._barrier is not None:
            self._barrier.wait()
        elif self._processes is not None:
            self._processes.meet()

    def _forked(self) -> _Processes[Job, Result]:
        if self._processes is None or not self._processes.owned:
            self.close()
            self._processes = _Processes(self._work, self._size - 1)
            self._processes.fork()
        return self._processes

    def _by_threads(self, job: Job, parts: int) -> list[Result]:
        barrier = self._barrier = threading.Barrier(parts)
        errors: list[BaseException] = []  # what came first, not what became of it where others wait

        def work(number: int) -> Result | None:
            try:
                return self._work(job, number)
            except BaseException as error:
                errors.append(error)
                barrier.abort()
                return None

        try:
            results = spread(work, range(parts), parts)
        finally:
            barrier.abort()  # where a thread did not even begin
            self._barrier = None
        if errors:
            raise errors[0]
        return cast(list[Result], results)

    def _by_processes(self, do: Callable[[_Processes[Job, Result]], list[Result]]) -> list[Result]:
        processes = self._forked()
        try:
            return do(processes)
        except BaseException:
            self.close()  # nobody knows how far the others came
            raise

    def close(self) -> None:
        """End the helpers."""
        if self._processes is not None:
            self._processes.close()
            self._processes = None


class _Processes(Generic[Job, Result]):
    """Helpers that are forked processes, and a pipe from which all take the numbers of the parts to do.

    Where all wait for each other, each adds 1 to every other's counter; a member goes on when its own has
    grown by one for each of them. A fast member may have counted twice where a slow one has not yet, but it
    has come here then, since all do before any goes on.
    """

    def __init__(self, work: Callable[[Job, int], Result], helpers: int) -> None:
        self._work, self._wanted = work, helpers
        self._numbers, self._hand_out = os.pipe()
        os.set_blocking(self._numbers, False)
        self._helpers: dict[int, Connection] = {}  # by process
        # Not for programs that are started: only what is forked here knows of them.
        self._counters = [os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) for _ in range(helpers + 1)]
        self._files = [self._numbers, self._hand_out, *self._counters]
        self._owner = os.getpid()
        self._rank = 0
        self._together = 0  # how many do the job in hand together, if they do
        self._arrived = 0  # of the others, less those that had to
        self._pipes: list[Connection] = []  # to those at work on it, or to the first process
        self._answers: dict[Connection, Any] = {}

    def fork(self) -> None:
        from multiprocessing.connection import Pipe  # with sockets and temporary files: for a team alone

        for rank in range(1, self._wanted + 1):
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
                self._rank = rank
                self._serve(theirs)
            theirs.close()
            self._helpers[process] = ours
        _teams.add(self)

    @property
    def owned(self) -> bool:
        """Whether the helpers are this process's own, not those of one that it was forked from."""
        return self._owner == os.getpid()

    @property
    def members(self) -> int:
        return 1 + len(self._helpers)

    def run(self, job: Job, parts: int) -> list[Result]:
        os.write(self._hand_out, bytes(range(parts)))
        return self._shared(job, parts, 0)

    def together(self, job: Job, parts: int) -> list[Result]:
        return self._shared(job, parts, parts)

    def _shared(self, job: Job, parts: int, together: int) -> list[Result]:
        self._pipes = list(self._helpers.values())[: parts - 1]
        self._together = together
        self._answers.clear()
        try:
            for pipe in self._pipes:
                pipe.send((job, together))
            results = self._do_parts(job)
            for pipe in self._pipes:
                if pipe not in self._answers:
                    self._take_answer(pipe)
        except (EOFError, ConnectionError):
            raise ConvcliError(
                "A worker process was killed while it computed. If memory ran out, take fewer --threads."
            ) from None
        for answer in self._answers.values():
            results.update(answer)
        return [results[number] for number in range(parts)]

    def _take_answer(self, pipe: Connection) -> None:
        answer = self._answers[pipe] = _received(pipe)
        if isinstance(answer, Exception):
            raise answer

    def _do_parts(self, job: Job) -> dict[int, Result]:
        """Do the part that is this member's, or parts as long as there are some that nobody has taken."""
        if self._together:
            return {self._rank: self._work(job, self._rank)}
        results = {}
        with suppress(BlockingIOError):
            while True:
                number = os.read(self._numbers, 1)[0]
                results[number] = self._work(job, number)
        return results

    def meet(self) -> None:
        for rank, counter in enumerate(self._counters[: self._together]):
            if rank != self._rank:
                os.eventfd_write(counter, 1)
        self._arrived -= self._together - 1
        until = time.monotonic() + LOOK_SECONDS
        while True:
            with suppress(BlockingIOError):
                self._arrived += os.eventfd_read(self._counters[self._rank])
            if self._arrived >= 0:
                return
            self._miss_nobody(sleep=time.monotonic() > until)

    def _miss_nobody(self, *, sleep: bool) -> None:
        """Wait a moment, or until something comes; raise what has ended a member that others wait for."""
        look = select.poll()
        look.register(self._counters[self._rank], select.POLLIN)
        for pipe in self._pipes:
            if pipe not in self._answers:
                look.register(pipe, select.POLLIN)
        ready = {number for number, _ in look.poll(None if sleep else 0)}
        if not ready:
            os.sched_yield()  # to whoever else has something to do
        for pipe in self._pipes:
            if pipe.fileno() in ready:
                if self._rank:
                    raise EOFError  # the first process has ended: it says nothing to a helper at work
                self._take_answer(pipe)

    def _serve(self, pipe: Connection) -> None:
        """Be a helper, until the process that forked this one closes the pipe or ends, however it ends."""
        try:
            # What stops a program is for its first process to decide: Ctrl-C on a terminal reaches all.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            for other in self._helpers.values():
                other.close()
            self._pipes = [pipe]
            while True:
                job, self._together = _received(pipe)
                try:
                    answer: Any = self._do_parts(job)
                except Exception as error:
                    answer = error
                pipe.send(answer)
        finally:
            os._exit(0)

    def close(self) -> None:
        """End the helpers; in a process that was forked from their first one, only let go of them."""
        for process, pipe in self._helpers.items():
            pipe.close()
            if self.owned:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(process, 0)
        self._helpers.clear()
        for number in self._files:
            os.close(number)
        self._files.clear()


_teams: WeakSet[_Processes[Any, Any]] = WeakSet()


def _let_go() -> None:
    """Close what a fork has copied: a helper sees its first process end when nobody holds its pipe."""
    for processes in _teams:
        processes.close()
    _teams.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _received(pipe: Connection) -> Any:
    """Return the next message, and be there when it comes soon."""
    look = select.poll()
    look.register(pipe, select.POLLIN)
    until = time.monotonic() + LOOK_SECONDS
    while not look.poll(0) and time.monotonic() < until:
        os.sched_yield()  # to whoever else has something to do
    return pipe.recv()
