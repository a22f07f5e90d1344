"""Groups of images, and Dask: how they get to its workers, and what has come of them back.

Dask schedules, notices that a worker has died, and has its groups done elsewhere. Here is what it does not
know: how many groups may be under way, and which image it is that ends one worker after the other.
"""

from __future__ import annotations

import logging
import pkgutil
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any

import convcli
from convcli.cluster import LOCAL
from convcli.cluster.groups import Killed, Remaining
from convcli.cluster.listing import Listed
from convcli.cluster.sending import Submitted, gone
from convcli.engine.threads import available_cores
from convcli.errors import InputError, UsageError
from convcli.extras import extra
from convcli.wording import first_of, shown

SILENT = logging.CRITICAL + 1
SECONDS_TO_CONNECT = 10
SECONDS_TO_LOOK = 1.0  # again for workers, of which there may be more or fewer
GROUPS_A_THREAD = 2  # one under way, and one that is there already when that is done

DEAF = """
import signal
for name in ("SIGINT", "SIGHUP"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
"""
"""For workers of our own, who end what they have begun: Ctrl-C goes to all processes of a terminal."""

WHOLE_BLOCKS, LARGEST_BLOCK = "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_", 2**25
"""Dask has its workers' C library give memory back early, which then asks the system for each array's anew; a
photo's filtering spends a fifth of its time on that. Up to the most that the library allows it is kept."""


@contextmanager
def connected(address: str, *, processes: int | None, tell: Callable[[str], None]) -> Iterator[Cluster]:
    """Yield the cluster at an address, or of processes on this machine; it is left, or ended, afterwards.

    Raises `MissingExtraError` where Dask is not installed, `InputError` if there is no scheduler, and
    `UsageError` if workers have no convcli, or another version.
    """
    extra("dask", "dask", "filter --cluster")
    distributed = extra("distributed", "dask", "filter --cluster")
    client = own = None
    with _unlogged():
        try:
            if address == LOCAL:
                own = _started(distributed, processes)
            client = _client(distributed, address if own is None else own)
            cluster = Cluster(distributed, client, address)
            cluster.check_workers()
            tell(cluster.greeting())
            yield cluster
        finally:
            for one in (client, own):
                if one is not None:
                    with suppress(Exception):  # it is gone already
                        one.close(timeout=SECONDS_TO_CONNECT)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep Dask from logging to the terminal, as it does by itself: what is to be said is said here."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(SILENT)
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _started(distributed: Any, processes: int | None) -> Any:
    """Return a cluster of as many processes as cores, each of one thread and its share of the memory."""
    from dask import config

    config.set({"distributed.worker.preload": [DEAF], WHOLE_BLOCKS: LARGEST_BLOCK})
    with warnings.catch_warnings():
        # That the usual port of the dashboard is taken: its address is printed.
        warnings.simplefilter("ignore")
        return distributed.LocalCluster(
            n_workers=processes or available_cores(),
            threads_per_worker=1,
            silence_logs=SILENT,
            dashboard_address="127.0.0.1:8787",
        )


def _client(distributed: Any, address: Any) -> Any:
    try:
        return distributed.Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise InputError(
            f"--cluster {shown(str(address))}: no scheduler answers there for {SECONDS_TO_CONNECT} seconds. "
            "Start one with `dask scheduler`, or take --cluster local."
        ) from error
    except (ValueError, ImportError) as error:  # of a protocol that there is none of, or that needs a package
        raise UsageError(f"--cluster {shown(str(address))}: {error}.") from error


class Cluster:
    """Workers that a scheduler knows; how many there are may change at any time."""

    def __init__(self, distributed: Any, client: Any, address: str) -> None:
        self._distributed, self._client, self.address = distributed, client, address
        self._threads, self._looked = 0, 0.0
        self.workers: frozenset[str] = frozenset()
        self._lost = False  # a worker

    @property
    def is_local(self) -> bool:
        """Whether it is of processes on this machine."""
        return self.address == LOCAL

    def greeting(self) -> str:
        """Return who is there, and where Dask's dashboard is."""
        threads = self.threads()
        who = f"{len(self.workers):,} worker{'' if len(self.workers) == 1 else 's'}"
        place = "this machine" if self.is_local else shown(self.address)
        text = f"Dask on {place}: {who}, {threads:,} thread{'' if threads == 1 else 's'}"
        with self._connected():
            if not self._client.scheduler_info(n_workers=0).get("services"):
                return text
            try:
                self._client.run_on_scheduler(metadata.version, "bokeh")
            except metadata.PackageNotFoundError:
                return f"{text}; for its dashboard: pip install bokeh, where the scheduler runs"
        return f"{text}; dashboard: {self._client.dashboard_link}"

    def threads(self) -> int:
        """Return how many threads all workers have together, as of a moment ago."""
        if time.monotonic() - self._looked > SECONDS_TO_LOOK:
            with self._connected():
                found = dict(self._client.nthreads())
            self._lost |= not self.workers <= found.keys()
            self.workers, self._threads = frozenset(found), sum(found.values())
            self._looked = time.monotonic()
        return self._threads

    def has_lost_workers(self) -> bool:
        """Whether a worker that was there is not any more."""
        self._looked = 0.0
        self.threads()
        return self._lost

    def check_workers(self) -> None:
        """Raise `UsageError` if a worker has no convcli, or another version; later ones say so themselves."""
        with self._connected():
            found = self._client.run(pkgutil.resolve_name, "convcli:__version__", on_error="return")
        others = {
            worker: said
            for worker, said in found.items()
            if said != convcli.__version__ and isinstance(said, str | ImportError | AttributeError)
        }
        if others:
            names = first_of([shown(worker) for worker in others], 2)
            versions = {said if isinstance(said, str) else "none" for said in others.values()}
            raise UsageError(
                f"{len(others):,} of {len(found):,} workers ({names}) have another convcli: here is "
                f"{convcli.__version__}, there {' and '.join(sorted(versions))}. Install the same on all."
            )

    def answers(
        self,
        errand: bytes,
        remaining: Remaining,
        packed: Callable[[Sequence[Listed]], bytes],
        *,
        stopping: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> Generator[tuple[Sequence[Listed], bytes | Killed], None, None]:
        """Yield groups of images with what a worker said of them, as it comes; it is told of them `packed`.

        Once `stopping` says so, nothing more is begun, and what is under way is waited for. Raises
        `ConvcliError` if the scheduler is gone, or a worker knows nothing of such errands.
        """
        submitted = Submitted(self._distributed, self._client, self.address)
        stopped = waiting = False
        try:
            while True:
                looked = self._looked
                room = GROUPS_A_THREAD * self.threads()
                if stopping() and (not stopped or looked != self._looked):  # again: one may have died since
                    stopped = True
                    with self._connected():
                        for items in submitted.withdrawn():
                            remaining.put_back(items)
                while not stopped and len(submitted) < room:
                    if not (items := remaining.take(self._threads, under_way=len(submitted))):
                        break
                    submitted.add(items, errand, packed(items))
                if not submitted and (stopped or room):
                    return
                waiting = self._said_waiting(waiting, tell)
                for items, said in submitted.ready():
                    if isinstance(said, Killed):
                        self._lost = True
                        if not remaining.is_guilty(items):
                            continue
                    else:
                        remaining.cleared()
                    yield items, said
        finally:
            submitted.forget()

    def _said_waiting(self, said: bool, tell: Callable[[str], None]) -> bool:
        """Say once that there are no workers, until there are some."""
        if not self._threads and not said:
            tell(f"there are no workers at {shown(self.address)} now; waiting for some (Ctrl-C ends)")
        return not self._threads

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except (OSError, TimeoutError, RuntimeError) as error:
            raise gone(self.address) from error
