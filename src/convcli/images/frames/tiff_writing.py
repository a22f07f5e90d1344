"""TIFF files of several pages, page by page, each with its own size, samples and tags.

Source: TIFF 6.0 (Adobe, 1992): each directory says where the next one is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

from convcli.errors import OutputError
from convcli.images.frames.frame import Frame
from convcli.images.holding import kept
from convcli.images.tiff.writing import page_of

MOST_BYTES = 2**32 - 1


def write(stream: IO[bytes], frames: Iterator[Frame], *_: object) -> None:
    """Write frames as pages."""
    stream.write(b"II*\0")
    link = stream.tell()  # where the place of the next directory belongs
    stream.write(bytes(4))
    for frame in frames:
        image = kept(frame.image, "tiff")[0]
        stream.write(bytes(stream.tell() % 2))
        start = stream.tell()
        directory, entries, data = page_of(image.pixels, image.alpha, image.metadata, start)
        if start + len(directory) + len(data) > MOST_BYTES:
            raise OutputError("TIFF files hold 4 GiB at most; write fewer pages, or use .npy.")
        stream.write(directory)
        stream.write(data)
        stream.seek(link)
        stream.write(struct.pack("<I", start))
        stream.seek(0, 2)
        link = start + 2 + 12 * entries
