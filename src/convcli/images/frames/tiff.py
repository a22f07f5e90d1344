"""The pages of a TIFF file: each with its own size, kind of samples, and tags.

Smaller copies of a page (thumbnails, the levels of a pyramid) and masks are no pages.
"""

from __future__ import annotations

from dataclasses import replace

from convcli.errors import InputError
from convcli.images.bounds import too_large
from convcli.images.frames.frame import MOST_FRAMES, TIMES_ALL, Frame, Frames, Story
from convcli.images.kind import File
from convcli.images.opening import Opened, open_picture
from convcli.images.tiff.directory import Directory, Tag
from convcli.images.tiff.reading import decode_page

_SMALLER, _MASK = 1, 4  # bits of NewSubfileType


class TiffFrames(Frames):
    """The pages of a TIFF file."""

    def __init__(self, file: File) -> None:
        super().__init__(file.where, file.most)
        self.file = file
        self.pages, self.left_out = _pages(file)
        # Their sizes are looked at one by one, when they are read.
        self.check_size(0, len(self.pages))
        self.story = Story("pages", len(self.pages))
        self._seen = 0
        self._opened: Opened | None = None

    def _read(self, number: int) -> Frame:
        place, offset = self.pages[number]
        directory = Directory(self.file.stream, self.where, offset)
        decoded = decode_page(self.file, directory, lambda: self._picture(place))
        self._seen += decoded.pixels.shape[0] * decoded.pixels.shape[1]
        if self._seen > TIMES_ALL * self.most:
            raise too_large(f"{self.where}: its pages' {self._seen:,} pixels", TIMES_ALL * self.most)
        notes = decoded.notes
        if number == 0 and self.left_out:
            notes += (f"{self.where}: {self.left_out:,} smaller copies or masks of its pages were left out.",)
        return Frame(replace(decoded, notes=notes).upright())

    def _picture(self, place: int) -> Opened:
        """Return a page as Pillow opens it, which goes on from the one before."""
        if self._opened is None:
            self._opened = open_picture(self.file)
        self._opened.seek(place)
        return self._opened


def _pages(file: File) -> tuple[list[tuple[int, int]], int]:
    """Return each page's number among all directories and its place, and how many directories are no pages.

    Raises `InputError` if the directories go round in a circle.
    """
    pages, seen, left_out, offset = list[tuple[int, int]](), set[int](), 0, 0
    while len(pages) <= MOST_FRAMES:
        try:
            directory = Directory(file.stream, file.where, offset or None)
        except InputError:
            if not pages:
                raise
            pages.append((len(seen), offset))  # where it is read, it is said to be damaged
            break
        if directory.offset in seen:
            raise InputError(f"{file.where}: its pages go round in a circle; the file is damaged.")
        if directory.number(Tag.SUBFILE, 0) & (_SMALLER | _MASK) and pages:
            left_out += 1
        else:
            pages.append((len(seen), directory.offset))
        seen.add(directory.offset)
        offset = directory.following
        if not offset:
            break
    return pages, left_out
