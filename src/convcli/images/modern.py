"""Formats that the extra `formats` brings: HEIC, JPEG XL, Radiance HDR, OpenEXR; and more than 8 bits of AVIF
and JPEG 2000.

What a library decodes as a whole is only given to it once its header has said that it is not too large.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError, MissingExtraError
from convcli.extras import extra
from convcli.images import opening
from convcli.images.bounds import check_pixels
from convcli.images.depth import Described, described
from convcli.images.image import Metadata, rescaled
from convcli.images.metadata import exif_of
from convcli.images.opening import Decoded, File
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
        if (samples := _by_imagecodecs(file, said)) is None:
            raise
        note = f"{file.where}: is read without its profile and EXIF data, if it has any."
        return Decoded(*parted(samples), notes=(note,))
    if said.bits <= 8 or decoded.pixels.dtype != np.uint8:
        return decoded
    samples = _by_imagecodecs(file, said)
    if samples is None or samples.dtype != np.uint16 or samples.shape[:2] != decoded.pixels.shape[:2]:
        note = f"{file.where}: {said.bits} bits a sample are read as 8."
        if samples is None:
            note = f"{note[:-1]}; pip install 'convcli[{EXTRA}]' keeps them."
        return replace(decoded, notes=(*decoded.notes, note))
    pixels, alpha = parted(samples)
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
    notes = (others_left(file.where),) if len(opened) > 1 else ()
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


def decode_jxl(file: File) -> Decoded:
    """Return the picture in a JPEG XL file: uint8, uint16, or floats, as it is stored."""
    codecs = extra("imagecodecs", EXTRA, f"{file.where}: a JPEG XL file")
    data = _whole(file)
    rows, columns = jxl_size(data, file.where)
    check_pixels(rows, columns, file.most, file.where)
    samples = np.asarray(codecs.jpegxl_decode(data))
    notes = [f"{file.where}: is read without its colour profile and EXIF data, if it has any."]
    if samples.ndim == 4 or (samples.ndim == 3 and samples.shape[:2] != (rows, columns) and len(samples) > 1):
        samples = samples[0]
        notes.append(others_left(file.where))
    if samples.dtype == np.float16:
        samples = samples.astype(np.float32)
    pixels, alpha = parted(np.ascontiguousarray(samples))
    if alpha is not None and alpha.dtype.kind == "f":
        alpha = np.clip(alpha, 0, 1).astype(np.float32)
    return Decoded(pixels, alpha, notes=tuple(notes))


def jxl_size(data: bytes, where: str) -> tuple[int, int]:
    """Return the rows and columns that a JPEG XL file's first bits say, upright or not.

    Source: ISO/IEC 18181-1, annex D.2 (SizeHeader); 18181-2, section 9 (boxes jxlc, jxlp).
    """
    stream = data
    if not data.startswith(b"\xff\x0a"):
        place = 0
        stream = b""
        while place + 8 <= len(data):
            length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
            head = 16 if length == 1 else 8
            if length == 1:
                length = int.from_bytes(data[place + 8 : place + 16], "big")
            if kind in (b"jxlc", b"jxlp"):
                stream = data[place + head + 4 * (kind == b"jxlp") :][:32]
                break
            if length < head:
                break
            place += length
    if not stream.startswith(b"\xff\x0a"):
        raise InputError(f"{where}: found a JPEG XL file that is damaged or cut short.")
    bits = int.from_bytes(stream[2:16].ljust(14, b"\0"), "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    rows = side()
    ratios = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
    if ratio := take(3):
        across, down = ratios[ratio - 1]
        return rows, rows * across // down
    return rows, side()


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


def decode_exr(file: File) -> Decoded:
    """Return the picture in an OpenEXR file, of its first part: floats of 16 or 32 bits, or uint32.

    R, G, B and A, or Y and A, are colours and alpha; other channels come by name if all are wanted.
    """
    exr = extra("OpenEXR", EXTRA, f"{file.where}: an OpenEXR file")
    data = _whole(file)
    with tempfile.TemporaryDirectory() as folder:  # the library reads names alone
        path = Path(folder) / "image.exr"
        path.write_bytes(data)
        head = exr.File(str(path), separate_channels=True, header_only=True)
        first = head.parts[0]
        low, high = (np.asarray(corner) for corner in first.header["dataWindow"])
        columns, rows = (int(side) for side in high - low + 1)
        if "deep" in str(first.header.get("type", "")):
            raise InputError(f"{file.where}: an OpenEXR file of deep data has to be flattened first.")
        check_pixels(rows, columns, file.most, file.where)
        opened = exr.File(str(path), separate_channels=True)
        channels = {name: np.asarray(one.pixels) for name, one in opened.parts[0].channels.items()}
        more = len(opened.parts) > 1
    return _of_channels(file, channels, (rows, columns), others=more)


def _of_channels(
    file: File, channels: dict[str, NDArray[Any]], shape: tuple[int, int], *, others: bool
) -> Decoded:
    notes = [others_left(file.where)] if others else []
    whole = {name: one for name, one in channels.items() if one.shape == shape}
    left = sorted(set(channels) - set(whole))
    colours = [names for names in (("R", "G", "B"), ("Y",)) if all(name in whole for name in names)]
    names = colours[0] if colours else tuple(sorted(whole))
    if not names:
        raise InputError(f"{file.where}: an OpenEXR file without channels of its whole size cannot be read.")
    dtype = np.result_type(*(whole[name].dtype for name in names))
    alpha = whole["A"].astype(np.float32).clip(0, 1) if "A" in whole and names[0] in ("R", "Y") else None
    left += sorted(set(whole) - set(names) - ({"A"} if alpha is not None else set()))
    if left:
        notes.append(f"{file.where}: its channels {', '.join(left[:8])} were left out.")
    planes = [whole[name].astype(dtype) for name in names]
    pixels = planes[0] if len(planes) == 1 else np.stack(planes, axis=2)
    if pixels.ndim == 3 and pixels.shape[2] != 3 and not file.every:
        notes.append(f"{file.where}: of its channels {', '.join(names[:8])} the first is used.")
        pixels = np.ascontiguousarray(pixels[:, :, 0])
    if alpha is not None and dtype.kind == "f":  # OpenEXR's colours are multiplied by alpha
        share = alpha if pixels.ndim == 2 else alpha[:, :, None]
        pixels = np.divide(pixels, share, out=np.zeros_like(pixels), where=share > 0)
    return Decoded(pixels, alpha, notes=tuple(notes))


def others_left(where: str) -> str:
    """Return the note of a file of which the first picture is taken, and others cannot be."""
    return f"{where}: has more than one picture; only the first is read."


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
