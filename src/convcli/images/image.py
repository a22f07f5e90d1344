"""What an image is in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[Any]

COLOUR_CHUNKS = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
"""Of a PNG file: how its colours are to be seen."""


@dataclass(frozen=True)
class Metadata:
    """What is written back with an image.

    Attributes
    ----------
    icc_profile, dpi
        The colour profile; dots per inch, across and down.
    exif
        EXIF data less orientation and sizes.
    colour
        The `COLOUR_CHUNKS` of a PNG file, with their content.
    xmp
        XMP less what EXIF data are kept without.
    """

    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    exif: bytes | None = None
    colour: tuple[tuple[bytes, bytes], ...] = ()
    xmp: bytes | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """An image as arrays.

    Attributes
    ----------
    pixels
        (h, w), or (h, w, 3) for RGB, in the dtype that the file has; (h, w, n) of any other channels where
        all are asked for.
    alpha
        (h, w), or None: of uint8 with uint8 pixels and of uint16 with uint16 pixels, where the largest value
        is opaque; of float32 with all others, where 1 is.
    metadata
        What is written back.
    notes
        What the user should hear: what was converted or left out when reading.
    luma_of_colour
        Whether `pixels` are the brightness of a colour image whose colours were not decoded.
    nodata
        The value that the file itself names as standing for no data (GDAL's tag of a TIFF), or None.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    luma_of_colour: bool = False
    nodata: float | None = None

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """(h, w) or (h, w, 3), as the file has it."""
        return (*self.pixels.shape, 3) if self.luma_of_colour else self.pixels.shape

    @property
    def samples(self) -> Pixels:
        """The pixels, with alpha as a last channel if there is any."""
        return self.pixels if self.alpha is None else np.dstack((self.pixels, self.alpha))


def full_scale(dtype: np.dtype[Any]) -> int:
    """Return what is opaque in alpha of a dtype: the largest integer, or 1."""
    return 1 if dtype.kind == "f" else int(np.iinfo(dtype).max)


def rescaled(values: Pixels, most: int, dtype: np.dtype[Any]) -> Pixels:
    """Return integers of 0 … `most` as those of 0 … the largest of an unsigned dtype, rounded."""
    white = full_scale(dtype)
    if most == white:
        return values.astype(dtype)
    scaled: Pixels = ((values.astype(np.uint64) * (2 * white) + most) // (2 * most)).astype(dtype)
    return scaled


def stretched(samples: Pixels, bits: int) -> Pixels:
    """Return unsigned integers of so many bits with the largest of these as the largest of their dtype."""
    if bits >= samples.dtype.itemsize * 8:
        return samples
    return rescaled(np.minimum(samples, 2**bits - 1), 2**bits - 1, samples.dtype)
