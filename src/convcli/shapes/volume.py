"""What a layer costs on a volume (h, w, c): parameters, multiply-adds, and memory in float32."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convcli.errors import ShapeError
from convcli.shapes.window import Pair

NUMBER_BYTES = 4  # a float32


@dataclass(frozen=True, slots=True)
class Cost:
    """What one convolution costs for one image.

    Attributes
    ----------
    weights, biases
        Numbers that are trained: f_h·f_w·(n_c / groups)·n_f, and n_f.
    multiply_adds
        Multiplications of the forward pass.
    input_bytes, output_bytes
        Memory of A_prev and of Z.
    column_bytes
        Memory of all windows side by side, as one matrix product takes them (im2col).
    """

    weights: int
    biases: int
    multiply_adds: int
    input_bytes: int
    output_bytes: int
    column_bytes: int

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases


def volume_bytes(*shape: int) -> int:
    """Return the memory of an array in float32.

    >>> volume_bytes(28, 28, 8)
    25088
    """
    return NUMBER_BYTES * math.prod(shape)


def check_groups(channels: int, filters: int, groups: int) -> None:
    """Raise ShapeError unless `groups` divides channels and filters."""
    for count, what in ((channels, "channel(s) of the image"), (filters, "filter(s)")):
        if count % groups:
            raise ShapeError(f"groups = {groups} does not divide the {count} {what}.")


def convolution_cost(
    plane: Pair, output: Pair, kernel: Pair, *, channels: int = 1, filters: int = 1, groups: int = 1
) -> Cost:
    """Return what a convolution costs that makes (*output, filters) of (*plane, channels).

    Raises
    ------
    ShapeError
        If `groups` does not divide channels and filters.

    Examples
    --------
    >>> cost = convolution_cost((28, 28), (28, 28), (3, 3), channels=8, filters=16)
    >>> cost.parameters, cost.multiply_adds, cost.column_bytes
    (1168, 903168, 225792)
    """
    return _cost(plane, output, kernel, (channels, filters), groups, output, channels)


def transposed_cost(
    plane: Pair, output: Pair, kernel: Pair, *, channels: int = 1, filters: int = 1, groups: int = 1
) -> Cost:
    """Return the same for a transposed convolution: it lays down a window for each cell of its *input*."""
    return _cost(plane, output, kernel, (channels, filters), groups, plane, filters)


def _cost(
    plane: Pair, output: Pair, kernel: Pair, depths: Pair, groups: int, positions: Pair, window_depth: int
) -> Cost:
    channels, filters = depths
    check_groups(channels, filters, groups)
    weights = math.prod(kernel) * channels * filters // groups
    return Cost(
        weights,
        filters,
        weights * math.prod(positions),
        volume_bytes(*plane, channels),
        volume_bytes(*output, filters),
        volume_bytes(*positions, *kernel, window_depth),
    )
