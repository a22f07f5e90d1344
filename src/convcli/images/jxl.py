"""JPEG XL files: their samples by imagecodecs, their profile and EXIF data by pillow-jxl-plugin."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.extras import extra
from convcli.images.bounds import check_pixels
from convcli.images.encoding import Encoding
from convcli.images.image import Image, Metadata, Pixels, full_scale, stretched
from convcli.images.jxl_header import ALPHA, BLACK, Header, header_of
from convcli.images.kind import Decoded, File
from convcli.images.metadata import exif_of
from convcli.images.opening import only_first
from convcli.images.picture import parted
from convcli.images.xmp import xmp_of

MOST_CHANNELS = 16  # beside the colours: each is decoded whole, whether it is wanted or not
MOST_EXIF_BYTES = 2**20
_CODESTREAM = b"\xff\x0a"
_FIRST = (b"JXL ", b"ftyp", b"jxll")  # boxes that nothing may stand before: 16 bits have the last, too
_TIFF = (b"II*\0", b"MM\0*")
_SRGB = b"\0s\0R\0G\0B"
_OWN_BYTES = 1024  # of a profile that libjxl itself makes of a few numbers


def decode(file: File) -> Decoded:
    """Return the picture in a JPEG XL file: uint8, uint16, or float32, the first of an animation."""
    codecs = extra("imagecodecs", "formats", f"{file.where}: a JPEG XL file")
    file.stream.seek(0)
    data = file.stream.read()
    try:
        header = header_of(data)
    except ValueError as error:
        raise InputError(f"{file.where}: found a JPEG XL file that is damaged or cut short.") from error
    _check(header, file)
    samples = np.asarray(codecs.jpegxl_decode(data, index=0, numthreads=file.threads))
    if samples.shape[:2] != header.shape:
        raise InputError(
            f"{file.where}: expected {header.shape[0]:,} × {header.shape[1]:,} pixels as the header says, "
            f"found {samples.shape}."
        )
    notes = [only_first(file.where)] if header.animated else []
    left = len(header.kinds) - (ALPHA in header.kinds)
    if left:
        notes.append(f"{file.where}: has {left} more channels, which are neither colour nor alpha; left out.")
    pixels, alpha = parted(_scaled(np.ascontiguousarray(samples), header))
    if ALPHA not in header.kinds:
        alpha = None
    if alpha is not None and alpha.dtype.kind == "f":
        alpha = np.clip(alpha, 0, 1).astype(np.float32)
    if alpha is not None and header.associated:
        pixels = _divided(pixels, alpha)
    metadata, said = _metadata(file, data)
    return Decoded(pixels, alpha, metadata=metadata, notes=(*notes, *said))


def _check(header: Header, file: File) -> None:
    """Raise `InputError` if the picture is too large, or of a kind that would be taken for another."""
    check_pixels(*header.shape, file.most, file.where)
    if not header.rows or not header.columns:
        raise InputError(f"{file.where}: expected pixels, found {header.rows} × {header.columns}.")
    if BLACK in header.kinds:
        raise InputError(f"{file.where}: a JPEG XL file of ink (CMYK) cannot be read; save it as RGB.")
    if len(header.kinds) > MOST_CHANNELS:
        raise InputError(
            f"{file.where}: expected up to {MOST_CHANNELS} channels beside the colours, "
            f"found {len(header.kinds):,}."
        )


def _scaled(samples: NDArray[Any], header: Header) -> NDArray[Any]:
    """Return samples whose white is that of their dtype: the decoder gives 10 bits as 0 … 1023."""
    if samples.dtype == np.float16:
        return samples.astype(np.float32)
    return samples if samples.dtype.kind != "u" or header.floats else stretched(samples, header.bits)


def _divided(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Return colours that alpha was multiplied into, some rows at a time; 0 where nothing is seen of them."""
    white = full_scale(alpha.dtype)
    result = np.zeros_like(pixels)
    rows = max(2**20 // pixels.shape[1], 1)
    for first in range(0, len(pixels), rows):
        share = alpha[first : first + rows].astype(np.float64) / white
        share = share if pixels.ndim == 2 else share[:, :, None]
        band = pixels[first : first + rows].astype(np.float64)
        band = np.divide(band, share, out=np.zeros_like(band), where=share > 0)
        if pixels.dtype.kind == "u":
            band = np.rint(np.minimum(band, white))
        result[first : first + rows] = band
    return result


def _metadata(file: File, data: bytes) -> tuple[Metadata, list[str]]:
    """Return the profile and the EXIF data, and what to say: nothing of sRGB, which all take for granted."""
    plugin = extra("pillow_jxl", "formats", f"{file.where}: the colour profile of a JPEG XL file")
    _, _, _, profile, boxes = plugin.Decoder(num_threads=file.threads)(data)
    usual = bool(profile) and len(profile) < _OWN_BYTES and _SRGB in profile
    held = {box.box_type: bytes(box.data) for box in boxes if box.box_type in (b"Exif", b"xml ")}
    kept, _, notes = exif_of(lambda: _exif(held.get(b"Exif", b"")), file.where)  # its orientation is applied
    xmp, said = xmp_of(held.get(b"xml "), file.where)
    return Metadata(None if usual else profile or None, exif=kept, xmp=xmp), [*notes, *said]


def _exif(box: bytes) -> PIL.Image.Exif:
    """Return what an Exif box holds: where the data begin, and the data; some writers leave out the first."""
    exif = PIL.Image.Exif()
    start = 0 if box.startswith(_TIFF) else 4 + int.from_bytes(box[:4], "big")
    if start < len(box) <= MOST_EXIF_BYTES:
        exif.load(b"Exif\0\0" + box[start:])
    return exif


def encode(image: Image, how: Encoding) -> bytes:
    """Return a JPEG XL file of 8 or 16 bits or float32, without loss unless a quality is given.

    EXIF and XMP data stand in boxes of their own before the codestream, which alone could hold a profile.

    Source: ISO/IEC 18181-2, 2024: file format, boxes.
    """
    codecs = extra("imagecodecs", "formats", "writing JPEG XL files")
    samples = image.samples
    if samples.dtype.kind == "f":
        samples = samples.astype(np.float32)
    lossy = {"lossless": True} if how.quality is None else {"level": how.quality}
    data = bytes(codecs.jpegxl_encode(np.ascontiguousarray(samples), **lossy))
    exif, xmp = image.metadata.exif, image.metadata.xmp
    described = b"" if not exif else _box(b"Exif", bytes(4) + exif.removeprefix(b"Exif\0\0"))
    described += b"" if not xmp else _box(b"xml ", xmp)
    if not described:
        return data
    if data.startswith(_CODESTREAM):
        data = _box(b"JXL ", b"\r\n\x87\n") + _box(b"ftyp", b"jxl \0\0\0\0jxl ") + _box(b"jxlc", data)
    place = 0
    while data[place + 4 : place + 8] in _FIRST:
        place += int.from_bytes(data[place : place + 4], "big")
    return data[:place] + described + data[place:]


def _box(name: bytes, content: bytes) -> bytes:
    """Return a box of ISO's container."""
    return struct.pack(">I4s", 8 + len(content), name) + content
