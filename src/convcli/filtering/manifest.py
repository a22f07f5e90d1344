"""A manifest: a line of JSON for each result of a batch, written as it is done; what it tells a later call.

A line stands by itself: image, result, the pipeline that made it, the options of its file, what was found. Of
several for one result the last counts. A line is written when its result is on the disk, so an end at any
moment may leave a result without its line, and never a line without its result.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import convcli
from convcli.errors import OutputError, UsageError, reason
from convcli.files import Identity, identities, judge, lock, open_descriptor
from convcli.filtering.jobs import Job
from convcli.filtering.manifest_index import Latest
from convcli.filtering.manifest_lines import MOST_LINE_BYTES, place_of
from convcli.filtering.outcomes import Done, Failed
from convcli.wording import shown, without_secrets


def line_of(outcome: Done | Failed, made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line of an outcome; `made` says how its result was to be made."""
    target = outcome.job.target
    line = {
        "input": outcome.job.source,
        "output": None if target is None else str(target),
        **made,
        "convcli": convcli.__version__,
    }
    if isinstance(outcome, Failed):
        return line | {"error": str(outcome.error)}
    found = outcome.found
    return line | {
        **outcome.evidence.document(),
        **({} if outcome.frames is None else {"frames": outcome.frames}),
        "input_shape": list(outcome.input_shape),
        "shape": list(found.shape),
        "dtype": found.dtype.name,
        "range": found.range,
        "minimum": found.minimum if math.isfinite(found.minimum) else None,
        "maximum": found.maximum if math.isfinite(found.maximum) else None,
        "clipped": found.clipped,
        "seconds": round(outcome.seconds, 6),
        "error": None,
    }


def check_apart(file: Path, called: str, jobs: Sequence[Job]) -> None:
    """Raise `UsageError` if a file that is `called` so is an image or a result of a batch itself."""
    own, place = identities([file]), place_of(file)
    for job in jobs:
        names = [job.source, *([] if job.target is None else [str(job.target)])]
        if any(place_of(name) == place for name in names) or own & identities(names):
            raise UsageError(f"{called} is an image or a result itself; name another.")


class Journal:
    """The manifest that a batch writes. `begin` it when all is known to be possible; then `add`, and `close`.

    With `resume` what is there stays, and `latest` has it; `hashes` says that lines have SHA-256. Raises
    `OutputError` or `UsageError` if it may not be written, `InputError` if what is there is no manifest.
    """

    def __init__(
        self, path: Path, *, resume: bool = False, force: bool = False, hashes: bool = False
    ) -> None:
        if os.fspath(path) == "-":
            raise UsageError("--manifest names a file; --json prints a line for each image.")
        self.path, self.resume, self.hashes = path, resume, hashes
        advice = "--resume goes on with it, --force begins it anew"
        target = judge(path, force=force or resume, advice=advice)
        self._place, self._is_stream = target.place, target.is_stream
        self._descriptor = target.descriptor
        there = resume and target.status is not None and not target.is_stream
        self.latest = Latest(path if there else None)
        self._file: IO[bytes] | None = None

    def keep_apart(self, jobs: Sequence[Job], kept: Collection[Identity] = ()) -> None:
        """Raise `UsageError` if the manifest is an image or a result itself, or is to be kept."""
        check_apart(self._place, f"--manifest {shown(self.path)}", jobs)
        if not identities([self._place]).isdisjoint(kept):
            raise UsageError(
                f"--manifest {shown(self.path)} is a kernel's or a pipeline's file; name another."
            )

    def has_made(self, job: Job) -> bool:
        """Whether it says that an earlier call has made a job's result, which may be made again."""
        entry = None if job.target is None else self.latest.get(place_of(job.target))
        return entry is not None and not entry.failed

    def begin(self) -> None:
        """Open the file, for this process alone."""
        try:
            place = self._place if self._descriptor is None else open_descriptor(self._descriptor)
            self._file = file = open(place, "wb" if self._is_stream else "a+b", buffering=0)  # noqa: PTH123, SIM115
            if self._is_stream:
                return
            taken = False
            with suppress(OSError):  # a file system without locks
                taken = not lock(file)
            if taken:
                file.close()
                self._file = None
                raise OutputError(f"{shown(self.path)}: another process writes it now; wait for its end.")
            file.truncate(_whole_lines(file) if self.resume else 0)
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, line: Mapping[str, Any]) -> None:
        """Write a line, so that the system has it whatever becomes of this process."""
        assert self._file is not None
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
        if not text.isprintable():  # a name that is no text, or that turns the order of signs around
            text = json.dumps(line, allow_nan=False)
        text = without_secrets(text)
        data = memoryview(text.encode() + b"\n")
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Have the disk keep it, and give the file free."""
        if self._file is not None:
            with suppress(OSError):
                os.fsync(self._file.fileno())
            self._file.close()  # which gives the lock up, as closing any other opening of it would
            self._file = None
        self.latest.close()

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{shown(self.path)}: cannot be written ({reason(error)}).")


def _whole_lines(file: IO[bytes]) -> int:
    """Return where the last whole line ends: a crash may have cut one short."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(end - MOST_LINE_BYTES, 0)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
