"""Formats that the extra `formats` brings: HEIC, JPEG XL, Radiance HDR, OpenEXR; and more than 8 bits of AVIF
and JPEG 2000.

What a library decodes as a whole is only given to it once its header has said that it is not too large.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError, MissingExtraError
from convcli.extras import extra
from convcli.images import opening
from convcli.images.bounds import check_pixels
from convcli.images.depth import Described, described
from convcli.images.exr import decode_exr
from convcli.images.image import Metadata, rescaled
from convcli.images.jxl import decode_jxl
from convcli.images.metadata import exif_of
from convcli.images.opening import Decoded, File, only_first
from convcli.images.picture import parted
from convcli.images.xmp import xmp_of

EXTRA = "formats"
HEAD_BYTES = 2**16


def decode_deep(file: File) -> Decoded:
    """Return the picture in an AVIF or JPEG 2000 file, of more than 8 bits where it has them.

    Pillow gives 8 of them, but of grey JPEG 2000, and opens some files not at all. Where the extra is not
    installed either, a note says so.
    """
    said = described(file.kind, file.stream)
    try:
        decoded = opening.decode(file)
    except MemoryError:
        raise
    except Exception:  # what decoders raise is nearly anything
        if file.kind != "JPEG2000" or opening.open_picture(file).mode == "CMYK":  # whose ink is no alpha
            raise
        if (samples := _by_imagecodecs(file, said)) is None:
            raise
        note = f"{file.where}: is read without its profile and EXIF data, if it has any."
        return Decoded(*parted(samples), notes=(note,))
    if decoded.pixels.dtype == np.uint16 and 8 < said.bits < 16:  # grey, moved to the highest bits
        return replace(decoded, pixels=_stretched(decoded.pixels >> (16 - said.bits), said.bits))
    if said.bits <= 8 or decoded.pixels.dtype != np.uint8:
        return decoded
    samples = _by_imagecodecs(file, said)
    if samples is None or samples.dtype != np.uint16 or samples.shape[:2] != decoded.pixels.shape[:2]:
        note = f"{file.where}: {said.bits} bits a sample are read as 8."
        if samples is None:
            note = f"{note[:-1]}; pip install 'convcli[{EXTRA}]' keeps them."
        return replace(decoded, notes=(*decoded.notes, note))
    pixels, alpha = parted(samples)
    if (alpha is None) != (decoded.alpha is None):  # a fourth channel of ink is no alpha
        return replace(
            decoded, notes=(*decoded.notes, f"{file.where}: {said.bits} bits a sample are read as 8.")
        )
    if pixels.ndim == 2 and decoded.pixels.ndim == 3:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return replace(decoded, pixels=pixels, alpha=alpha)


def _by_imagecodecs(file: File, said: Described) -> NDArray[Any] | None:
    """Return the samples (h, w[, c]) of a file, None if they cannot be had so."""
    try:
        codecs = extra("imagecodecs", EXTRA, "")
    except MissingExtraError:
        return None
    check_pixels(said.rows, said.columns, file.most, file.where)
    if not said.rows or not said.columns:
        return None
    decode = codecs.avif_decode if file.kind == "AVIF" else codecs.jpeg2k_decode
    try:
        samples = np.asarray(decode(_whole(file)))
    except MemoryError:
        raise
    except Exception:
        return None
    if samples.ndim == 4:  # a sequence
        samples = samples[0]
    if samples.dtype not in (np.uint8, np.uint16) or samples.ndim not in (2, 3):
        return None
    if samples.ndim == 3 and not 1 <= samples.shape[2] <= 4:
        return None
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[:, :, 0]
    return _stretched(samples, said.bits) if samples.dtype == np.uint16 else samples


def _stretched(samples: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return numbers of so many bits as uint16, the largest as 65535."""
    if bits >= 16:
        return samples
    return rescaled(np.minimum(samples, 2**bits - 1), 2**bits - 1, np.dtype(np.uint16))


def decode_heif(file: File) -> Decoded:
    """Return the main picture in a HEIC or HEIF file, of 8 bits, or of 10 or 12 as uint16."""
    heif = extra("pillow_heif", EXTRA, f"{file.where}: a HEIC file")
    file.stream.seek(0)
    opened = heif.open_heif(file.stream, convert_hdr_to_8bit=False)
    if not len(opened):
        raise InputError(f"{file.where}: expected a HEIC file's main picture, found none.")
    picture = opened[min(opened.primary_index, len(opened) - 1)]
    columns, rows = picture.size
    check_pixels(rows, columns, file.most, file.where)
    notes = (only_first(file.where),) if len(opened) > 1 else ()
    samples = np.asarray(picture)
    info = picture.info
    if samples.dtype == np.uint16 and (bits := int(info.get("bit_depth", 16))) < 16:
        samples = _stretched(samples >> (16 - bits), bits)
    pixels, alpha = parted(np.ascontiguousarray(samples))
    exif, _, about_exif = exif_of(lambda: _exif(info.get("exif")), file.where)  # which is turned already
    xmp, about_xmp = xmp_of(info.get("xmp"), file.where)
    metadata = Metadata(info.get("icc_profile") or None, exif=exif, xmp=xmp)
    return Decoded(pixels, alpha, metadata=metadata, notes=(*notes, *about_exif, *about_xmp))


def _exif(data: bytes | None) -> Any:
    import PIL.Image

    exif = PIL.Image.Exif()
    exif.load(data or b"")
    return exif


_HDR_SIZE = re.compile(rb"\n([+-])Y (\d{1,9}) \+X (\d{1,9})\n")


def decode_hdr(file: File) -> Decoded:
    """Return the picture in a Radiance HDR file: (h, w, 3) of float32, linear light.

    Source: G. Ward, Real Pixels, Graphics Gems II, 1991.
    """
    codecs = extra("imagecodecs", EXTRA, f"{file.where}: a Radiance HDR file")
    data = _whole(file)
    found = _HDR_SIZE.search(data[:HEAD_BYTES])
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


def _whole(file: File) -> bytes:
    file.stream.seek(0)
    return file.stream.read()


DECODERS: dict[str, Callable[[File], Decoded]] = {
    "AVIF": decode_deep,
    "JPEG2000": decode_deep,
    "HEIF": decode_heif,
    "JXL": decode_jxl,
    "HDR": decode_hdr,
    "EXR": decode_exr,
}
