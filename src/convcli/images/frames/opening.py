"""Files of several pictures, opened to be read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from convcli.bounds import MAX_PIXELS
from convcli.errors import InputError
from convcli.images.bounds import check_head
from convcli.images.frames import gif, pillow
from convcli.images.frames.frame import Frames
from convcli.images.opening import File, open_picture
from convcli.images.pillow import reading
from convcli.images.sources import kind_of, opened, start


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
            found = _frames(file)
        several = found is not None and (found.story.count > 1 or found.story.kind == "stack")
        yield found if several else None


def _frames(file: File) -> Frames | None:
    if file.kind == "GIF":
        blocks = gif.blocks_of(file.stream)
        return gif.GifFrames(file.stream, file.where, file.most, blocks) if blocks.parts else None
    if file.kind == "PNG":
        from convcli.images.frames import apng

        chunks = apng.parts_of(file.stream)
        return None if chunks is None else apng.PngFrames(file, chunks)
    if file.kind == "WEBP":
        from convcli.images.frames import webp

        check_head(file.head, file.most, file.where)
        found = webp.parts_of(file.stream)
        return None if found is None else webp.WebpFrames(file, found)
    if file.kind == "TIFF":
        from convcli.images.frames.tiff import TiffFrames

        return TiffFrames(file)
    if file.kind == "NPY":
        return _stack(file)
    if file.kind not in pillow.KINDS:
        return None
    check_head(file.head, file.most, file.where)
    picture = open_picture(file)
    count = getattr(picture, "n_frames", 1)
    return pillow.PillowFrames(file, picture, count) if count > 1 else None


def _stack(file: File) -> Frames | None:
    from convcli.formats.npy import npy_header
    from convcli.images.frames.npy import NpyFrames, is_stack

    try:
        shape, _ = npy_header(file.stream)
    except ValueError as error:
        raise InputError(f"{file.where}: expected an .npy array of numbers; {error}.") from error
    if not is_stack(shape):
        return None
    if 0 in shape:
        raise InputError(f"{file.where}: expected a stack of images, found {shape}: nothing in it.")
    return NpyFrames(file)
