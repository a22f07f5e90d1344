"""PFM and PAM files in; PGM, PPM, PFM and PAM files out: the formats that pipes carry.

Source: Netpbm, pam(5), pfm(5), pgm(5) and ppm(5); P. Debevec, PFM Portable FloatMap.
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.bounds import check_pixels
from convcli.images.encoding import Encoding
from convcli.images.image import Image, Pixels, rescaled
from convcli.images.kind import Decoded, File
from convcli.images.picture import parted

_PFM_HEAD = re.compile(rb"(P[Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([+-]?[\d.]+(?:[eE][+-]?\d+)?)[\n\r ]")
_HEAD_BYTES = 2**12


def decode_pfm(file: File) -> Decoded:
    """Return the picture in a PFM file: floats, (h, w) or (h, w, 3), the lowest row first in the file."""
    file.stream.seek(0)
    head = _PFM_HEAD.match(file.stream.read(_HEAD_BYTES))
    if head is None:
        raise InputError(f"{file.where}: expected a PFM file's width, height and scale, found none.")
    columns, rows, scale = int(head[2]), int(head[3]), float(head[4])
    channels = 3 if head[1] == b"PF" else 1
    shape = (rows, columns, channels)
    values = _samples(file, head.end(), shape, np.dtype("<f4" if scale < 0 else ">f4"))
    pixels = np.ascontiguousarray(values[::-1].astype(np.float32))
    notes = (f"{file.where}: its scale of {abs(scale):g} is not applied.",) if abs(scale) != 1 else ()
    return Decoded(pixels if channels == 3 else pixels[:, :, 0], notes=notes)


def decode_pam(file: File) -> Decoded:
    """Return the picture in a PAM file, of 8 or 16 bits: the largest value is white."""
    file.stream.seek(0)
    text = file.stream.read(_HEAD_BYTES)
    end = text.find(b"ENDHDR\n")
    lines = [line.split(b"#")[0].split() for line in text[:end].split(b"\n")[1:]]
    said = {words[0].decode("latin-1"): words[1] for words in lines if len(words) > 1}
    try:
        rows, columns, channels, white = (int(said[key]) for key in ("HEIGHT", "WIDTH", "DEPTH", "MAXVAL"))
    except (KeyError, ValueError):
        end = -1
    if end < 0:
        raise InputError(f"{file.where}: expected a PAM file's WIDTH, HEIGHT, DEPTH, MAXVAL and ENDHDR.")
    if not 1 <= channels <= 4 or not 1 <= white < 2**16:
        raise InputError(
            f"{file.where}: a PAM file of depth {channels} and largest value {white} cannot be read; depths "
            "of 1 to 4 and values up to 65535 can."
        )
    stored = np.dtype(np.uint8 if white < 256 else ">u2")
    samples = _samples(file, end + len(b"ENDHDR\n"), (rows, columns, channels), stored)
    dtype = np.dtype(np.uint8 if white < 256 else np.uint16)
    values = rescaled(np.minimum(samples, white), white, dtype)
    return Decoded(*parted(values if channels > 1 else values[:, :, 0]))


def _samples(file: File, place: int, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the samples that stand from `place` on."""
    rows, columns, channels = shape
    if not rows or not columns:
        raise InputError(f"{file.where}: expected pixels, found {rows} × {columns}.")
    check_pixels(rows, columns, file.most, file.where)
    file.stream.seek(place)
    data = _read(file.stream, rows * columns * channels * dtype.itemsize)
    if data is None:
        raise InputError(f"{file.where}: the image is damaged or cut short (rows are missing).")
    return np.frombuffer(data, dtype).reshape(shape)


def _read(stream: BinaryIO, count: int) -> bytes | None:
    data = stream.read(count)
    return data if len(data) == count else None


def encode_pnm(image: Image, _: Encoding) -> bytes:
    """Return a PGM or PPM file, binary, of 8 or 16 bits."""
    pixels = image.pixels
    white = np.iinfo(pixels.dtype).max
    sign = "P5" if pixels.ndim == 2 else "P6"
    return f"{sign}\n{pixels.shape[1]} {pixels.shape[0]}\n{white}\n".encode() + _big_endian(pixels)


def encode_pam(image: Image, _: Encoding) -> bytes:
    """Return a PAM file, of 8 or 16 bits, with alpha if there is any."""
    samples = image.samples
    rows, columns = samples.shape[:2]
    depth = samples.shape[2] if samples.ndim == 3 else 1
    kind = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}[depth]
    head = f"P7\nWIDTH {columns}\nHEIGHT {rows}\nDEPTH {depth}\nMAXVAL {np.iinfo(samples.dtype).max}\n"
    return f"{head}TUPLTYPE {kind}\nENDHDR\n".encode() + _big_endian(samples)


def encode_pfm(image: Image, _: Encoding) -> bytes:
    """Return a PFM file of float32, little-endian, the lowest row first."""
    pixels = image.pixels
    head = f"{'Pf' if pixels.ndim == 2 else 'PF'}\n{pixels.shape[1]} {pixels.shape[0]}\n-1.0\n"
    return head.encode() + np.ascontiguousarray(pixels[::-1], "<f4").tobytes()


def _big_endian(pixels: Pixels) -> bytes:
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).tobytes()
