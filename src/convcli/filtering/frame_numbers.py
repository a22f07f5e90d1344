"""The number of a frame in the name of a file: `-o edges_{frame:03}.jpg`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from convcli.errors import UsageError
from convcli.files import identities, judge
from convcli.images import Image, write
from convcli.wording import shown

_FIELD = re.compile(r"\{frame(?::(0?[1-9]d?))?\}")


def is_numbered(path: Path | str | None) -> bool:
    """Whether a file's name has a place for the frame's number; `UsageError` if it is no number's.

    >>> is_numbered("a_{frame}.png"), is_numbered("a_{frame:04}.png"), is_numbered("a.png")
    (True, True, False)
    """
    name = "" if path is None else Path(path).name
    if "{frame" in name and not _FIELD.search(name):
        raise UsageError(
            f"-o {shown(name)}: a frame's number is {{frame}}, or {{frame:03}} with so many digits."
        )
    return bool(_FIELD.search(name))


def numbered(path: Path, number: int) -> Path:
    """Return the name for a frame, from 1.

    >>> numbered(Path("a_{frame:04}.png"), 7).name
    'a_0007.png'
    """
    return path.with_name(_FIELD.sub(lambda found: format(number, found[1] or ""), path.name))


def write_numbered(path: Path, image: Image, source: str, *, force: bool, **how: Any) -> None:
    """Write the only picture of a file under the name for the first; `how` is as in `images.write`."""
    place = numbered(path, 1)
    judge(place, force=force, inputs=identities([source]))
    write(place, image, force=force, **how)
