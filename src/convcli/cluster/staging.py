"""Images and results of stores, on a worker: files in a temporary folder that is removed, come what may."""

from __future__ import annotations

import filecmp
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from convcli.cluster.addresses import Info, store_of
from convcli.errors import ConvcliError, InputError, OutputError, reason
from convcli.files import Address, as_path, is_address
from convcli.filtering.evidence import Evidence, moment
from convcli.filtering.jobs import Job
from convcli.filtering.making import Request
from convcli.filtering.out_dir import is_made
from convcli.filtering.outcomes import Done, Failed
from convcli.wording import shown

_above: ContextVar[str | None] = ContextVar("above", default=None)

_LONGEST_ENDING = 12  # signs: of a name that a store has, and no file system might


class _Staged(NamedTuple):
    """A request as it was, and with files in the place of what is in stores."""

    asked: Request
    here: Request


class Staging:
    """The requests for one image with files of this machine; what is made of them goes to `settled`."""

    def __init__(self, requests: Sequence[Request], folder: Path) -> None:
        job = requests[0].job
        self._source, self._info = job.source, None if not is_address(job.source) else _seen(job.source)
        self._names = dict[str, str]()  # of files here → what people know them by
        source = job.source
        if is_address(source):
            source = self._named(folder / f"image{_ending(as_path(source))}", source)
            _fetch(job.source, Path(source), self._info)
        self._staged = [
            _Staged(one, replace(one, job=self._job(one.job, source, folder / f"result-{number}")))
            for number, one in enumerate(requests)
        ]

    @property
    def requests(self) -> list[Request]:
        """The requests with files."""
        return [one.here for one in self._staged]

    def settled(self, outcomes: Sequence[Done | Failed]) -> list[Done | Failed]:
        """Return what has come of the requests as they were: results are put where they go."""
        return [
            self._settled(staged, outcome) for staged, outcome in zip(self._staged, outcomes, strict=False)
        ]

    def _settled(self, staged: _Staged, outcome: Done | Failed) -> Done | Failed:
        asked, here = staged
        if isinstance(outcome, Failed):
            return Failed(asked.job, self._renamed(outcome.error))
        if isinstance(asked.job.target, Address) and here.job.target is not None:
            try:
                _put(here.job.target, str(asked.job.target), replace=asked.replace)
            except ConvcliError as error:
                return Failed(asked.job, error)
        evidence = outcome.evidence
        if self._info is not None and evidence.input_bytes is not None:
            evidence = evidence.joined(_evidence(self._info))
        notes = tuple(map(self._known, outcome.notes))
        return replace(outcome, job=asked.job, notes=notes, evidence=evidence)

    def _job(self, job: Job, source: str, target: Path) -> Job:
        if not isinstance(job.target, Address):
            return replace(job, source=source)
        target = target.with_suffix(_ending(job.target))
        self._named(target, str(job.target))
        return replace(job, source=source, target=target)

    def _named(self, file: Path, address: str) -> str:
        self._names[str(file)] = shown(address)
        return str(file)

    def _known(self, text: str) -> str:
        """Return a text with the names that people know."""
        for file, address in self._names.items():
            text = text.replace(file, address)
        return text

    def _renamed(self, error: ConvcliError) -> ConvcliError:
        error.args = tuple(map(self._known, error.args))
        return error


@contextmanager
def staged(requests: Sequence[Request]) -> Iterator[Staging]:
    """Yield requests for one image with files in the place of what is in stores.

    Raises `InputError` if the image cannot be had, `OutputError` if there is no room for it.
    """
    above = _above.get()
    try:
        temporary = tempfile.TemporaryDirectory(prefix="convcli-", dir=above, ignore_cleanup_errors=True)
    except OSError as error:
        where = shown(above or tempfile.gettempdir())
        raise OutputError(f"{where}: no temporary folder can be made there ({reason(error)}).") from error
    with temporary as folder:
        yield Staging(requests, Path(folder))


@contextmanager
def within(folder: str) -> Iterator[None]:
    """Have temporary folders made in one that somebody else removes, should this process not come to it."""
    token = _above.set(folder)
    try:
        yield
    finally:
        _above.reset(token)


def is_remote(request: Request) -> bool:
    """Whether a request has to do with a store."""
    return is_address(request.job.source) or isinstance(request.job.target, Address)


def evidence_of(job: Job, *, hashes: bool) -> Evidence:
    """Return what tells an image and its result from others now: of what is in a store without a hash."""
    source = None if is_address(job.source) else job.source
    target = None if isinstance(job.target, Address) else job.target
    found = Evidence.of(source, target, hashes=hashes)
    if source is None and (info := store_of(job.source).info(job.source)) is not None:
        found = found.joined(_evidence(info))
    if target is None and (info := store_of(str(job.target)).info(str(job.target))) is not None:
        found = found.joined(Evidence(output_bytes=info.bytes))
    return found


def is_made_of(job: Job, since: int) -> bool:
    """Whether a job's result, which is a file, is there, no older than `since`, and newer than its image."""
    if not is_address(job.source):
        return is_made(job, since)
    info = _seen(job.source)
    if info is None or info.modified is None or job.target is None:
        return False
    return info.modified < job.target.stat().st_mtime_ns >= since


def _evidence(info: Info) -> Evidence:
    modified = None if info.modified is None else moment(info.modified)
    return Evidence(input_bytes=info.bytes, input_modified=modified, input_etag=info.etag)


def _seen(address: str) -> Info | None:
    """Return what a store says of an image: some that let it be read do not let it be asked for."""
    with suppress(InputError):
        return store_of(address).info(address)
    return None


def _fetch(address: str, file: Path, info: Info | None) -> None:
    store_of(address).fetch(address, file)
    if info is not None and info.bytes not in (None, file.stat().st_size):
        raise InputError(f"{shown(address)}: was changed while it was read; call again.")


def _put(file: Path, address: str, *, replace: bool) -> None:
    """Put a result where it goes; one that is there, and the same to the byte, is as good."""
    store = store_of(address)
    try:
        store.put(file, address, replace=replace)
    except OutputError as error:
        if not isinstance(error.__cause__, FileExistsError):
            raise
        there = file.with_name("there")
        store.fetch(address, there)
        if not filecmp.cmp(file, there, shallow=False):  # of this image alone: no cause that concerns all
            raise OutputError(
                f"{shown(address)} exists already and is another; use --force to overwrite it."
            ) from None


def _ending(name: Path) -> str:
    """Return the ending of a name, as a file's here: it may tell a format."""
    ending = name.suffix
    return ending if len(ending) <= _LONGEST_ENDING and ending[1:].isalnum() else ""
