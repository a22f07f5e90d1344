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
from collections.abc import Sequence
from errno import EBUSY
from pathlib import Path
from typing import Any

from convcli.errors import InputError, OutputError, UsageError
from convcli.files import make_folder, open_inside, remove_leftovers, write_inside
from convcli.filtering.chain import DIGITS
from convcli.filtering.claim import Claim, read_record
from convcli.filtering.difference import of_records
from convcli.filtering.jobs import Job
from convcli.wording import shown


class OutDir:
    """The folder that --out-dir names, for results of one ending and one way to make them.

    `places` are the folders of the results: this one, or some below it. There may be `many` of them.

    There is a record for each ending (`sobel.png`), in a hidden file. One for a single image is not begun.
    While results are written there is a second hidden file, the lock.
    """

    def __init__(
        self, folder: Path, ending: str, made: dict[str, Any], places: Sequence[Path], *, many: bool
    ) -> None:
        self.folder, self.many = folder, many
        self.folders = sorted({folder, *places})
        self.made = json.loads(json.dumps(made))  # as it will be read again
        digest = hashlib.sha256(os.fsencode(ending)).hexdigest()[:DIGITS]
        self.path = folder / f".convcli-filter-{digest}.json"
        self.stored = self._read()
        self._thread, self._claim = threading.Lock(), Claim(self.path.with_suffix(".lock"))
        self._ready = False

    def __enter__(self) -> OutDir:
        return self

    def __exit__(self, *_: object) -> None:
        self._claim.leave()

    @property
    def advice(self) -> str:
        """What helps where a result is there already."""
        if self.matches:
            return "--resume keeps what is finished and makes the rest, --force makes all again"
        why = ""
        if self.stored is not None:
            why = f" (the results there were made otherwise: {of_records(self.stored, self.made)})"
        return f"use --force to overwrite it, or another --out-dir{why}"

    @property
    def matches(self) -> bool:
        """Whether the record says that the results there are made as this call makes them."""
        return bool(self.stored == self.made)

    def left_over(self, jobs: Sequence[Job], *, force: bool) -> list[Job]:
        """Return the jobs whose result is not finished; raise as `since` does."""
        since = self.since(force=force)
        return [job for job in jobs if since is None or not is_made(job, since)]

    def since(self, *, force: bool) -> int | None:
        """Return from when on a result that is there is finished (`is_made`), None if none is.

        Raises `UsageError` if the results there are made in another way, unless `force` makes all again.
        """
        if self.matches:
            return self.path.stat().st_mtime_ns
        if self.stored is not None and not force:
            raise UsageError(
                f"{shown(self.folder)}: the results there were made otherwise "
                f"({of_records(self.stored, self.made)}). "
                "Give another --out-dir, or --force to make all of them again."
            )
        return None

    def prepare(self, *, anew: bool) -> None:
        """Make the folder and the record, once, before the first result is written.

        `anew` says that results which are there already no longer count. Raises `OutputError` if the folder
        cannot be made, or another call writes results there that are made otherwise.
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

    def now(self) -> int:
        """Return the time in nanoseconds by the clock that dates the files there, once it is prepared."""
        os.utime(self._claim.path)
        return self._claim.path.stat().st_mtime_ns

    def _agree(self) -> None:
        """Take the folder together with all who write there now, if all make their results in one way."""
        theirs = self._claim.enter(self.made)
        busy = OSError(EBUSY, os.strerror(EBUSY))  # no image could be written
        if theirs is not None:
            number = theirs.get("process")
            who = f"process {number}" if isinstance(number, int) else "another process"
            how = of_records(theirs.get("made") or {}, self.made)
            raise OutputError(
                f"{shown(self.folder)}: {who} is writing results there now, made otherwise ({how}). "
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
                return read_record(file)
        except (OSError, InputError):
            return None


def is_made(job: Job, since: int) -> bool:
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
