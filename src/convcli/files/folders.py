"""Writing a folder of files: one that is not there yet comes whole, with all of them, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from convcli.errors import OutputError, reason
from convcli.files.targets import Identity, judge, kind
from convcli.files.writing import TEMPORARY, flush_folder, make_folder, write, write_whole
from convcli.wording import shown


def judge_folder(
    folder: Path, names: Iterable[str], *, force: bool, inputs: Collection[Identity] = ()
) -> None:
    """Raise what `judge` does if one of the files `names` may not be written into a folder."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{shown(folder)}: expected a folder, found {kind(folder.stat())}; name another.")
    for name in names:
        judge(folder / name, force=force, inputs=inputs, made=True)


def write_folder(folder: Path, parts: Mapping[str, bytes], *, force: bool) -> None:
    """Write files, by their names, into a folder, which is made if it is missing; then all come at once.

    Into a folder that is there they come one after the other, each whole. Raises `OutputError`.
    """
    place = Path(os.path.realpath(folder))
    if place.exists():
        for name, data in parts.items():
            write(folder / name, data, force=force)
        return
    temporary = place.with_name(TEMPORARY.format(os.urandom(8).hex()))
    make_folder(temporary)
    try:
        for name, data in parts.items():
            write_whole(temporary / name, shown(folder / name), [data], force=False)
        temporary.rename(place)
    except OSError as error:
        raise OutputError(f"{shown(folder)}: cannot be written ({reason(error)}).") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    flush_folder(place.parent)
