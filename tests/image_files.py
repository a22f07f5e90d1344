"""Image files made for tests: arrays of noise, and files of them as bytes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np

from convcli.images import read


def noise(shape, dtype=np.uint8, seed=0):
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return generator.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def saved(picture, format, **options):  # noqa: A002
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def read_bytes(data):
    return read(io.BytesIO(data))


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def png(width, height, depth, colour_type, rows=b""):
    """Return a PNG file made by hand, for kinds that Pillow does not write."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


GREY, RGB, ALPHA = noise((7, 9)), noise((7, 9, 3), seed=1), noise((7, 9), seed=2)


DEEP = noise((7, 9), np.uint16)
