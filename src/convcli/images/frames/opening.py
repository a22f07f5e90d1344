"""Files of several pictures, opened to be read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from convcli.bounds import MAX_PIXELS
from convcli.images.frames.frame import Frames
from convcli.images.kind import File
from convcli.images.pillow import reading
from convcli.images.recognition import kind_of
from convcli.images.sources import opened, start


@contextmanager
def frames_in(
    source: Path | BinaryIO, *, threads: int = 1, max_pixels: int = MAX_PIXELS
) -> Iterator[Frames | None]:
    """Yield the frames of a file or stream, to be read while it is open; None if it has one picture.

    Nothing is decoded yet. Each frame may have `max_pixels`, all together `TIMES_ALL` as many.

    Raises
    ------
    InputError
        If there is no file, it is no image, or it has too many frames.
    """
    with opened(source) as (stream, where):
        with reading(where, max_pixels):
            head = start(stream)
            file = File(stream, head, kind_of(head, where), where, max_pixels, threads)
            found = file.kind.frames(file)
        single = found is None or (
            found.story.count == 1 and found.story.kind != "stack" and not found.beside
        )
        yield None if single else found
