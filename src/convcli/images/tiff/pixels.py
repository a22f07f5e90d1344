"""What the samples of a TIFF file mean: grey, colours, a palette, ink; white, alpha, and their scale.

Source: TIFF 6.0 (Adobe, 1992): PhotometricInterpretation, ColorMap, ExtraSamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.image import Pixels, full_scale, rescaled
from convcli.images.tiff.directory import Directory, Tag
from convcli.images.tiff.kinds import COLOURS, Photometric
from convcli.images.tiff.layout import Layout

LONGEST_PALETTE = 16  # bits of its numbers
BAND_SAMPLES = 2**22  # that are given their meaning at a time


ASSOCIATED, UNASSOCIATED = 1, 2  # what ExtraSamples calls alpha: multiplied into the colours already, or not
_ALPHAS = (ASSOCIATED, UNASSOCIATED)


def pixels_of(
    samples: NDArray[Any], layout: Layout, directory: Directory, *, every: bool = False
) -> tuple[Pixels, Pixels | None, list[str]]:
    """Return pixels (h, w) or (h, w, 3), or (h, w, 4) of ink, alpha, and what to say about them.

    With `every`, samples that are neither colour nor alpha are channels, too: (h, w, n).

    Some rows at a time: what is computed on the way takes several times the memory of what comes of it.

    Raises
    ------
    InputError
        If a palette or samples are missing.
    """
    height, width, count = samples.shape
    rows = max(BAND_SAMPLES // (width * count), 1)
    pixels, alpha, notes = _meaning(samples[:rows], layout, directory, every)
    if rows >= height:
        return pixels, alpha, notes
    whole = np.empty((height, *pixels.shape[1:]), pixels.dtype)
    opacity = None if alpha is None else np.empty((height, width), alpha.dtype)
    for first in range(0, height, rows):
        pixels, alpha, _ = _meaning(samples[first : first + rows], layout, directory, every)
        whole[first : first + rows] = pixels
        if opacity is not None:
            opacity[first : first + rows] = alpha
    return whole, opacity, notes


def _meaning(
    samples: NDArray[Any], layout: Layout, directory: Directory, every: bool
) -> tuple[Pixels, Pixels | None, list[str]]:
    """Return what `pixels_of` does, of some rows."""
    where, notes = directory.where, []
    photometric = Photometric(layout.photometric)
    colours = COLOURS[photometric]
    every = every and photometric in (Photometric.BLACK_IS_ZERO, Photometric.RGB)
    if photometric == Photometric.SEPARATED and layout.bits == 16:
        notes.append(f"{where}: 16 bits of ink are read as 8.")
        samples = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if layout.samples < colours:
        raise InputError(f"{where}: expected {colours} samples a pixel, found {layout.samples}.")
    alpha, left = _alpha(samples, colours, layout)
    pixels = _colours(samples, colours, layout, every=every and left > 0)
    if left and not every:
        more = "1 more sample a pixel, which is" if left == 1 else f"{left} more samples a pixel, which are"
        notes.append(f"{where}: has {more} neither colour nor alpha; left out.")
    if photometric == Photometric.PALETTE:
        pixels = _looked_up(pixels, layout, directory)
        if alpha is not None:
            alpha = _scaled(alpha, layout.bits)
    else:
        if photometric == Photometric.WHITE_IS_ZERO:
            if layout.kind == "f":
                notes.append(f"{where}: says that white is 0, which floats do not define; read as they are.")
            else:
                pixels = ~pixels if layout.kind == "i" else pixels.dtype.type(2**layout.bits - 1) - pixels
        if layout.bits < 8 and layout.kind == "u":
            pixels = _scaled(pixels, layout.bits)
        elif layout.kind != "f" and layout.bits < pixels.dtype.itemsize * 8:
            notes.append(
                f"{where}: {layout.bits} bits a sample are kept as they are, in {pixels.dtype.name}."
            )
        if alpha is not None:
            alpha = _alpha_of(alpha, layout, pixels.dtype)
    if alpha is not None and layout.extra[:1] == (ASSOCIATED,):
        pixels = _divided(pixels, alpha)
    return np.ascontiguousarray(pixels), alpha, notes


def _colours(samples: NDArray[Any], colours: int, layout: Layout, *, every: bool) -> NDArray[Any]:
    """Return the samples that are colours, with `every` also those that are neither colour nor alpha."""
    if not every:
        return samples[:, :, 0] if colours == 1 else samples[:, :, :colours]
    alphas = [number for number, meaning in enumerate(layout.extra) if meaning in _ALPHAS]
    hidden = colours + alphas[0] if alphas else None
    return samples[:, :, [place for place in range(samples.shape[2]) if place != hidden]]


def _alpha(samples: NDArray[Any], colours: int, layout: Layout) -> tuple[NDArray[Any] | None, int]:
    """Return the samples that are alpha, and how many others there are besides the colours."""
    more = layout.samples - colours
    extra = layout.extra
    if not extra and more == 1 and layout.photometric == Photometric.RGB:
        extra = (UNASSOCIATED,)  # as everyone takes a fourth channel that nothing is said about
    for number, meaning in enumerate(extra[:more]):
        if meaning in _ALPHAS:
            return np.ascontiguousarray(samples[:, :, colours + number]), more - 1
    flat = more == 1 and bool((samples[:, :, -1] == samples[0, 0, -1]).all())  # RGBX: padding, no infrared
    return None, 0 if flat else more


def _scaled(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Return numbers of up to 8 bits as uint8, the largest as 255."""
    if bits >= 8:
        return values
    scaled: NDArray[np.uint8] = rescaled(np.arange(2**bits), 2**bits - 1, np.dtype(np.uint8))[values]
    return scaled


def _alpha_of(alpha: NDArray[Any], layout: Layout, dtype: np.dtype[Any]) -> Pixels:
    """Return alpha as an `Image` of pixels of `dtype` has it."""
    if dtype == alpha.dtype == np.uint8 and layout.photometric == Photometric.SEPARATED:
        return alpha
    if layout.kind == "f":
        return alpha.astype(np.float32)
    most = 2 ** (layout.bits - (layout.kind == "i")) - 1
    if dtype in (np.uint8, np.uint16):
        return rescaled(alpha, most, dtype)
    share: Pixels = np.clip(alpha / most, 0, 1).astype(np.float32)
    return share


def _divided(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Return colours that were multiplied by alpha as they were before; black where alpha is 0."""
    share = alpha.astype(np.float64) / full_scale(alpha.dtype)
    if pixels.ndim == 3:
        share = share[:, :, None]
    colours = np.divide(pixels, share, out=np.zeros(pixels.shape), where=share > 0)
    if pixels.dtype.kind == "f":
        floats: Pixels = colours.astype(pixels.dtype)
        return floats
    limits = np.iinfo(pixels.dtype)
    whole: Pixels = np.clip(np.rint(colours), limits.min, limits.max).astype(pixels.dtype)
    return whole


def _looked_up(numbers: NDArray[Any], layout: Layout, directory: Directory) -> NDArray[np.uint8]:
    """Return the colours (h, w, 3) of a palette's numbers, of 8 bits as everyone reads its 16."""
    if layout.bits > LONGEST_PALETTE or layout.kind != "u":
        raise InputError(f"{directory.where}: a palette's numbers of {layout.bits} bits cannot be read.")
    colours = directory.array(Tag.COLOUR_MAP).astype(np.uint16)
    count = 2**layout.bits
    if len(colours) < 3 * count:
        raise InputError(
            f"{directory.where}: expected a palette of {count} colours, found {len(colours) // 3}."
        )
    shift = 8 if colours.max() > 255 else 0  # some programs write 8 bits where 16 belong
    palette = (colours[: 3 * count] >> shift).astype(np.uint8).reshape(3, count).T
    return np.ascontiguousarray(palette[numbers])
