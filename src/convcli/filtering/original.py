"""An image that results are made of: read when the first needs it, and again if it has changed since."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from convcli.bounds import MAX_PIXELS
from convcli.errors import InputError
from convcli.filtering.jobs import STREAM
from convcli.images import Image, read
from convcli.images.sources import held
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.images.frames import Frames

Result = TypeVar("Result")

ATTEMPTS = 3  # to filter an image that is replaced meanwhile


class ChangedError(Exception):
    """An image is no longer what was read when its result is to be written."""


class Original:
    """An image file, or standard input.

    A JPEG file is decoded to brightness where no more is wanted: another image than its colours are. `both`
    says that some results are of the one and some of the other.
    """

    def __init__(
        self,
        source: str,
        *,
        threads: int,
        max_pixels: int = MAX_PIXELS,
        damaged: bool = False,
        both: bool = False,
    ) -> None:
        self.source, self.both = source, both
        self.threads, self.max_pixels, self.damaged = threads, max_pixels, damaged
        self._file: Path | BinaryIO | None = None
        self._images: dict[bool, Image] = {}
        self._state: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """What to call it in a message."""
        return "standard input" if self.source == STREAM else shown(self.source)

    def image(self, *, luma: bool) -> Image:
        """Return the image, or of a JPEG file its brightness alone."""
        if not self._images:
            self._state = state_of(self.source)
        if self.both and not luma:
            self.image(luma=True)  # which tells whether it is another one
        if luma not in self._images:
            if self._file is None:
                file = sys.stdin.buffer if self.source == STREAM else Path(self.source)
                self._file = held(file) if self.both else file
            image = read(
                self._file,
                luma=luma,
                damaged=self.damaged,
                threads=self.threads,
                max_pixels=self.max_pixels,
                every=not (luma or self.both),
            )
            self._images[luma] = image
            if not image.luma_of_colour:
                self._images.setdefault(not luma, image)
        return self._images[luma]

    @contextmanager
    def frames(self) -> Iterator[Frames | None]:
        """Yield the file's frames, None if it has one picture; a pipe is held for whatever comes next."""
        from convcli.images.frames import frames_in  # few images need them

        self._state = state_of(self.source)
        if self._file is None:
            self._file = held(sys.stdin.buffer if self.source == STREAM else Path(self.source))
        with frames_in(self._file, threads=self.threads, max_pixels=self.max_pixels) as frames:
            yield frames

    def let_go(self) -> None:
        """Hold the image no longer."""
        self._images.clear()

    def check_unchanged(self) -> None:
        """Raise `ChangedError` if the file is not what it was before it was read."""
        if state_of(self.source) != self._state:
            raise ChangedError

    def settled(self, task: Callable[[], Result]) -> Result:
        """Return what `task` returns, which is done again where the file has changed in the meantime.

        Raises `InputError` if it changes all the time.
        """
        for _ in range(ATTEMPTS):
            with suppress(ChangedError):
                return task()
            self.let_go()
        raise InputError(f"{self.label}: it changes while it is filtered; nothing was written.")


def state_of(source: str) -> tuple[int, ...]:
    """Return what changes with an image: which file it is, its size, its times, and the link to it.

    Nothing for a pipe: it gives everything once, and its times are those of whoever writes into it.
    """
    if source == STREAM:
        return ()
    try:
        file, link = os.stat(source), os.lstat(source)  # noqa: PTH116  (a name may hold a null byte)
    except (OSError, ValueError):  # reading says why
        return ()
    if not stat.S_ISREG(file.st_mode):
        return ()
    times = file.st_mtime_ns, file.st_ctime_ns, link.st_mtime_ns, link.st_ctime_ns
    return file.st_dev, file.st_ino, file.st_size, link.st_dev, link.st_ino, *times
