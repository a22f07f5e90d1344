"""What `--map FILE` says: which name of theirs is which of ours, a line each."""

from __future__ import annotations

from pathlib import Path

from convcli.errors import UsageError
from convcli.formats.text import read_text
from convcli.wording import shortened


def pairs_of(path: Path) -> dict[str, str]:
    """Return their names with ours, from lines `their.name = 1.W`; quotes are as good, # begins a comment.

    Raises InputError if the file cannot be read; UsageError if a line says something else, or a name twice.
    """
    pairs: dict[str, str] = {}
    for number, line in enumerate(read_text(path, "lines of names").splitlines(), 1):
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
