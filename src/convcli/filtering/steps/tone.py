"""Steps that move brightness: stretched to what black and white are, or bent by a power."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from convcli.filtering.picture import Picture, Setting, pointwise
from convcli.filtering.statistics import FINE, extremes_of, histogram_of
from convcli.filtering.steps.step import Step

Share = Annotated[float, Field(ge=0, le=100)]


class Normalize(Step):
    """Stretch what lies between two shares of all values to black and white; the rest is clipped at the end.

    One measure for all channels, so that colours keep their hue. With low and high inside 0 … 100 values are
    counted in 65,536 bins. It is one pass more over the steps before, two with such shares. A picture of one
    value is left as it is.
    """

    type: Literal["normalize"] = "normalize"
    low: Share = 0
    """Per cent of all values that lie below what becomes black."""
    high: Share = 100
    """Per cent of all values that lie below what becomes white."""
    source: ClassVar[str] = "skimage.exposure.rescale_intensity; ImageMagick's -contrast-stretch"

    @model_validator(mode="after")
    def _in_order(self) -> Normalize:
        if not self.low < self.high:
            raise ValueError(f"expected low below high, found low {self.low:g} and high {self.high:g}")
        return self

    measures: ClassVar[bool] = True
    goes_over: ClassVar[bool] = True

    @property
    def _is_whole(self) -> bool:
        """Whether it goes from the least value to the largest."""
        return (self.low, self.high) == (0, 100)

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Look at all values first."""
        one_pass = setting.pass_of(1 if self._is_whole else 2)
        extremes = extremes_of(picture, setting.threads, one_pass)
        if extremes.flat:
            return picture
        low, high = extremes.low, extremes.high
        if not self._is_whole:
            histogram = histogram_of(picture, extremes, FINE, setting.threads, one_pass)
            low, high = (histogram.quantile(share / 100) for share in (self.low, self.high))
            low, high = max(low, extremes.low), min(high, extremes.high)
            if not low < high:
                return picture
        factor, black = (picture.white - picture.black) / (high - low), picture.black

        def stretched(cells: np.ndarray, out: np.ndarray) -> None:
            np.subtract(cells, low, out=out)
            out *= factor
            out += black

        return pointwise(picture, stretched, kind="pixels")


class Gamma(Step):
    """Bend brightness by a power: white · (v / white)^value; below 1 it gets lighter, above 1 darker.

    Black and white stay. What is below black is bent as much the other way.
    """

    type: Literal["gamma"] = "gamma"
    value: Annotated[float, Field(gt=0, le=100)]
    """The power."""
    source: ClassVar[str] = "skimage.exposure.adjust_gamma"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Raise each value's share of white to the power."""
        black, reach = picture.black, picture.white - picture.black

        def bent(cells: np.ndarray, out: np.ndarray) -> None:
            cells -= black
            cells /= reach
            np.abs(cells, out=out)
            np.power(out, self.value, out=out)
            np.copysign(out, cells, out=out)
            out *= reach
            out += black

        return pointwise(picture, bent)
