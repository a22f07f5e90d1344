"""What `--map FILE` says: which name of theirs is which of ours, a line each."""

from __future__ import annotations

from pathlib import Path

from convcli.errors import InputError, UsageError, reason
from convcli.wording import shortened

MOST_BYTES = 1 << 20


def pairs_of(path: Path) -> dict[str, str]:
    """Return their names with ours, from lines `their.name = 1.W`; quotes are as good, # begins a comment.

    Raises InputError if the file cannot be read; UsageError if a line says something else, or a name twice.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text at byte {error.start}.") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: expected lines of names, found more than {MOST_BYTES:,} bytes.")
    pairs: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        theirs, ours = (_bare(part) for part in (*said.split("=", 1), "")[:2])
        if not theirs or not ours or theirs in pairs or ours in pairs.values():
            what = "a name twice" if theirs in pairs or ours in pairs.values() else shortened(repr(line))
            raise UsageError(f"{path}: line {number}: expected `their.name = 1.W`, found {what}.")
        pairs[theirs] = ours
    return pairs


def _bare(text: str) -> str:
    return text.strip().strip("\"'").strip()
