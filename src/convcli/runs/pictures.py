"""A run's own pictures, by the part of its data and the number or file that a report shows: `test:25`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from convcli.data import Dataset
from convcli.data.splits import in_words
from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError, UsageError
from convcli.nn.model import Model
from convcli.runs.measuring import Measured, measured
from convcli.wording import shortened, shown

PARTS = ("train", "validation", "test")
_NAMED = re.compile(r"([A-Za-z]{2,12}):(?![/\\])(.*)", re.DOTALL)  # no drive, no address


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a run's data as the network sees it, uint8 (h, w, c), and what there is to say of it."""

    pixels: Array
    name: str
    label: str
    notes: tuple[str, ...]


def is_picture(text: str) -> bool:
    """Whether a text names a picture of a run's own, and no file that is there.

    >>> is_picture("test:25"), is_picture("digit.png")
    (True, False)
    """
    return _NAMED.fullmatch(text) is not None and not os.path.lexists(text)


@dataclass(frozen=True, eq=False)
class OwnPictures:
    """The pictures of the run in a folder, whose data is read when the first is asked for."""

    folder: Path
    model: Model
    _parts: dict[str, Measured] = field(default_factory=dict, init=False)

    def __getitem__(self, text: str) -> Picture:
        """Return the picture that `test:25`, `train:…` or `validation:…` names.

        The number is the one that a report shows beside its mistakes: a position, from 0, in the test images,
        or in the training images before a validation part was split off. Where pictures have files, their
        names do as well.

        Raises
        ------
        UsageError
            If the part has no such picture, or the data no such part.
        InputError
            If the run's data cannot be read.
        """
        found = _NAMED.fullmatch(text)
        assert found is not None
        part, which = found[1], found[2].strip()
        if part not in PARTS:
            raise UnknownNameError("part of a run's pictures", part, PARTS)
        first = part not in self._parts
        if first:
            self._parts[part] = measured(self.folder, self.model, None, part)
        chosen = self._parts[part]
        index = _index(chosen.images, part, which)
        pixels = self.model.seen(chosen.images.take([index]).images)[0]
        label = self.model.classes[int(chosen.images.labels[index])]
        notes = (*(chosen.notes if first else ()), f"{part}:{which} is of class {label}")
        return Picture(pixels, f"{part}:{which}", label, notes)


def _index(images: Dataset, part: str, which: str) -> int:
    """Return where in a part the picture stands that has a number or a file."""
    count = len(images)
    positions = range(count) if images.positions is None else images.positions.tolist()
    if not re.fullmatch(r"\d{1,18}", which):
        names = [images.origin(index) for index in range(count)] if images.files else []
        if which in names:
            return names.index(which)
        example = names[0] if names else positions[0]
        what = "the file or the number" if names else "the number"
        raise UsageError(
            f"{part}:{shortened(shown(which))}: expected {what} of one of the {count:,} {in_words(part)} "
            f"images, such as {part}:{example}."
        )
    number = int(which)
    if number in positions:
        return positions.index(number)
    low, high = min(positions), max(positions)
    if images.positions is None or not low <= number <= high:
        raise UsageError(
            f"{part}:{number}: the {count:,} {in_words(part)} images have numbers from {low} to {high:,}."
        )
    other = "validation" if part == "train" else "train"
    beside = min(positions, key=lambda position: abs(position - number))
    raise UsageError(
        f"{part}:{number}: this image is in another part, {other}:{number}; next to it here is "
        f"{part}:{beside}."
    )
