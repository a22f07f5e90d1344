"""Files in the formats that the extra `formats` brings, without loss where the format allows."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image

from convcli.errors import OutputError
from convcli.extras import extra
from convcli.images.encoding import MODERN_QUALITY, Encoding
from convcli.images.image import Image
from convcli.images.modern import EXTRA


def encode_jxl(image: Image, how: Encoding) -> bytes:
    """Return a JPEG XL file of 8 or 16 bits or float32, without loss unless a quality is given."""
    codecs = extra("imagecodecs", EXTRA, "writing JPEG XL files")
    samples = image.samples
    if samples.dtype.kind == "f":
        samples = samples.astype(np.float32)
    lossy = {"lossless": True} if how.quality is None else {"level": how.quality}
    return bytes(codecs.jpegxl_encode(np.ascontiguousarray(samples), **lossy))


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
    codecs = extra("imagecodecs", EXTRA, "writing JPEG 2000 files of 16 bits")
    return bytes(codecs.jpeg2k_encode(samples, level=how.quality or 0, codecformat="jp2"))


def encode_heic(image: Image, how: Encoding) -> bytes:
    """Return a HEIC file of 8 bits with profile, EXIF and XMP data."""
    heif = extra("pillow_heif", EXTRA, "writing HEIC files")
    samples = image.samples
    if samples.ndim == 2 or samples.shape[2] == 2:
        grey = PIL.Image.fromarray(samples)
        samples = np.asarray(grey.convert("RGB" if samples.ndim == 2 else "RGBA"))
    made = heif.from_pillow(PIL.Image.fromarray(samples))
    stream = io.BytesIO()
    metadata = {"icc_profile": image.metadata.icc_profile, "exif": image.metadata.exif}
    metadata["xmp"] = image.metadata.xmp
    made.save(
        stream,
        quality=how.quality or MODERN_QUALITY,
        chroma=444,
        **{name: data for name, data in metadata.items() if data},
    )
    return stream.getvalue()


def encode_hdr(image: Image, _: Encoding) -> bytes:
    """Return a Radiance HDR file: three numbers of 8 bits that share an exponent."""
    codecs = extra("imagecodecs", EXTRA, "writing Radiance HDR files")
    pixels = image.pixels if image.pixels.ndim == 3 else np.repeat(image.pixels[:, :, None], 3, axis=2)
    if not (np.isfinite(pixels).all() and pixels.min() >= 0):
        raise OutputError(
            f"HDR cannot hold {pixels.dtype} pixels below 0, infinite or NaN; use .exr, .tif or .npy."
        )
    return bytes(codecs.rgbe_encode(np.ascontiguousarray(pixels, np.float32), header=True))


def encode_exr(image: Image, _: Encoding) -> bytes:
    """Return an OpenEXR file of float16 or float32, colours multiplied by alpha as it has them."""
    exr = extra("OpenEXR", EXTRA, "writing OpenEXR files")
    pixels, alpha = image.pixels, image.alpha
    names = ("Y",) if pixels.ndim == 2 else ("R", "G", "B")
    planes = [pixels] if pixels.ndim == 2 else [pixels[:, :, channel] for channel in range(3)]
    if alpha is not None:
        planes = [*(plane * alpha for plane in planes), alpha]
        names = (*names, "A")
    channels = {
        name: np.ascontiguousarray(plane, pixels.dtype) for name, plane in zip(names, planes, strict=True)
    }
    head = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
    with tempfile.TemporaryDirectory() as folder:  # the library writes names alone
        path = Path(folder) / "image.exr"
        exr.File(head, channels).write(str(path))
        return path.read_bytes()
