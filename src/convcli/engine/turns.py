"""Tasks that take turns: one runs at a time, and all come to each place where they wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Generic, TypeVar

from convcli.errors import ConvcliError

Result = TypeVar("Result")


class Turns(Generic[Result]):
    """Tasks of one worker, each a thread, of which one runs and the others stand.

    A task that calls `wait` lets the next run up to the same place. When all stand there, `meet` is called
    once, and they go on in the same order. So each stays straight code, and what is in memory is what they
    keep; a turn costs what it takes to hand over a lock.

    Attributes
    ----------
    meetings
        How often all have waited for each other.
    """

    def __init__(self, meet: Callable[[], None]) -> None:
        self.meetings = 0
        self._meet = meet
        self._locks: list[Lock] = []
        self._running = 0
        self._error: BaseException | None = None

    def run(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Return what `tasks`, at least one, give, in order. The first is run by this thread.

        Raises
        ------
        ConvcliError
            If the system starts no more threads. An error that a task raises comes as it is; the others end
            where they wait.
        """
        results: dict[int, Result] = {}
        self._locks = [Lock() for _ in tasks]
        for lock in self._locks[1:]:
            lock.acquire()

        def take(number: int) -> None:
            try:
                self._stand(number)
                results[number] = tasks[number]()
                self._hand_on(number)
            except _Ended:
                pass
            except BaseException as error:
                self._end(error)

        others = [Thread(target=take, args=(number,), daemon=True) for number in range(1, len(tasks))]
        started = []
        for thread in others:
            try:
                thread.start()
            except RuntimeError as error:
                wanted = (
                    f"A batch in {len(tasks)} pieces needs a thread for each, and the system starts no more"
                )
                self._end(ConvcliError(f"{wanted} ({error}). Set a smaller training.batch_size."))
                break
            started.append(thread)
        take(0)
        for thread in started:
            thread.join()
        if self._error is not None:
            raise self._error
        return [results[number] for number in range(len(tasks))]

    def wait(self) -> None:
        """Return when every task has come here; called by the task whose turn it is."""
        number = self._running
        if number == len(self._locks) - 1:
            self._meet()
            self.meetings += 1
        self._hand_on(number)
        self._stand(number)

    def _stand(self, number: int) -> None:
        self._locks[number].acquire()
        if self._error is not None:
            raise _Ended

    def _hand_on(self, number: int) -> None:
        if self._error is not None:  # of the first one, which an interruption can reach while it stands
            raise _Ended
        self._running = (number + 1) % len(self._locks)
        self._locks[self._running].release()

    def _end(self, error: BaseException) -> None:
        """Let all end: those that stand at once, one that runs when it comes to wait."""
        self._error = self._error or error
        for lock in self._locks:
            with suppress(RuntimeError):  # nobody stands there
                lock.release()


class _Ended(BaseException):
    """Another task has failed."""
