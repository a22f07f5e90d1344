"""One of several pictures in a file, and what holds for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

from convcli.errors import InputError
from convcli.images.bounds import too_large
from convcli.images.image import Image
from convcli.images.pillow import reading

FOR_EVER = 0
MOST_FRAMES = 2**16
"""Of a file: 18 minutes at 60 a second. A file of a megabyte can have a million."""
TIMES_ALL = 64
"""All frames together may have so many times the pixels of one: about 2,000 of 1080 rows and 1920 columns."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture, and how long it is shown; None where the file has no time."""

    image: Image
    seconds: Fraction | None = None


@dataclass(frozen=True)
class Story:
    """What holds for all frames of a file.

    Attributes
    ----------
    kind
        "animation", "pages" or "stack".
    count
        How many there are, or more if the file is cut short.
    plays
        How often an animation runs, `FOR_EVER`, or None where there is no time.
    transparent
        Whether some frame may have alpha while others have none.
    """

    kind: str
    count: int
    plays: int | None = None
    transparent: bool = False


class Frames(ABC):
    """The frames of an opened file, read one by one; the next one costs least."""

    story: Story
    beside = False  # whether the file has a picture that is none of them, and is taken where frames are not

    def __init__(self, where: str, most: int) -> None:
        self.where, self.most = where, most

    @abstractmethod
    def _read(self, number: int) -> Frame:
        """Return a frame, from 0; raises whatever decoders raise."""

    def read(self, number: int) -> Frame:
        """Return a frame, from 0, upright; or raise `InputError` if it is damaged or too large."""
        place = f"{self.where}: frame {number + 1:,} of {self.story.count:,}"
        with reading(place, self.most):
            return self._read(number)

    def check_size(self, pixels: int, count: int) -> None:
        """Raise `InputError` if frames of so many pixels are too many, or too large together.

        A stack needs no such limit: it unfolds to no more than the file has.
        """
        if count > MOST_FRAMES:
            raise InputError(
                f"{self.where}: {count:,} frames are more than the {MOST_FRAMES:,} that are read of a file; "
                "cut it into several."
            )
        if pixels > self.most:
            raise too_large(f"{self.where}: {pixels:,} pixels", self.most)
        if pixels * count > TIMES_ALL * self.most:
            raise too_large(f"{self.where}: {count:,} frames of {pixels:,} pixels", TIMES_ALL * self.most)
