"""Steps that make each pixel of itself alone."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from convcli.filtering.luma import LUMA, LUMA_709, gray
from convcli.filtering.picture import Picture, Setting, pointwise
from convcli.filtering.steps.step import Step


class Gray(Step):
    """Brightness: 0.299 R + 0.587 G + 0.114 B; by BT.709 0.2126 R + 0.7152 G + 0.0722 B."""

    type: Literal["gray"] = "gray"
    weights: Literal[601, 709] = 601
    """Of ITU-R BT.601, as kernels and other steps have brightness, or of BT.709: with --linear, luminance."""
    source: ClassVar[str] = "ITU-R BT.601-7, section 2.5.1; BT.709-6, section 3.2"

    @property
    def luma(self) -> bool:
        """Whether it looks at nothing but the brightness that a JPEG file has ready."""
        return self.weights == 601

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Weight the three channels; one channel stays as it is."""
        return gray(picture, LUMA if self.weights == 601 else LUMA_709)


class Invert(Step):
    """Black becomes white and white black: white + black − v."""

    type: Literal["invert"] = "invert"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Subtract from what is white and black in the image's units: 255 at 8 bits, 1 for floats."""
        both = picture.white + picture.black

        def inverted(cells: np.ndarray, out: np.ndarray) -> None:
            np.subtract(both, cells, out=out)

        return pointwise(picture, inverted, kind="pixels")
