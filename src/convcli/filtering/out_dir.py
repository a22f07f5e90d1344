"""The folder of many results, with a record of how they are made, by which `--resume` knows what is finished.

A result is finished if it is there, the record names the same kernel and options as the call, and it is no
older than the record, and newer than the last change of its image. Anything else is made again. What is
written at the same time is all made in one way: a lock and what stands in it decide.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from errno import EBUSY
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from convcli.errors import InputError, OutputError, UsageError, reason
from convcli.files import lock, make_folder, open_inside, remove_leftovers, write_inside
from convcli.filtering.jobs import STREAM, Job
from convcli.wording import shortened, shown

if TYPE_CHECKING:
    from convcli.kernels import Kernel

Result = TypeVar("Result")

MOST_RECORD_BYTES = 2**16
DIGITS = 16  # of a digest: nobody will meet two that are alike by chance
ATTEMPTS = 3  # to filter an image that is replaced meanwhile
SECONDS_TO_AGREE = 2.0  # another call writes down how it makes its results in a few milliseconds


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """Return what tells a kernel from all others: its name, its parameters, and a digest of its weights."""
    digest = hashlib.sha256(kernel.combine.encode())
    for part in kernel.parts:
        digest.update(repr(part.shape).encode() + part.tobytes())
    parameters = dict(kernel.parameters)
    return {
        "kernel": kernel.name,
        "parameters": parameters,
        "scale": kernel.scale,
        "normalize": kernel.normalized,
        "anchor": kernel.anchor,
        "weights": digest.hexdigest()[:DIGITS],
    }


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what differs in how results were made and are to be made, as its user has it.

    >>> then = {"kernel": "gaussian", "parameters": {"sigma": 8.0}, "weights": "0f", "stride": [1, 1]}
    >>> _differences(then, {**then, "parameters": {"sigma": 7.0}, "weights": "1e", "stride": [2, 2]})
    'gaussian:sigma=8 → 7; stride: 1x1 → 2x2'
    """
    old, new = then.get("parameters") or {}, now.get("parameters") or {}
    parameters = [f"{key}={change}" for key, change in _changes(old, new).items()]
    words = [f"{now.get('kernel')}:{', '.join(parameters)}"] if parameters else []
    if not parameters and then.get("weights") != now.get("weights"):
        words.append(f"the weights of {now.get('kernel')}")
    own = ("kernel", "parameters", "weights")
    words += [f"{key}: {change}" for key, change in _changes(then, now).items() if key not in own]
    return shown(shortened("; ".join(words), 160))


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    changed = [key for key in {**now, **then} if then.get(key) != now.get(key)]
    return {key: f"{_word(then.get(key))} → {_word(now.get(key))}" for key in changed}


def _word(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(_word, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not given" if value is None else str(value).removesuffix(".0")


class ChangedError(Exception):
    """An image is no longer what was read when its result is to be written."""


def settled(source: str, task: Callable[[], Result]) -> Result:
    """Return what `task` returns, which is done again where the image has changed in the meantime.

    Raises
    ------
    InputError
        If it changes all the time.
    """
    for _ in range(ATTEMPTS):
        with suppress(ChangedError):
            return task()
    raise InputError(f"{shown(source)}: it changes while it is filtered; nothing was written.")


def state_of(source: str) -> tuple[int, ...]:
    """Return what changes with an image: which file it is, its size, its times, and the link to it."""
    if source == STREAM:
        return ()
    try:
        file, link = os.stat(source), os.lstat(source)  # noqa: PTH116  (a name may hold a null byte)
    except (OSError, ValueError):  # reading says why
        return ()
    times = file.st_mtime_ns, file.st_ctime_ns, link.st_mtime_ns, link.st_ctime_ns
    return file.st_dev, file.st_ino, file.st_size, link.st_dev, link.st_ino, *times


def check_unchanged(source: str, before: tuple[int, ...]) -> None:
    """Raise `ChangedError` if an image is not what it was before it was read."""
    if state_of(source) != before:
        raise ChangedError


class OutDir:
    """The folder that --out-dir names, for results of one ending and one way to make them.

    `places` are the folders of the results, one for each: this one, or some below it.

    There is a record for each ending (`sobel.png`), in a hidden file. One for a single image is not begun.
    While results are written there is a second hidden file, the lock.
    """

    def __init__(self, folder: Path, ending: str, made: dict[str, Any], places: Sequence[Path]) -> None:
        self.folder, self.many = folder, len(places) > 1
        self.folders = sorted({folder, *places})
        self.made = json.loads(json.dumps(made))  # as it will be read again
        digest = hashlib.sha256(os.fsencode(ending)).hexdigest()[:DIGITS]
        self.path = folder / f".convcli-filter-{digest}.json"
        self.stored = self._read()
        self._thread, self._held = threading.Lock(), _Held(self.path.with_suffix(".lock"))
        self._ready = False

    def __enter__(self) -> OutDir:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.leave()

    @property
    def advice(self) -> str:
        """What helps where a result is there already."""
        if self.matches:
            return "--resume keeps what is finished and makes the rest, --force makes all again"
        why = ""
        if self.stored is not None:
            why = f" (the results there were made otherwise: {_differences(self.stored, self.made)})"
        return f"use --force to overwrite it, or another --out-dir{why}"

    @property
    def matches(self) -> bool:
        """Whether the record says that the results there are made as this call makes them."""
        return bool(self.stored == self.made)

    def left_over(self, jobs: Sequence[Job], *, force: bool) -> list[Job]:
        """Return the jobs whose result is not finished.

        Raises
        ------
        UsageError
            If the results there are made in another way, unless `force` says to make all of them again.
        """
        if self.matches:
            since = self.path.stat().st_mtime_ns
            return [job for job in jobs if not _is_made(job, since)]
        if self.stored is not None and not force:
            raise UsageError(
                f"{shown(self.folder)}: the results there were made otherwise "
                f"({_differences(self.stored, self.made)}). "
                "Give another --out-dir, or --force to make all of them again."
            )
        return list(jobs)

    def prepare(self, *, anew: bool) -> None:
        """Make the folder and the record, once, before the first result is written.

        `anew` says that results which are there already no longer count.

        Raises
        ------
        OutputError
            If the folder cannot be made, or another call writes results there that are made otherwise.
        """
        with self._thread:
            if self._ready:
                return
            make_folder(self.folder)
            self._agree()
            for folder in self.folders:
                make_folder(folder)
                remove_leftovers(folder)
            if (self.many or self.stored is not None) and (anew or not self.matches):
                write_inside(self.path, (json.dumps(self.made, indent=1) + "\n").encode())
            self._ready = True

    def _agree(self) -> None:
        """Take the folder together with all who write there now, if all make their results in one way."""
        theirs = self._held.enter(self.made)
        busy = OSError(EBUSY, os.strerror(EBUSY))  # no image could be written
        if theirs is not None:
            number = theirs.get("process")
            who = f"process {number}" if isinstance(number, int) else "another process"
            differences = _differences(theirs.get("made") or {}, self.made)
            raise OutputError(
                f"{shown(self.folder)}: {who} is writing results there now, made otherwise ({differences}). "
                "Wait for its end, or give another --out-dir."
            ) from busy
        before, self.stored = self.stored, self._read()
        if self.stored not in (before, self.made):
            raise OutputError(
                f"{shown(self.folder)}: another call has made results there in the meantime, otherwise than "
                "this one. Give another --out-dir, or call again."
            ) from busy

    def _read(self) -> dict[str, Any] | None:
        """Return the record, None if there is none that can be read."""
        try:
            with open_inside(self.path) as file:
                return _document(file)
        except (OSError, InputError):
            return None


def _document(file: IO[bytes]) -> dict[str, Any] | None:
    """Return the JSON object in a file, None if there is none."""
    try:
        found = json.loads(file.read(MOST_RECORD_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class _Held:
    """A file that is locked while results are written, by all who make them in the way that stands in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] | None = None

    def enter(self, made: Mapping[str, Any]) -> dict[str, Any] | None:
        """Take part, once; return None, or what those say of themselves who make results in another way.

        Whoever comes first has the file alone while writing into it, and shares it then.
        """
        if self.file is not None:
            return None
        end = time.monotonic() + SECONDS_TO_AGREE
        while True:
            file = self._open()
            try:
                alone = lock(file)
                shared = not alone and lock(file, shared=True)
            except OSError:  # a file system without locks
                self.file = file
                return None
            if self._is_in_place(file) and (alone or shared):
                self.file = file
                if alone:
                    document = {"process": os.getpid(), "made": made}
                    with suppress(OSError):  # on a full disk
                        file.truncate(0)
                        file.write(json.dumps(document).encode())
                    lock(file, shared=True)
                    return None
                file.seek(0)
                theirs = _document(file) or {}
                if theirs.get("made") == made:
                    return None
                self.leave()
                return theirs
            file.close()
            if time.monotonic() > end:
                return {}
            time.sleep(0.01)

    def leave(self) -> None:
        """Take no part any more; the last one removes the file."""
        if self.file is None:
            return
        with suppress(OSError):
            if self._is_in_place(self.file) and lock(self.file):
                self.path.unlink()
        self.file.close()
        self.file = None

    def _open(self) -> IO[bytes]:
        try:
            file = open_inside(self.path, "a+b")
        except OSError as error:
            raise OutputError(f"{shown(self.path)}: cannot be written ({reason(error)}).") from error
        if os.fstat(file.fileno()).st_nlink > 1:
            file.close()
            raise OutputError(f"{shown(self.path)}: a second name of another file; remove it.")
        return file

    def _is_in_place(self, file: IO[bytes]) -> bool:
        """Whether it is still the file of that name, which the last of others may have removed."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.lstat())
        except OSError:
            return False


def _is_made(job: Job, since: int) -> bool:
    """Whether a job's result is there, no older than `since`, and newer than the last change of its image."""
    if job.target is None:
        return False
    source = Path(job.source)
    try:
        made, image, link = job.target.stat().st_mtime_ns, source.stat(), source.lstat()
    except OSError:
        return False
    # A file that takes another's place may keep an old date of its content, but not of its own last change.
    changed = max(image.st_mtime_ns, image.st_ctime_ns, link.st_ctime_ns)
    return made >= since and made > changed
