"""A manifest: a line of JSON for each result of a batch, written as it is done; what it tells a later call.

A line stands by itself: image, result, the pipeline that made it, the options of its file, what was found. Of
several for one result the last counts. A line is written when its result is on the disk, so an end at any
moment may leave a result without its line, and never a line without its result.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import convcli
from convcli.errors import InputError, OutputError, UsageError, reason
from convcli.files import identities, judge, lock
from convcli.filtering.evidence import Evidence
from convcli.filtering.jobs import Job
from convcli.filtering.outcomes import Done, Failed
from convcli.wording import shortened, shown

MOST_LINE_BYTES = 2**24
KEPT = frozenset({"pipeline", "pipeline_digest", "options", "out_dir", "error", *Evidence.__match_args__})
"""What is kept in memory of each line that is read; the rest is for other programs."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A line of a manifest."""

    number: int
    source: str
    target: str | None
    document: Mapping[str, Any]

    @property
    def failed(self) -> bool:
        """Whether there is no result."""
        return self.document.get("error") is not None

    @property
    def evidence(self) -> Evidence:
        """What told the image and the result from others."""
        return Evidence.recorded(self.document)


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


def read_manifest(path: Path) -> list[Entry]:
    """Return the lines of a manifest; one at the end that has been cut short, as by a crash, is left out.

    Raises `InputError` where there is no file, or a line is none of a manifest.
    """
    try:
        with path.open("rb") as file:
            entries, shared = [], dict[str, Any]()
            for number, line in enumerate(iter(lambda: file.readline(MOST_LINE_BYTES), b""), 1):
                if line.endswith(b"\n"):
                    entries.append(_entry(path, number, line, shared))
                elif len(line) == MOST_LINE_BYTES:
                    raise InputError(f"{shown(path)}: line {number} is longer than any of a manifest.")
            return entries
    except FileNotFoundError as error:
        raise InputError(f"{shown(path)}: no such file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: cannot be read ({reason(error)}).") from error


def _entry(path: Path, number: int, line: bytes, shared: dict[str, Any]) -> Entry:
    """Return what a line says; `shared` holds the tables that many lines have."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("input"), str):
        found = shortened(line.decode("utf-8", "replace").strip(), 40)
        raise InputError(
            f"{shown(path)}: line {number}: expected what --manifest writes, a JSON object with `input` and "
            f"`output`, found {shown(found)!r}."
        )
    kept = {key: value for key, value in document.items() if key in KEPT}
    for key in ("pipeline", "options"):
        if key in kept:
            kept[key] = shared.setdefault(json.dumps(kept[key]), kept[key])
    target = document.get("output")
    return Entry(number, document["input"], target if isinstance(target, str) else None, kept)


def latest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the last line of each result, by its place, in the order in which they came first."""
    return {place_of(entry.target): entry for entry in entries if entry.target is not None}


def place_of(name: str | os.PathLike[str]) -> str:
    """Return a file's place however it is spelled; links are not followed."""
    return os.path.abspath(name)  # noqa: PTH100


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
        there = resume and target.status is not None and not target.is_stream
        self.latest = latest(read_manifest(path)) if there else {}
        self._file: IO[bytes] | None = None

    def keep_apart(self, jobs: Sequence[Job]) -> None:
        """Raise `UsageError` if the manifest is an image or a result of the batch itself."""
        own, place = identities([self._place]), place_of(self._place)
        for job in jobs:
            names = [job.source, *([] if job.target is None else [str(job.target)])]
            if any(place_of(name) == place for name in names) or own & identities(names):
                raise UsageError(
                    f"--manifest {shown(self.path)} is an image or a result itself; name another."
                )

    def begin(self) -> None:
        """Open the file, for this process alone."""
        try:
            self._file = file = open(self._place, "wb" if self._is_stream else "a+b", buffering=0)  # noqa: PTH123, SIM115
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
            self._file.close()
            self._file = None

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
