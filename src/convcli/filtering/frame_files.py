"""Frames of one file, each filtered into a file of its own: `-o edges_{frame:03}.jpg`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from convcli.errors import UsageError
from convcli.files import identities, judge
from convcli.filtering.sequence import FrameSequence
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


class FrameFiles(FrameSequence):
    """The chosen ones of a file's frames, of which each gets a file."""

    single = True

    def write_all(self, path: Path, source: str, *, force: bool) -> None:
        """Write the files, each whole or not at all; none if one of the names is taken."""
        places = [numbered(path, number + 1) for number in self.chosen]
        inputs = identities([source])
        for place in places:
            judge(place, force=force, inputs=inputs)
        self._begin()
        extremes = self._extremes() if self.pipeline.policy.range == "stretch" else None
        for place, frame in zip(places, self._filtered(extremes), strict=False):
            write(place, frame.image, format=self.format, encoding=self.encoding, force=force)
