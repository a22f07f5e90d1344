"""The folder of many results, with a record of how they are made, by which `--resume` knows what is finished.

A result is finished if it is there, the record names the same kernel and options as the call, and it is no
older than the record and than the last change of its image. Anything else is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.cli.jobs import Job
from convcli.errors import OutputError, UsageError, shortened, shown

if TYPE_CHECKING:
    from convcli.kernels import Kernel

MOST_RECORD_BYTES = 2**16
DIGITS = 16  # of a digest: nobody will meet two that are alike by chance


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """Return what tells a kernel from all others: its name, and a digest of its weights."""
    digest = hashlib.sha256(kernel.combine.encode())
    for part in kernel.parts:
        digest.update(repr(part.shape).encode() + part.tobytes())
    return {"kernel": kernel.name, "weights": digest.hexdigest()[:DIGITS]}


class OutDir:
    """The folder that --out-dir names, for results of one ending and one way to make them.

    There is a record for each ending (`sobel.png`), in a hidden file. One for a single image is not begun.
    """

    def __init__(self, folder: Path, ending: str, made: dict[str, Any], *, many: bool) -> None:
        self.folder, self.many = folder, many
        self.made = json.loads(json.dumps(made))  # as it will be read again
        digest = hashlib.sha256(os.fsencode(ending)).hexdigest()[:DIGITS]
        self.path = folder / f".convcli-filter-{digest}.json"
        self.stored = self._read()
        self._lock, self._ready = threading.Lock(), False

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
            then, now = self.stored, self.made
            changed = [key for key in {**now, **then} if then.get(key) != now.get(key)]
            words = "; ".join(f"{key}: {then.get(key)} then, {now.get(key)} now" for key in changed)
            raise UsageError(
                f"{shown(self.folder)}: the results there were made otherwise ({shown(shortened(words))}). "
                "Give another --out-dir, or --force to make all of them again."
            )
        return list(jobs)

    def prepare(self, *, anew: bool) -> None:
        """Make the folder and the record, once, before the first result is written.

        `anew` says that results which are there already no longer count.
        """
        with self._lock:
            if self._ready:
                return
            from convcli.files import remove_leftovers, write_inside

            _make(self.folder)
            remove_leftovers(self.folder)
            if (self.many or self.stored is not None) and (anew or not self.matches):
                write_inside(self.path, (json.dumps(self.made, indent=1) + "\n").encode())
            self._ready = True

    def _read(self) -> dict[str, Any] | None:
        """Return the record, None if there is none that can be read."""
        if not self.path.is_file():
            return None
        try:
            with self.path.open("rb") as file:
                stored = json.loads(file.read(MOST_RECORD_BYTES))
        except (OSError, ValueError, RecursionError):
            return None
        return stored if isinstance(stored, dict) else None


def _is_made(job: Job, since: int) -> bool:
    """Whether a job's result is there and no older than `since` and than the last change of its image."""
    if job.target is None:
        return False
    source = Path(job.source)
    try:
        made, image, link = job.target.stat().st_mtime_ns, source.stat(), source.lstat()
    except OSError:
        return False
    # A file that takes another's place may keep an old date of its content, but not of its own last change.
    return made >= max(since, image.st_mtime_ns, image.st_ctime_ns, link.st_ctime_ns)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{shown(folder)}: the folder cannot be made ({error.strerror}).") from error
