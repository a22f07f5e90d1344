"""What the lines of a manifest say: each stands by itself, and of several for one result the last counts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from convcli.errors import InputError, reason
from convcli.files import Address, path_of, plain_name
from convcli.filtering.evidence import Evidence
from convcli.wording import shortened, shown, without_secrets

MOST_LINE_BYTES = 2**24
KEPT = frozenset({"pipeline", "pipeline_digest", "options", "out_dir", "error", *Evidence.__match_args__})
"""What is kept in memory of each line that is read; the rest is for other programs."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A line of a manifest, which begins at the byte `start`."""

    start: int
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


def read_manifest(path: Path) -> list[Entry]:
    """Return the lines of a manifest; one at the end that has been cut short, as by a crash, is left out.

    Raises `InputError` where there is no file, or a line is none of a manifest.
    """
    shared = dict[str, Any]()
    try:
        with path.open("rb") as file:
            entries = []
            for start, document in documents(path, file):
                for key in ("pipeline", "options"):  # which many lines have
                    if key in document:
                        document[key] = shared.setdefault(json.dumps(document[key]), document[key])
                entries.append(entry_of(start, document))
            return entries
    except FileNotFoundError as error:
        raise InputError(f"{shown(path)}: no such file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: cannot be read ({reason(error)}).") from error


def documents(path: Path, file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield where each whole line begins, and what it says; `InputError` if one is none of a manifest."""
    start = 0
    for number, line in enumerate(iter(lambda: file.readline(MOST_LINE_BYTES), b""), 1):
        if line.endswith(b"\n"):
            document = document_of(line)
            if document is None:
                found = shortened(line.decode("utf-8", "replace").strip(), 40)
                raise InputError(
                    f"{shown(path)}: line {number}: expected what --manifest writes, a JSON object with "
                    f"`input` and `output`, found {shown(found)!r}."
                )
            yield start, document
        elif len(line) == MOST_LINE_BYTES:
            raise InputError(f"{shown(path)}: line {number} is longer than any of a manifest.")
        start += len(line)


def document_of(line: bytes) -> dict[str, Any] | None:
    """Return what a line says, None if it is none of a manifest."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and isinstance(document.get("input"), str) else None


def entry_of(start: int, document: Mapping[str, Any]) -> Entry:
    """Return what counts of a line."""
    kept = {key: value for key, value in document.items() if key in KEPT}
    return Entry(start, document["input"], target_of(document), kept)


def target_of(document: Mapping[str, Any]) -> str | None:
    """Return the result that a line is of, None where it is none that lasts."""
    target = document.get("output")
    return target if isinstance(target, str) else None


def latest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the last line of each result, by its place, in the order in which they came first."""
    return {place_of(entry.target): entry for entry in entries if entry.target is not None}


def place_of(name: str | os.PathLike[str]) -> str:
    """Return a file's place however it is spelled; links are not followed, and addresses have no secrets."""
    text = os.fspath(name)
    if ":" in text and isinstance(path := path_of(name), Address):
        return without_secrets(str(path))
    return os.path.abspath(plain_name(text))  # noqa: PTH100


def line_number(path: Path, entry: Entry) -> int:
    """Return which line of a manifest an entry is, counted from 1, as the file is now."""
    number, left = 1, entry.start
    with suppress(OSError), path.open("rb") as file:  # it was read a moment ago
        while left and (piece := file.read(min(left, 2**20))):
            number += piece.count(b"\n")
            left -= len(piece)
    return number
