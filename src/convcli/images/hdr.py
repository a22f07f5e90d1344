"""Radiance HDR files, by imagecodecs: light in three numbers of 8 bits that share an exponent."""

from __future__ import annotations

import re

import numpy as np

from convcli.errors import InputError, OutputError
from convcli.extras import extra
from convcli.images.bounds import check_pixels
from convcli.images.encoding import Encoding
from convcli.images.image import Image
from convcli.images.kind import Decoded, File

_HEAD_BYTES = 2**16
_SIZE = re.compile(rb"\n([+-])Y (\d{1,9}) \+X (\d{1,9})\n")


def decode(file: File) -> Decoded:
    """Return the picture in a Radiance HDR file: (h, w, 3) of float32, linear light.

    Source: G. Ward, Real Pixels, Graphics Gems II, 1991.
    """
    codecs = extra("imagecodecs", "formats", f"{file.where}: a Radiance HDR file")
    file.stream.seek(0)
    data = file.stream.read()
    found = _SIZE.search(data[:_HEAD_BYTES])
    if found is None:
        raise InputError(
            f"{file.where}: expected a Radiance file's size as `-Y rows +X columns`, found none; "
            "turned pictures cannot be read."
        )
    rows, columns = int(found[2]), int(found[3])
    check_pixels(rows, columns, file.most, file.where)
    pixels = np.ascontiguousarray(codecs.rgbe_decode(data), np.float32).reshape(rows, columns, 3)
    notes = () if b"32-bit_rle_rgbe" in data[: found.start()] else (f"{file.where}: is read as RGB.",)
    return Decoded(pixels[::-1].copy() if found[1] == b"+" else pixels, notes=notes)


def encode(image: Image, _: Encoding) -> bytes:
    """Return a Radiance HDR file: three numbers of 8 bits that share an exponent."""
    codecs = extra("imagecodecs", "formats", "writing Radiance HDR files")
    pixels = image.pixels if image.pixels.ndim == 3 else np.repeat(image.pixels[:, :, None], 3, axis=2)
    if not (np.isfinite(pixels).all() and pixels.min() >= 0):
        raise OutputError(
            f"HDR cannot hold {pixels.dtype} pixels below 0, infinite or NaN; use .exr, .tif or .npy."
        )
    return bytes(codecs.rgbe_encode(np.ascontiguousarray(pixels, np.float32), header=True))
