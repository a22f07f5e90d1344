"""Files of several pictures made for tests."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image

from convcli.images import Image
from convcli.images.frames import Frame, Story, frames_in, write_frames
from convcli.images.frames.gif import blocks_of


def pictures(count, shape=(8, 11, 3), dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True) for _ in range(count)]


def written(frames, format, plays=0, *, transparent=False):  # noqa: A002
    """Return frames, images or pixels, as a file."""
    stream = io.BytesIO()
    frames = [one if isinstance(one, Frame) else Frame(one) for one in map(as_image, frames)]
    write_frames(stream, frames, Story("animation", len(frames), plays, transparent), format)
    return stream.getvalue()


def as_image(one):
    return Image(one) if isinstance(one, np.ndarray) else one


def frames_of(data, **options):
    """Return what a file says of its frames, and all of them."""
    with frames_in(io.BytesIO(data), **options) as frames:
        return frames.story, [frames.read(number) for number in range(frames.story.count)]


def gif(parts, size=(4, 3), table=bytes(range(12)), plays=None):
    """Return a GIF file of parts: numbers of colours (h, w), left, top, transparent, disposal, time."""
    head = b"GIF89a" + struct.pack("<HHBBB", size[0], size[1], 0x81, 0, 0) + table
    if plays is not None:
        head += b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", plays) + b"\0"
    for numbers, left, top, transparent, after, time in parts:
        numbers = np.array(numbers, np.uint8)
        stream = io.BytesIO()
        picture = PIL.Image.fromarray(numbers)
        picture.putpalette(table)
        picture.save(stream, "GIF", optimize=False)
        (part,) = blocks_of(stream).parts
        data = stream.getvalue()[part.place : part.end]
        flags = after << 2 | (transparent is not None)
        head += b"!\xf9\x04" + struct.pack("<BHBB", flags, time, transparent or 0, 0)
        place = struct.pack("<HHHHB", left, top, numbers.shape[1], numbers.shape[0], data[9])
        head += b"," + place + data[10:]
    return head + b";"
