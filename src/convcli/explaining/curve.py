"""The curve of an activation and its slope as a picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from convcli.engine.workspace import Array
from convcli.explaining.alone import Alone
from convcli.explaining.elements import Picture
from convcli.nn.activations import Activation
from convcli.nn.layers import ActivationLayer

SMOOTH = 4  # pixels drawn for each that is shown, along a side
HEIGHT, WIDTH, MARGIN = 150 * SMOOTH, 200 * SMOOTH, 8 * SMOOTH
LEAST_REACH, MOST_REACH = 4, 10  # of z to either side of 0
PAPER, AXIS, VALUE, SLOPE, POINT = (
    (255, 255, 255),
    (190, 190, 190),
    (31, 79, 160),
    (214, 108, 20),
    (20, 20, 20),
)


def curve(g: Activation, z: Array) -> Picture:
    """Return g and g′ around 0, as far as most of `z` reaches, with a point on g for each of its numbers."""
    reach = float(min(max(LEAST_REACH, math.ceil(np.abs(z).max())), MOST_REACH))
    along = np.linspace(-reach, reach, 2 * WIDTH)
    layer = Alone(ActivationLayer(function=g), along[None])
    values, slopes = layer.y[0], layer.gradients(np.ones((1, along.size)))["x"][0]
    low, high = (
        float(limit) for limit in (min(values.min(), slopes.min(), 0), max(values.max(), slopes.max()))
    )

    def places(xs: Array, ys: Array) -> tuple[Array, Array]:
        """Return rows and columns."""
        rows = MARGIN + (high - ys) / (high - low) * (HEIGHT - 1 - 2 * MARGIN)
        return rows, MARGIN + (xs + reach) / (2 * reach) * (WIDTH - 1 - 2 * MARGIN)

    pixels = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    zero = np.zeros(1)
    across, down = places(zero, zero)
    pixels[round(float(across[0])) :][:SMOOTH] = AXIS
    pixels[:, round(float(down[0])) :][:, :SMOOTH] = AXIS
    _dots(pixels, *places(along, slopes), 1.3 * SMOOTH, SLOPE)
    _dots(pixels, *places(along, values), 1.8 * SMOOTH, VALUE)
    shown = np.unique(z[np.abs(z) <= reach])
    if shown.size:
        _dots(pixels, *places(shown, Alone(layer.layer, shown[None]).y[0]), 3.5 * SMOOTH, POINT)
    span = f"z from −{reach:g} to {reach:g}, upwards from {low:.3g} to {high:.3g}".replace("-", "−")
    blocks = pixels.reshape(HEIGHT // SMOOTH, SMOOTH, WIDTH // SMOOTH, SMOOTH, 3)
    smooth = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    return Picture(smooth, f"g blue, g′ orange, Z as points; {span}")


def _dots(
    pixels: NDArray[np.uint8], rows: Array, columns: Array, radius: float, colour: tuple[int, int, int]
) -> None:
    """Draw a round dot at each place."""
    reach = math.ceil(radius)
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            if i * i + j * j <= radius * radius:
                at = np.rint(rows).astype(int) + i, np.rint(columns).astype(int) + j
                inside = (at[0] >= 0) & (at[0] < HEIGHT) & (at[1] >= 0) & (at[1] < WIDTH)
                pixels[at[0][inside], at[1][inside]] = colour
