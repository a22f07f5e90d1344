"""What is under way on a Dask cluster: groups of images, as bytes, and what has come of each.

Dask's objects are handed in; nothing of it is imported here.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import convcli
from convcli.cluster.groups import Killed
from convcli.cluster.listing import Listed
from convcli.errors import ConvcliError, UsageError
from convcli.wording import shown

SECONDS_TO_POLL = 0.01
SECONDS_TO_WAIT = 0.1  # for anything to come back


class Submitted:
    """The groups that are under way."""

    def __init__(self, distributed: Any, client: Any, address: str) -> None:
        self._client, self.address = client, address
        self._killed: type[Exception] = distributed.KilledWorker
        self._completed = distributed.as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self._waiting: dict[str, tuple[Any, Sequence[Listed]]] = {}
        self._task = _task()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, items: Sequence[Listed], errand: bytes, orders: bytes) -> None:
        """Have a group done."""
        key = f"filter-{uuid.uuid4().hex}"
        future = self._client.submit(self._task, convcli.__version__, errand, orders, key=key, pure=False)
        self._waiting[key] = future, items
        self._completed.add(future)

    def ready(self) -> Iterator[tuple[Sequence[Listed], bytes | Killed]]:
        """Yield what has come back, which may be nothing after a moment."""
        end = time.monotonic() + SECONDS_TO_WAIT
        while not self._completed.has_ready() and time.monotonic() < end:
            time.sleep(SECONDS_TO_POLL)
        for future, result in self._completed.next_batch(block=False):
            if future.key in self._waiting:
                _, items = self._waiting.pop(future.key)
                yield items, self._said(future.status, result)

    def _said(self, status: str, result: Any) -> bytes | Killed:
        if status == "finished":
            said: bytes = result
            return said
        if status != "error":
            raise gone(self.address)
        error = result[1]
        if isinstance(error, self._killed):
            return Killed(getattr(error, "allowed_failures", 0) + 1)
        if isinstance(error, ImportError):
            raise UsageError(
                f"A worker cannot filter images ({error}); install convcli {convcli.__version__} on all."
            ) from error
        raise ConvcliError(f"A worker failed: {type(error).__name__}: {error}") from error

    def withdrawn(self) -> Iterator[Sequence[Listed]]:
        """Take back and yield what no worker has begun."""
        sent = {key for keys in self._client.processing().values() for key in keys} & self._waiting.keys()
        begun = set(sent)
        with suppress(Exception):  # a worker that is asked has died
            stacks = self._client.call_stack(keys=list(sent)) if sent else {}
            begun = {key for own in stacks.values() for key in own}
        later = [self._waiting.pop(key) for key in list(self._waiting) if key not in begun]
        self._client.cancel([future for future, _ in later], force=True)
        for _, items in later:
            yield items

    def forget(self) -> None:
        """Take back all, whatever becomes of it."""
        with suppress(Exception):  # the scheduler may be gone
            self._client.cancel([future for future, _ in self._waiting.values()], force=True)
        self._waiting.clear()


def _task() -> Callable[[str, bytes, bytes], bytes]:
    """Return what a worker calls, a function that goes by value: a scheduler need not have convcli."""

    def filter_images(version: str, errand: bytes, orders: bytes) -> bytes:
        import socket

        import convcli

        if convcli.__version__ != version:
            raise ImportError(f"found convcli {convcli.__version__} on {socket.gethostname()}")
        from distributed import get_worker

        from convcli.cluster.errands import work
        from convcli.cluster.staging import within

        with within(get_worker().local_directory):
            return work(errand, orders)

    return filter_images


def gone(address: str) -> ConvcliError:
    """Return the error of a scheduler that has gone."""
    return ConvcliError(
        f"The scheduler at {shown(address)} is gone. Results that are written are whole; with --resume the "
        "same call goes on."
    )
