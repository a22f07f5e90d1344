"""Steps that hold a picture against its own blur."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from convcli.filtering.laying import laid
from convcli.filtering.picture import Picture, Setting, remembered
from convcli.filtering.policy import Policy
from convcli.filtering.steps.step import Bordered
from convcli.filtering.together import together
from convcli.kernels import named

Sigma = Annotated[float, Field(gt=0, le=500)]


class _Blurred(Bordered):
    """A step that needs the picture's Gaussian blur."""

    def blur(self, picture: Picture, setting: Setting, sigma: float) -> Picture:
        """Return the blurred picture, channel by channel."""
        kernel = named("gaussian", sigma=sigma)
        policy = Policy(channels="each", alpha=setting.alpha, **self.surroundings(setting))
        return laid(kernel, policy, picture)


class Unsharp(_Blurred):
    """Sharpen: v + amount · (v − blur), where they differ by more than the threshold."""

    type: Literal["unsharp"] = "unsharp"
    sigma: Sigma = 1.0
    """Of the blur, in pixels."""
    amount: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """How much of the difference is added."""
    threshold: Annotated[float, Field(ge=0)] = 0.0
    """The least difference that counts, in the image's units: 0 … 255 at 8 bits, 0 … 1 for floats."""
    source: ClassVar[str] = (
        "skimage.filters.unsharp_mask; the threshold is that of PIL.ImageFilter.UnsharpMask"
    )

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Add what the blur has taken."""

        def merge(cells: Any, out: np.ndarray) -> None:
            own, blur = cells
            np.subtract(own, blur, out=blur)
            if self.threshold:
                blur[np.abs(blur) < self.threshold] = 0
            blur *= self.amount
            np.add(own, blur, out=out)

        picture = remembered(picture)
        pictures = [picture, self.blur(picture, setting, self.sigma)]
        return together(pictures, merge, channels=picture.channels, kind=picture.kind)


class Highpass(_Blurred):
    """What is finer than a blur: v − blur, around zero; --range offset shows it on mid-grey."""

    type: Literal["highpass"] = "highpass"
    sigma: Sigma = 3.0
    """Of the blur, in pixels: what is broader goes."""
    source: ClassVar[str] = "v − scipy.ndimage.gaussian_filter(v)"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Take the blur away."""

        def merge(cells: Any, out: np.ndarray) -> None:
            own, blur = cells
            np.subtract(own, blur, out=out)

        picture = remembered(picture)
        pictures = [picture, self.blur(picture, setting, self.sigma)]
        return together(pictures, merge, channels=picture.channels, kind="signed")
