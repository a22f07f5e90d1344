"""Tasks on several threads, and what they come to in order, as it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    task: Callable[[Item], Result], items: Sequence[Item], workers: int, stopping: Callable[[], bool]
) -> Generator[tuple[Item, Future[Result]], None, None]:
    """Yield each item with the outcome of `task`, in order, while `workers` threads are a little ahead.

    Once `stopping` says so, or the caller closes it, nothing more is begun; what has begun comes to its end.
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
