"""What tells an image and its result from others, as a manifest keeps it: sizes, time, on request SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convcli.filtering.jobs import STREAM


@dataclass(frozen=True)
class Evidence:
    """Of an image and its result; None where it is a pipe, or was not asked for."""

    input_bytes: int | None = None
    input_modified: str | None = None  # in UTC, to the nanosecond
    input_sha256: str | None = None
    output_bytes: int | None = None
    output_sha256: str | None = None
    input_etag: str | None = None  # by which a store tells one content of a name from the next

    @classmethod
    def of(cls, source: str | None, target: Path | None, *, hashes: bool) -> Evidence:
        """Return what there is now of an image, or a result, or both; pipes and what is missing have none."""
        found = dict[str, Any]()
        for which, path in (("input", source), ("output", target)):
            if path is None or path == STREAM or not os.path.isfile(path):  # noqa: PTH113
                continue
            with suppress(OSError):
                status = os.stat(path)  # noqa: PTH116
                found[f"{which}_bytes"] = status.st_size
                if which == "input":
                    found["input_modified"] = moment(status.st_mtime_ns)
                if hashes:
                    found[f"{which}_sha256"] = digest_of(Path(path))
        return cls(**found)

    @classmethod
    def recorded(cls, document: Mapping[str, Any]) -> Evidence:
        """Return what a manifest's line has."""
        return cls(**{field.name: document.get(field.name) for field in fields(cls)})

    def joined(self, other: Evidence) -> Evidence:
        """Return this with what `other` has."""
        return replace(self, **other.document())

    def untimed(self) -> Evidence:
        """Return this without the time and the store's own mark, which a copy may not keep."""
        return replace(self, input_modified=None, input_etag=None)

    def document(self) -> dict[str, Any]:
        """Return it as it stands in a manifest."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def change(self, now: Evidence, *, of: str) -> str:
        """Return what differs of `input` or `output` from what there is now, as far as both tell; or nothing.

        A SHA-256 says all, whatever the time, and so does an ETag.
        """
        names = {
            "sha256": "SHA-256",
            "bytes": "size",
            "etag": "ETag",
            "modified": "time of its last change",
        }
        for key, word in names.items():
            then, there = (getattr(one, f"{of}_{key}", None) for one in (self, now))
            if then is not None and there is not None:
                if then != there:
                    return word
                if key in ("sha256", "etag"):
                    break
        return ""


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def moment(nanoseconds: int) -> str:
    """Return a time as text: as a number, other programs would round it.

    >>> moment(1_000_000_000_000_000_001)
    '2001-09-09T01:46:40.000000001Z'
    """
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
