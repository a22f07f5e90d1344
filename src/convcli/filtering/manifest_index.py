"""Which line of a manifest counts for each place, in 16 bytes a line, however many it has.

Of each line there are a hash of its result's place and the byte at which it begins. The line itself is read
again when it is asked for, and shows whether it is of that place.
"""

from __future__ import annotations

import os
import threading
import weakref
from array import array
from hashlib import blake2b
from pathlib import Path

import numpy as np

from convcli.errors import InputError, reason
from convcli.filtering.manifest_lines import (
    MOST_LINE_BYTES,
    Entry,
    document_of,
    documents,
    entry_of,
    place_of,
    target_of,
)
from convcli.wording import shown

_PIECE = 2**12  # bytes, which most lines are shorter than


class Latest:
    """The last line of each place in a manifest; of none, where `path` is None.

    The file stays open until `close`: another one that takes its name in the meantime is not read. It may
    grow. Several threads may ask at once. Raises `InputError` as `read_manifest` does.
    """

    def __init__(self, path: Path | None) -> None:
        self.path, self._turn = path, threading.Lock()
        keys, starts = array("Q"), array("Q")
        self._file = -1
        if path is not None:
            try:
                # Not closed with a file object's end, which would give up the lock of whoever writes it.
                self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
                self._closing = weakref.finalize(self, os.close, self._file)
                with open(self._file, "rb", closefd=False) as file:
                    for start, document in documents(path, file):
                        target = target_of(document)
                        if target is not None:
                            keys.append(_key(place_of(target)))
                            starts.append(start)
            except FileNotFoundError as error:
                raise InputError(f"{shown(path)}: no such file.") from error
            except (OSError, ValueError) as error:
                raise InputError(f"{shown(path)}: cannot be read ({reason(error)}).") from error
        order = np.argsort(np.frombuffer(keys, np.uint64), kind="stable")  # of one place the last stays last
        self._keys = np.frombuffer(keys, np.uint64)[order]
        del keys
        self._starts = np.frombuffer(starts, np.uint64)[order]

    def __len__(self) -> int:
        """Return how many lines are of results."""
        return len(self._keys)

    def get(self, place: str) -> Entry | None:
        """Return the last line of a place, None if there is none.

        Raises `InputError` if the file is not what it was.
        """
        key = _key(place)
        at = int(np.searchsorted(self._keys, np.uint64(key), side="right"))
        while at and int(self._keys[at - 1]) == key:
            at -= 1
            start = int(self._starts[at])
            document = document_of(self._line(start))
            target = None if document is None else target_of(document)
            found = None if target is None else place_of(target)
            if document is None or found is None or _key(found) != key:
                raise InputError(f"{shown(self.path or '')}: was changed while it was read; call again.")
            if found == place:  # or two places have one hash
                return entry_of(start, document)
        return None

    def close(self) -> None:
        """Read nothing more."""
        if self._file != -1:
            self._closing()

    def _line(self, start: int) -> bytes:
        """Return the line that begins at a byte."""
        line = bytearray()
        with self._turn:
            try:
                os.lseek(self._file, start, os.SEEK_SET)
                while len(line) < MOST_LINE_BYTES and (piece := os.read(self._file, max(_PIECE, len(line)))):
                    end = piece.find(b"\n")
                    line += piece if end < 0 else piece[: end + 1]
                    if end >= 0:
                        break
            except OSError as error:
                raise InputError(f"{shown(self.path or '')}: cannot be read ({reason(error)}).") from error
        return bytes(line)


def _key(place: str) -> int:
    """Return 64 bits that tell a place from almost all others."""
    data = place.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
