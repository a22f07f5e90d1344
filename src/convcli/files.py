"""Writing a file so that it is either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from convcli.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to a temporary file beside `path`, flush it to the disk, and rename it.

    Raises
    ------
    OutputError
        If it cannot be written; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name[:100]}.{os.urandom(4).hex()}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except FileNotFoundError as error:
        raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first.") from error
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        raise OutputError(
            f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})."
        ) from error
