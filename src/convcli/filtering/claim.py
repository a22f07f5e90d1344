"""Who makes results now, and how: a file that they hold together."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from convcli.errors import OutputError, reason
from convcli.files import lock, open_inside
from convcli.wording import shown

MOST_RECORD_BYTES = 2**16
SECONDS_TO_AGREE = 2.0  # another call writes down how it makes its results in a few milliseconds


class Claim:
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
                theirs = read_record(file) or {}
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


def read_record(file: IO[bytes]) -> dict[str, Any] | None:
    """Return the JSON object in a file, None if there is none."""
    try:
        found = json.loads(file.read(MOST_RECORD_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
