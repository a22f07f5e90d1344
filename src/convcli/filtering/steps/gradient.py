"""Steps for how brightness rises: how much, and whither: gradient kernels, by what is asked of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from convcli import kernels
from convcli.filtering.laying import laid
from convcli.filtering.picture import Picture, Setting
from convcli.filtering.policy import Policy
from convcli.filtering.steps.step import Bordered


class _Gradient(Bordered):
    """Options that both have."""

    kernel: Literal["sobel", "prewitt", "scharr", "roberts", "frei-chen", "farid"] = "sobel"
    """The pair of kernels that finds the slopes across and down."""

    @property
    def luma(self) -> bool:
        """It is laid on brightness."""
        return True

    def _laid(self, output: str, picture: Picture, setting: Setting) -> Picture:
        kernel = kernels.gradient(kernels.named(self.kernel), output)
        return laid(kernel, Policy(**self.surroundings(setting), alpha=setting.alpha), picture)


class Magnitude(_Gradient):
    """How steeply brightness rises: √(gx² + gy²)."""

    type: Literal["magnitude"] = "magnitude"
    source: ClassVar[str] = "Gonzalez and Woods, Digital Image Processing, 4th ed., 2018, section 10.2"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Lay both kernels on, and take the root of the sum of squares."""
        return self._laid("magnitude", picture, setting)


class Direction(_Gradient):
    """Whither brightness rises, as a colour: hue the direction, red to the right, value how steeply.

    As an angle it is atan2(gy, gx), from −π to π, 0 to the right and π/2 downward; of integers a turn goes
    from black to white.
    """

    type: Literal["direction"] = "direction"
    source: ClassVar[str] = "Gonzalez and Woods, Digital Image Processing, 4th ed., 2018, section 10.2"

    show: Literal["hsv", "angle"] = "hsv"
    """hsv: a colour; angle: radians."""

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Lay both kernels on, and make a colour or an angle of the pair."""
        return self._laid(self.show, picture, setting)
