"""How alike two planes look: structural similarity, by the filter engine, block by block.

Source: Wang, Bovik, Sheikh and Simoncelli, Image quality assessment: from error visibility to structural
similarity, IEEE Transactions on Image Processing 13(4), 2004. With a uniform window it is what
`skimage.metrics.structural_similarity` computes by itself; with a Gaussian one, what it computes with
`gaussian_weights=True, sigma=1.5, use_sample_covariance=False`, the article's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import each_block, responses
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import ArrayPlane, Block, Plane
from convcli.engine.workspace import Workspace
from convcli.errors import UnknownNameError

Values = NDArray[Any]

K1, K2 = 0.01, 0.03
"""Shares of the data range whose squares keep the quotients from a division by nothing."""

SIDE = 7  # of the uniform window
SIGMA, RADIUS = 1.5, 5  # of the Gaussian one, which is 11 wide


@dataclass(frozen=True, eq=False)
class Window:
    """How neighbours are weighted, and what turns their variance into that which is compared."""

    weights: Values  # (f, f), sum 1
    sample: float  # n / (n − 1) for the variance of a sample, 1 for that of all there is

    @property
    def side(self) -> int:
        """Rows, and columns."""
        return len(self.weights)


def _uniform() -> Window:
    cells = SIDE**2
    return Window(np.full((SIDE, SIDE), 1 / cells), cells / (cells - 1))


def _gaussian() -> Window:
    line = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    line /= line.sum()
    return Window(np.outer(line, line), 1.0)


WINDOWS = {"uniform": _uniform, "gaussian": _gaussian}


def window_named(name: str) -> Window:
    """Return the window of a name among `WINDOWS`, or raise `UnknownNameError`."""
    if name not in WINDOWS:
        raise UnknownNameError("window", name, WINDOWS)
    return WINDOWS[name]()


class _Product:
    """The products of two planes' cells, as a plane."""

    def __init__(self, first: Values, second: Values) -> None:
        self.first, self.second = first, second
        self.shape = (first.shape[0], first.shape[1])
        self.dtype = np.dtype(np.float64)

    def read(self, rows: slice, columns: slice, out: Values) -> None:
        """Put the products of `rows` and `columns` into `out`."""
        np.multiply(self.first[rows, columns], self.second[rows, columns], out=out, dtype=out.dtype)


def similarity(
    first: Values, second: Values, window: Window, white: float, threads: int | None = None
) -> float:
    """Return the mean structural similarity of two planes (h, w), at least as large as the window.

    It is computed in float64 where the window lies whole on the plane; `white` is the data range.

    >>> plane = np.arange(64.0).reshape(8, 8)
    >>> similarity(plane, plane, window_named("uniform"), 255)
    1.0
    """
    plan = Plan.of(first.shape, np.dtype(np.float64), [window.weights], padding="valid")
    pairs = ((first, first), (second, second), (first, second))
    planes: list[Plane] = [ArrayPlane(first), ArrayPlane(second), *(_Product(*pair) for pair in pairs)]
    c1, c2 = (K1 * white) ** 2, (K2 * white) ** 2

    def summed(block: Block, workspace: Workspace) -> float:
        means = [workspace.array(f"mean {n}", block.shape, np.float64) for n in range(len(planes))]
        for plane, mean in zip(planes, means, strict=True):
            responses(plan, plane, block, [mean], workspace)
        x, y, xx, yy, xy = means
        variances = window.sample * (xx - x * x) + window.sample * (yy - y * y)
        covariance = window.sample * (xy - x * y)
        above = (2 * x * y + c1) * (2 * covariance + c2)
        return float((above / ((x * x + y * y + c1) * (variances + c2))).sum())

    rows, columns = plan.output_shape
    return math.fsum(each_block(plan, summed, threads)) / (rows * columns)
