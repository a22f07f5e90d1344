"""Many tasks of one command: several at a time, their results in order, and an end where nothing is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from convcli.errors import ConvcliError, DefectError, InputError, reason
from convcli.wording import shown

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_AT_ONCE = 4
"""Images that are worked on at a time: each takes memory, and more would only wait for the disk."""


@contextmanager
def defects_named(source: str) -> Iterator[None]:
    """Turn whatever nobody has expected into an error of the one image that it was met on."""
    try:
        yield
    except (ConvcliError, BrokenPipeError):
        raise
    except MemoryError as error:
        raise InputError(f"{shown(source)}: not enough memory for an image of this size.") from error
    except OSError as error:
        raise InputError(f"{shown(source)}: {reason(error)}.") from error
    except Exception as error:
        raise DefectError(
            f"{shown(source)}: this is a defect in convcli: {type(error).__name__}: {error}",
            "Set CONVCLI_TRACEBACK=1 to see where, and please report it.",
        ) from error


def in_order(
    task: Callable[[Item], Result], items: Sequence[Item], workers: int, stopping: Callable[[], bool]
) -> Iterator[tuple[Item, Future[Result]]]:
    """Yield each item with the outcome of `task`, in order, while `workers` threads are a little ahead.

    Once `stopping` says so, or the caller leaves, nothing more is begun; what has begun comes to its end.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                if stopping():
                    break
                waiting.append((item, pool.submit(task, item)))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft()
            while waiting:
                item, future = waiting.popleft()
                if not (stopping() and future.cancel()):
                    yield item, future
        finally:
            for _, future in waiting:
                future.cancel()
