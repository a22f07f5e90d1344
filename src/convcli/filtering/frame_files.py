"""Frames of one file, each filtered into a file of its own."""

from __future__ import annotations

from pathlib import Path

from convcli.files import identities, judge
from convcli.filtering.frame_numbers import numbered
from convcli.filtering.sequence import FrameSequence
from convcli.images import write


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
