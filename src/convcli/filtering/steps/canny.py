"""Canny's edges, as a step."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from convcli.engine.hysteresis import connected_to_strong
from convcli.engine.plane.planes import ArrayPlane
from convcli.filtering.canny import Crests, length, sum_of_sizes
from convcli.filtering.laying import laid
from convcli.filtering.luma import gray
from convcli.filtering.picture import Picture, Setting, Stored, exact, pointwise
from convcli.filtering.policy import Policy
from convcli.filtering.statistics import FINE
from convcli.filtering.steps.step import Bordered, per_cent
from convcli.kernels import named


def _limit(value: object) -> object:
    """Return a number, or a share of white such as `10%` as it is."""
    if isinstance(value, str):
        share = per_cent(value)
        if share is None or share < 0:
            raise ValueError(f"expected a number, or a share of white such as 10%, not {value!r}")
    return value


Limit = Annotated[float | str, BeforeValidator(_limit)]


class Canny(Bordered):
    """Edges one pixel wide, white on black: strong crests of the gradient, and weak ones joined to them.

    The gradient is Sobel's, of brightness under a Gaussian: a step of n has 4 n. Edges are joined over any
    distance. It is computed in float64, and kept as one byte a pixel.

    As scikit-image's: nothing more, but its border `constant` corrects for what is beyond the image, which
    reflect, symmetric, edge and wrap do not need; and on both sides of a step that is drawn, gradients are
    equal but for rounding, so that one or both may stay. As OpenCV's Canny(image, low, high,
    L2gradient=True): sigma=0, thinning=sectors, border=edge; without L2gradient norm=l1 besides.
    """

    type: Literal["canny"] = "canny"
    sigma: Annotated[float, Field(ge=0, le=500)] = 1.0
    """Of the Gaussian, in pixels; 0 for none."""
    low: Limit = "10%"
    """From which size of gradient on an edge goes on: in the image's units, or a share of white (10%)."""
    high: Limit = "20%"
    """From which size on an edge begins."""
    quantiles: bool = False
    """low and high are shares of all gradients that are smaller: 0.8 or 80%; counted in 65,536 bins."""
    thinning: Literal["interpolated", "sectors"] = "interpolated"
    """Crests beside what lies between pixels, or beside the nearest of eight neighbours."""
    norm: Literal["l2", "l1"] = "l2"
    """The size of a gradient: √(x² + y²), or |x| + |y|."""
    source: ClassVar[str] = (
        "J. Canny, A computational approach to edge detection, 1986; skimage.feature.canny, cv2.Canny"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Canny:
        low, high = self._limits(1.0)
        if low > high:
            raise ValueError(f"expected low of at most high, found low {self.low} and high {self.high}")
        if self.quantiles and not 0 <= low <= high <= 1:
            raise ValueError(
                f"quantiles are shares of 0 … 1 or 0% … 100%; found low {self.low} and high {self.high}"
            )
        return self

    goes_over: ClassVar[bool] = True

    @property
    def measures(self) -> bool:
        """Whether its limits are found in the picture as a whole."""
        return self.quantiles

    @property
    def luma(self) -> bool:
        """It looks at nothing but brightness."""
        return True

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Find all edges now: which weak ones are joined to strong ones is known at the end."""
        picture = exact(gray(picture))
        if self.sigma:
            policy = Policy(channels="each", alpha=setting.alpha, **self.surroundings(setting))
            picture = laid(named("gaussian", sigma=self.sigma), policy, picture)
        crests = Crests(
            picture,
            interpolated=self.thinning == "interpolated",
            sizes=length if self.norm == "l2" else sum_of_sizes,
            threads=setting.threads,
            progress=setting.pass_of(3 if self.quantiles else 1),
        )
        edges = crests.classes(*self._thresholds(crests, picture))
        connected_to_strong(edges)
        white, black = picture.white, picture.black

        def shown(cells: np.ndarray, out: np.ndarray) -> None:
            np.multiply(cells, white - black, out=out)
            out += black

        found = Stored([ArrayPlane(edges)], picture.levels, veil=picture.veil)
        return pointwise(found, shown, kind="pixels")

    def _limits(self, white: float) -> tuple[float, float]:
        """Return low and high, with shares of `white` where they are given as such."""
        low, high = (
            (per_cent(limit) or 0) / 100 * white if isinstance(limit, str) else float(limit)
            for limit in (self.low, self.high)
        )
        return low, high

    def _thresholds(self, crests: Crests, picture: Picture) -> tuple[float, float]:
        if not self.quantiles:
            return self._limits(picture.white - picture.black)
        shares = self._limits(1.0)
        largest = crests.largest()
        below = np.concatenate(([0], np.cumsum(crests.histogram(FINE, largest or 1.0))))
        places = np.linspace(0, largest, FINE + 1)
        low, high = (float(np.interp(one * below[-1], below, places)) for one in shares)
        return low, high
