"""Where a command's picture goes: judged before any work, written at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from convcli.cli.output import out_bytes
from convcli.errors import UsageError
from convcli.wording import listed, shown

Output: TypeAlias = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write the picture; - for standard output."),
]


def picture_file(
    output: str, endings: Iterable[str], *, inputs: Iterable[str] = (), force: bool, json: bool
) -> tuple[str, Callable[[bytes], str]]:
    """Return the ending of a picture's file, and what writes it and returns its name.

    Of standard output the ending is the first of `endings`. No input is ever overwritten.
    """
    from convcli import files

    known = list(endings)
    if files.is_stdout(output):
        if json:
            raise UsageError("--json and the picture cannot both go to standard output; give -o FILE.")
        if sys.stdout.isatty():
            raise UsageError("Standard output is a terminal; redirect it, or give -o FILE.")

        def to_stdout(data: bytes) -> str:
            out_bytes(data)
            return "standard output"

        return known[0], to_stdout
    path = Path(output)
    ending = path.suffix.lower()
    if ending not in known:
        raise UsageError(f"-o {shown(output)}: expected a name that ends in {listed(known)}.")
    sources = [source for source in inputs if source != "-"]
    files.judge(path, force=force, inputs=files.identities(sources))

    def to_file(data: bytes) -> str:
        files.write(path, data, force=force)
        return shown(output)

    return ending, to_file
