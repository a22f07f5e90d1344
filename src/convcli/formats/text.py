"""Small texts of people's own: lists of names, and the like."""

from __future__ import annotations

from pathlib import Path

from convcli.errors import InputError, reason

MOST_BYTES = 1 << 20


def read_text(path: Path, what: str) -> str:
    """Return the text of a file of at most a mebibyte of UTF-8, with or without its mark.

    Raises InputError if it cannot be read, is no UTF-8, or is longer; `what` says what was expected.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # no more, be it a device that never ends
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text at byte {error.start}.") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: expected {what}, found more than {MOST_BYTES:,} bytes.")
    return text
