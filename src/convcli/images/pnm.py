"""PGM and PPM files: those of more than 8 bits a sample, of which Pillow keeps 8 where there are colours.

Source: Netpbm, pgm(5) and ppm(5): numbers in text, then samples of two bytes, the highest first, or in text.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.images import opening
from convcli.images.bounds import check_pixels
from convcli.images.image import rescaled
from convcli.images.kind import Decoded, File

_CHANNELS = {b"P2": 1, b"P3": 3, b"P5": 1, b"P6": 3}
_SPACE = rb"(?:\s|#[^\n\r]*[\n\r])"
_HEAD = re.compile(rb"(P[2356])" + 3 * (_SPACE + rb"+(\d{1,9})") + rb"\s")
_HEAD_BYTES = 2**14


def decode(file: File) -> Decoded:
    """Return the picture in a PBM, PGM or PPM file."""
    deep = _read_deep(file.stream, file.most, file.where)
    return opening.decode(file) if deep is None else Decoded(deep)


def _read_deep(stream: BinaryIO, most: int, where: str) -> NDArray[np.uint16] | None:
    """Return the pixels (h, w) or (h, w, 3), the file's largest value as 65535.

    None for files of up to 8 bits and of other kinds, and for those that are cut short.

    Raises
    ------
    InputError
        If there are more pixels than `most`.
    """
    stream.seek(0)
    head = _HEAD.match(stream.read(_HEAD_BYTES))
    if head is None:
        return None
    channels, (width, height, white) = _CHANNELS[head[1]], map(int, head.groups()[1:])
    if not 255 < white < 2**16 or not width or not height:
        return None
    check_pixels(height, width, most, where)
    count = height * width * channels
    stream.seek(head.end())
    if head[1] in (b"P5", b"P6"):
        samples = np.frombuffer(stream.read(2 * count), ">u2")
    else:
        samples = np.array(
            re.sub(rb"#[^\n\r]*", b"", stream.read(7 * count)).split(None, count)[:count], np.int64
        )
    if len(samples) < count:
        return None
    values = rescaled(np.clip(samples, 0, white), white, np.dtype(np.uint16))
    return values.reshape((height, width, channels) if channels > 1 else (height, width))
