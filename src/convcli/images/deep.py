"""AVIF, JPEG 2000, SGI and DDS files of more than the 8 bits that Pillow gives of them; the extra keeps some.

What a library decodes as a whole is only given to it once its header has said that it is not too large.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from convcli.errors import MissingExtraError
from convcli.extras import extra
from convcli.images import opening
from convcli.images.bounds import check_pixels
from convcli.images.depth import Described, described
from convcli.images.encoding import Encoding
from convcli.images.image import Image, stretched
from convcli.images.kind import Decoded, File
from convcli.images.picture import parted


def decode_as_8_bits(file: File) -> Decoded:
    """Return the picture in a file as Pillow decodes it; of one with more bits a note says so."""
    decoded, bits = opening.decode(file), described(file.kind.name, file.stream).bits
    return decoded if bits <= 8 else replace(decoded, notes=(*decoded.notes, _as_8_bits(file, bits)))


def _as_8_bits(file: File, bits: int) -> str:
    return f"{file.where}: {bits} bits a sample are read as 8."


def decode(file: File) -> Decoded:
    """Return the picture in an AVIF or JPEG 2000 file, of more than 8 bits where it has them.

    Pillow gives 8 of them, but of grey JPEG 2000, and opens some files not at all. Where the extra is not
    installed either, a note says so.
    """
    said = described(file.kind.name, file.stream)
    try:
        decoded = opening.decode(file)
    except MemoryError:
        raise
    except Exception:  # what decoders raise is nearly anything
        if file.kind.name != "JPEG2000" or opening.open_picture(file).mode == "CMYK":  # whose ink is no alpha
            raise
        if (samples := _by_imagecodecs(file, said)) is None:
            raise
        note = f"{file.where}: is read without its profile and EXIF data, if it has any."
        return Decoded(*parted(samples), notes=(note,))
    if decoded.pixels.dtype == np.uint16 and 8 < said.bits < 16:  # grey, moved to the highest bits
        return replace(decoded, pixels=stretched(decoded.pixels >> (16 - said.bits), said.bits))
    if said.bits <= 8 or decoded.pixels.dtype != np.uint8:
        return decoded
    samples = _by_imagecodecs(file, said)
    if samples is None or samples.dtype != np.uint16 or samples.shape[:2] != decoded.pixels.shape[:2]:
        note = _as_8_bits(file, said.bits)
        if samples is None:
            note = f"{note[:-1]}; pip install 'convcli[formats]' keeps them."
        return replace(decoded, notes=(*decoded.notes, note))
    pixels, alpha = parted(samples)
    if (alpha is None) != (decoded.alpha is None):  # a fourth channel of ink is no alpha
        return replace(decoded, notes=(*decoded.notes, _as_8_bits(file, said.bits)))
    if pixels.ndim == 2 and decoded.pixels.ndim == 3:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return replace(decoded, pixels=pixels, alpha=alpha)


def _by_imagecodecs(file: File, said: Described) -> NDArray[Any] | None:
    """Return the samples (h, w[, c]) of a file, None if they cannot be had so."""
    try:
        codecs = extra("imagecodecs", "formats", "")
    except MissingExtraError:
        return None
    check_pixels(said.rows, said.columns, file.most, file.where)
    if not said.rows or not said.columns:
        return None
    decode = codecs.avif_decode if file.kind.name == "AVIF" else codecs.jpeg2k_decode
    try:
        file.stream.seek(0)
        samples = np.asarray(decode(file.stream.read()))
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
    return stretched(samples, said.bits) if samples.dtype == np.uint16 else samples


def encode_jp2(image: Image, how: Encoding) -> bytes:
    """Return a JPEG 2000 file of 8 or 16 bits; 16 bits of colours need the extra.

    Nothing is lost, unless a quality is given: the PSNR in decibels, as ImageMagick takes it.
    """
    samples = np.ascontiguousarray(image.samples)
    if samples.dtype == np.uint8:
        stream = io.BytesIO()
        lossy = {} if how.quality is None else {"quality_mode": "dB", "quality_layers": [how.quality]}
        PIL.Image.fromarray(samples).save(stream, "JPEG2000", irreversible=bool(lossy), **lossy)
        return stream.getvalue()
    codecs = extra("imagecodecs", "formats", "writing JPEG 2000 files of 16 bits")
    return bytes(codecs.jpeg2k_encode(samples, level=how.quality or 0, codecformat="jp2"))
