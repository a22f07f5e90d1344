"""What a kernel does to waves: its frequency response.

A kernel that is laid on a wave of f cycles a pixel gives the same wave times a complex number, the response
at f: its size is the gain, its angle how far the wave is moved. Source: Oppenheim and Schafer, Discrete-Time
Signal Processing, section 2.6; in two dimensions Dudgeon and Mersereau, Multidimensional Digital Signal
Processing, section 1.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.kernels.weights import Kernel, Weights
from convcli.shapes import Pair

Complex = NDArray[np.complex128]

NYQUIST = 0.5  # cycles a pixel: the finest wave, black and white by turns
SAMPLES = 257  # of an axis of a map, from −0.5 to 0.5: an odd number has 0 among them
FINE = 2049  # of a cut, from 0 to 0.5
ROUNDING = 1e-12  # of the sum of the absolute weights

DIRECTIONS = ("across", "down", "diagonal")
"""Of waves: along rows, along columns, or with the same frequency along both."""


def response_at(weights: Weights, down: ArrayLike, across: ArrayLike, centre: Pair) -> Complex:
    """Return the response (m, n) at m frequencies of rows and n of columns, in cycles a pixel.

    The weights (f_h, f_w) are laid on as they are (correlation), the cell `centre` on the pixel:
    H = Σ w[i, j] exp(2πi (down (i − cᵢ) + across (j − cⱼ))). For convolution it is the conjugate.

    >>> response_at(np.full((1, 2), 0.5), [0], [0, 0.5], (0, 0)).real.round(9).tolist()
    [[1.0, 0.0]]
    """
    rows, columns = (
        2 * np.pi * np.outer(np.asarray(waves, np.float64), np.arange(size) - middle)
        for waves, size, middle in zip((down, across), weights.shape, centre, strict=True)
    )
    # The products apart, since the weights as complex numbers would be twice as large.
    through: Complex = weights @ np.cos(columns).T + 1j * (weights @ np.sin(columns).T)
    response: Complex = np.exp(1j * rows) @ through
    return response


def centre_of(kernel: Kernel) -> Pair:
    """Return the cell that lies on the pixel, where padding is "same"."""
    rows, columns = kernel.shape
    return kernel.anchor or ((rows - 1) // 2, (columns - 1) // 2)


@dataclass(frozen=True, eq=False)
class Response:
    """The frequency response of one part of a kernel."""

    weights: Weights
    centre: Pair

    def map(self, samples: int = SAMPLES) -> Complex:
        """Return the response from −0.5 to 0.5 cycles a pixel, (samples, samples): rows down."""
        waves = np.linspace(-NYQUIST, NYQUIST, samples)
        return response_at(self.weights, waves, waves, self.centre)

    def cut(self, direction: str, samples: int = FINE) -> Complex:
        """Return the response along one of `DIRECTIONS` from 0 to 0.5 cycles a pixel, (samples,).

        It is that of a line: the weights added up where such a wave is the same.
        """
        (rows, columns), (row, column) = self.weights.shape, self.centre
        if direction == "across":
            line, middle = self.weights.sum(axis=0), column
        elif direction == "down":
            line, middle = self.weights.sum(axis=1), row
        else:
            line, middle = np.zeros(rows + columns - 1), row + column
            for n, weights in enumerate(self.weights):
                line[n : n + columns] += weights
        waves = np.linspace(0, NYQUIST, samples)
        response: Complex = response_at(line[None], [0], waves, (0, middle))[0]
        return response

    @property
    def dc(self) -> float:
        """The gain of what is flat: the sum of the weights, as 0 what is rounding."""
        return self._without_rounding(float(self.weights.sum()))

    def nyquist(self, direction: str) -> float:
        """Return the gain of the finest wave along one of `DIRECTIONS`, as 0 what is rounding."""
        return self._without_rounding(float(abs(self.cut(direction, 2)[-1])))

    def _without_rounding(self, value: float) -> float:
        return 0.0 if abs(value) <= ROUNDING * self.size else value

    @cached_property
    def size(self) -> float:
        """The sum of the absolute weights, which no gain can be above."""
        return math.fsum(float(np.abs(row).sum()) for row in self.weights)

    @cached_property
    def phase(self) -> Literal["real", "imaginary", "complex"]:
        """Whether waves stay in their place, are moved by a quarter, or by more or less than that.

        By symmetry, which is exact: weights that are the same (or the negative) after a turn by 180° about
        the centre.
        """
        window = self._about_the_centre()
        limit = ROUNDING * self.size
        if np.abs(window - window[::-1, ::-1]).max() <= limit:
            return "real"
        return "imaginary" if np.abs(window + window[::-1, ::-1]).max() <= limit else "complex"

    def _about_the_centre(self) -> Weights:
        """Return the weights with zeros around, so that the centre is in the middle."""
        sides = []
        for size, middle in zip(self.weights.shape, self.centre, strict=True):
            reach = max(middle, size - 1 - middle)
            sides.append((reach - middle, reach - (size - 1 - middle)))
        return np.pad(self.weights, sides)

    def peak(self, samples: int = SAMPLES) -> tuple[float, float, float]:
        """Return the largest gain of a map, and its frequencies down and across.

        Of several that are as large, the one of the slowest wave that falls or runs to the right.
        """
        gain = np.abs(self.map(samples))
        waves = np.linspace(-NYQUIST, NYQUIST, samples).tolist()
        places = np.argwhere(gain >= gain.max() * (1 - 1e-9)).tolist()
        row, column = min(
            places,
            key=lambda at: (waves[at[1]] < 0, waves[at[0]] < 0, math.hypot(waves[at[0]], waves[at[1]])),
        )
        return float(gain[row, column]), waves[row], waves[column]

    def half_power(self, direction: str) -> float | None:
        """Return where the gain first falls to 1/√2 of that of what is flat (−3 dB), in cycles a pixel.

        None if it never does, or nothing flat passes.
        """
        if not self.dc:
            return None
        gain = np.abs(self.cut(direction)) - abs(self.dc) / math.sqrt(2)
        below = np.flatnonzero(gain <= 0)
        if not below.size:
            return None
        n = int(below[0])
        share = gain[n - 1] / (gain[n - 1] - gain[n])
        return float((n - 1 + share) * NYQUIST / (FINE - 1))


def responses_of(kernel: Kernel) -> list[Response]:
    """Return the frequency response of each of a kernel's parts."""
    centre = centre_of(kernel)
    return [Response(part, centre) for part in kernel.parts]
