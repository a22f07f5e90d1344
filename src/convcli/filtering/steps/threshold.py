"""Black and white: above a value that is given, found in the histogram, or the neighbourhood's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from convcli.filtering.laying import laid
from convcli.filtering.luma import gray
from convcli.filtering.picture import Picture, Setting, pointwise, remembered
from convcli.filtering.policy import Policy
from convcli.filtering.shares import Progress
from convcli.filtering.statistics import FINE, channel_of, extremes_of, histogram_of, mean_of
from convcli.filtering.steps.step import Bordered, per_cent
from convcli.filtering.thresholds import COARSE, METHODS
from convcli.filtering.together import together
from convcli.kernels import Kernel, named
from convcli.wording import suggestion

Found = Literal["otsu", "li", "yen", "isodata", "triangle", "mean"]
Adaptive = Literal["adaptive-mean", "adaptive-gaussian"]
WORDS = (*get_args(Found), *get_args(Adaptive))

ROUNDING = 8.0
"""Steps of the dtype at white within which a sum of products may differ from what it is equal to."""


def _value(value: object) -> object:
    """Return a number, a word, or the per cent of `50%` as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number, a share such as 50%, or one of {', '.join(WORDS)}")
    if isinstance(value, str) and value not in WORDS and per_cent(value) is None:
        hint = suggestion(value, WORDS)
        raise ValueError(
            f"expected a number, a share such as 50%, or one of {', '.join(WORDS)}, not {value!r}.{hint}"
        )
    return value


class Threshold(Bordered):
    """White where brightness is above a value, black elsewhere.

    otsu, li, yen, isodata, triangle and mean are found in all values before, in two passes more over the
    steps before. Of integers each has its bin; other values are counted in 256 from the least to the largest
    (65,536 for li). Of a picture of one value nothing is above. The adaptive ones compare each pixel with
    what surrounds it: a box of size × size, or a Gaussian of sigma (size − 1) / 6; OpenCV's adaptiveThreshold
    rounds the box's mean before it compares.
    """

    type: Literal["threshold"] = "threshold"
    value: Annotated[float | str, BeforeValidator(_value)] = "otsu"
    """In the image's units (0 … 255 at 8 bits), a share of white (50%), otsu, li, yen, isodata, triangle,
    mean, adaptive-mean or adaptive-gaussian."""
    size: Annotated[int, Field(ge=3, le=4095)] = 15
    """Rows and columns of the neighbourhood of the adaptive ones: odd."""
    offset: float = 0.0
    """Taken off the neighbourhood's value, in the image's units: above 0, less becomes black."""
    channels: Literal["gray", "each"] = "gray"
    """gray: brightness, one channel; each: every channel by its own values."""
    invert: bool = False
    """Black above and white elsewhere."""
    source: ClassVar[str] = (
        "skimage.filters: threshold_otsu, threshold_li, threshold_yen, threshold_isodata, "
        "threshold_triangle, threshold_mean, threshold_local"
    )

    @model_validator(mode="after")
    def _fitting(self) -> Threshold:
        adaptive = self.value in get_args(Adaptive)
        if not adaptive and (given := {"size", "offset"} & self.model_fields_set):
            raise ValueError(
                f"{' and '.join(sorted(given))} only counts with value adaptive-mean or adaptive-gaussian"
            )
        if self.size % 2 == 0:
            raise ValueError(f"size must be odd, so that it has a middle, not {self.size}")
        return self

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Find the value, and compare."""
        if self.channels == "gray":
            picture = gray(picture)
        if self.value in get_args(Adaptive):
            return self._against_neighbours(picture, setting)
        thresholds = self._thresholds(picture, setting)
        mark = self._marking(picture)

        def compared(cells: np.ndarray, out: np.ndarray) -> None:
            for own, made, threshold in zip(cells, out, thresholds, strict=True):
                mark(own > threshold, made)
                np.copyto(made, own, where=np.isnan(own))  # which is neither, and is counted at the end

        return pointwise(picture, compared, kind="pixels")

    @property
    def measures(self) -> bool:
        """Whether the value is found in the picture as a whole."""
        return self.value in METHODS or self.value == "mean"

    @property
    def goes_over(self) -> bool:
        """Whether that has to be looked at first."""
        return self.measures

    @property
    def luma(self) -> bool:
        """Whether it looks at nothing but brightness."""
        return self.channels == "gray"

    def _marking(self, picture: Picture) -> Callable[[np.ndarray, np.ndarray], None]:
        """Return what puts white where the first array says so, and black elsewhere."""
        white, black = picture.white, picture.black
        if self.invert:
            white, black = black, white

        def mark(above: np.ndarray, out: np.ndarray) -> None:
            out[...] = black
            out[above] = white

        return mark

    def _thresholds(self, picture: Picture, setting: Setting) -> list[float]:
        """Return the value for each channel, as the picture's dtype has it."""
        value = self.value
        if isinstance(value, str) and (share := per_cent(value)) is not None:
            value = picture.black + share / 100 * (picture.white - picture.black)
        if not isinstance(value, str):
            return [float(value)] * picture.channels
        one_pass = setting.pass_of(2 * picture.channels)
        channels = (channel_of(picture, number) for number in range(picture.channels))
        return [self._found_in(channel, setting.threads, one_pass) for channel in channels]

    def _found_in(self, channel: Picture, threads: int | None, progress: Progress | None) -> float:
        extremes = extremes_of(channel, threads, progress)
        if extremes.flat:
            return extremes.high  # of which nothing is above
        if self.value == "mean":
            return mean_of(channel, threads, progress)
        bins = FINE if self.value == "li" else COARSE
        return METHODS[str(self.value)](histogram_of(channel, extremes, bins, threads, progress))

    def _against_neighbours(self, picture: Picture, setting: Setting) -> Picture:
        """Compare each pixel with its neighbourhood; what is equal but for rounding is not above it."""
        around: Kernel = (
            named("box", size=self.size)
            if self.value == "adaptive-mean"
            else named("gaussian", sigma=(self.size - 1) / 6)
        )
        policy = Policy(channels="each", alpha=setting.alpha, **self.surroundings(setting))
        picture = remembered(picture)
        local = laid(around, policy, picture)
        least = ROUNDING * float(np.finfo(picture.dtype).eps) * max(abs(picture.white), abs(picture.black))
        mark = self._marking(picture)

        def compared(cells: Any, out: np.ndarray) -> None:
            own, near = cells
            own -= near
            own += self.offset
            for difference, made in zip(own, out, strict=True):
                mark(difference > least, made)
                np.copyto(made, difference, where=np.isnan(difference))

        return together([picture, local], compared, channels=picture.channels)
