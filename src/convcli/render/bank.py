"""The kernels that a layer has learned, as a sheet: the weights of each, and what it does to waves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from convcli.engine.workspace import Array
from convcli.kernels.frequency import Response
from convcli.kernels.learned import Match
from convcli.render.contact_sheet import Tile, sheet_pixels, sheet_png
from convcli.render.frequency import coloured
from convcli.render.kernel_heat import grey_heat, heat_of
from convcli.render.kernels import call
from convcli.render.learned import MOST, LearnedLayer, likeness
from convcli.wording import by, printable

Bytes = NDArray[np.uint8]

SIDE, BETWEEN = 120, 8  # pixels of a kernel and of its response, and between the two


def bank_tiles(layer: LearnedLayer) -> list[Tile]:
    """Return a tile for each kernel, the nearest to a named one first: its weights, and beside them its gain.

    Kernels for red, green and blue are one tile: grey is 0, a colour's light a positive weight on it. Of
    others orange is positive and blue negative, each on its own scale.
    """
    kernels = sorted(_kernels(layer), key=lambda kernel: -likeness(kernel[2]))[:MOST]
    return [Tile(f"{name}: {_nearest(match)}", _pixels(weights)) for name, weights, match in kernels]


def bank_title(layer: LearnedLayer) -> str:
    """Return the run, the layer, and how many kernels of which size it has."""
    filters, channels = layer.weights.shape[3], layer.weights.shape[2]
    count = (
        f"{filters} kernels of {by(layer.size)} × RGB"
        if layer.rgb
        else f"{filters * channels} kernels of {by(layer.size)}"
    )
    return printable(f"{layer.run}, layer {layer.number}: {count}")


def bank_words(layer: LearnedLayer) -> str:
    """Return what is seen."""
    words = (
        "grey is 0, light of a colour a positive weight on it" if layer.rgb else "orange +, blue −, white 0"
    )
    count = layer.weights.shape[3] * (1 if layer.rgb else layer.weights.shape[2])
    some = f" These are the {MOST} nearest to a named kernel, of {count}." if count > MOST else ""
    return (
        f"Left the weights ({words}), right the gain from −0.5 to 0.5 cycles per pixel, 0 in the "
        f"middle, yellow the largest.{some}"
    )


def bank_png(layer: LearnedLayer) -> bytes:
    """Return the sheet as a picture."""
    return sheet_png(bank_title(layer), bank_tiles(layer), bank_words(layer))


def bank_pixels(layer: LearnedLayer) -> Bytes:
    """Return the same as pixels."""
    return sheet_pixels(bank_title(layer), bank_tiles(layer), bank_words(layer))


def _kernels(layer: LearnedLayer) -> Iterator[tuple[str, Array, Match]]:
    """Yield each kernel's name, its weights (f_h, f_w) or (f_h, f_w, 3), and the named one nearest to it."""
    if layer.rgb:
        for k, volume, match in layer.tiles():
            yield f"{k + 1}", volume, match
        return
    for k, c, plane, match in layer.matches():
        yield (f"{k + 1}" if layer.weights.shape[2] == 1 else f"{k + 1}/{c + 1}"), plane, match


def _nearest(match: Match) -> str:
    sign = "−" if match.cosine < 0 else ""
    return f"{sign}{call(match.kernel.name, match.kernel.parameters)} {abs(match.cosine):.2f}"


def _pixels(weights: Array) -> Bytes:
    """Return weights and, beside them, their gain: with channels the root of the sum of its squares."""
    largest = float(np.abs(weights).max())
    heat = grey_heat(weights, largest) if weights.ndim == 3 else heat_of(weights, largest)
    planes = [weights] if weights.ndim == 2 else [weights[:, :, c] for c in range(weights.shape[2])]
    centre = (weights.shape[0] - 1) // 2, (weights.shape[1] - 1) // 2
    gain = np.sqrt(sum(np.abs(Response(plane, centre).map(SIDE + 1)) ** 2 for plane in planes))
    return np.hstack(
        [_enlarged(heat), np.full((SIDE, BETWEEN, 3), 255, np.uint8), coloured(gain[:SIDE, :SIDE])]
    )


def _enlarged(pixels: Bytes) -> Bytes:
    """Return pixels as squares, in the middle of (SIDE, SIDE) on white."""
    times = max(SIDE // max(pixels.shape[:2]), 1)
    large = pixels.repeat(times, axis=0).repeat(times, axis=1)[:SIDE, :SIDE]
    ground = np.full((SIDE, SIDE, 3), 255, np.uint8)
    top, left = (SIDE - large.shape[0]) // 2, (SIDE - large.shape[1]) // 2
    ground[top : top + large.shape[0], left : left + large.shape[1]] = large
    return ground
