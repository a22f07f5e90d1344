"""What other tools do where nothing is said: border, turn, anchor, scale. `filter --compat` takes it over.

A preset is nothing but options that could be given one by one; it is expanded into them before anything is
filtered, so that a pipeline or a manifest says what was done. What is given itself counts.

Source: the tools themselves, whose results tests/filtering/compat.npz holds; their manuals.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from convcli.errors import UnknownNameError
from convcli.kernels import Kernel


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One tool.

    Attributes
    ----------
    like
        The call that it stands for.
    op, border
        As `filter` has them.
    of_even
        Which of the kernel's cells lies on the pixel where a side is even: "before" the middle, (f − 1) // 2,
        or "after" it, f // 2; a kernel that is turned, turns it.
    normalize
        Whether weights are divided by their sum.
    upside_down
        Whether the kernel's rows are laid on from the last to the first.
    left
        What of the tool is not taken over.
    """

    like: str
    op: str = "correlate"
    border: str = "edge"
    of_even: Literal["before", "after"] = "after"
    normalize: bool = False
    upside_down: bool = False
    left: str = ""

    def options(self, given: Collection[str]) -> dict[str, Any]:
        """Return the options that it stands for, but for those that are given."""
        own = {"op": self.op, "border": self.border, "channels": "each", "range": "clip"}
        return {name: value for name, value in own.items() if name not in given}

    def turned(self, kernel: Kernel) -> Kernel:
        """Return a kernel with its rows as the tool lays them on."""
        if not self.upside_down or all(np.array_equal(part, part[::-1]) for part in kernel.parts):
            return kernel
        return replace(kernel, parts=tuple(np.ascontiguousarray(part[::-1]) for part in kernel.parts))

    def of_kernel(self, kernel: Kernel, given: Collection[str]) -> dict[str, Any]:
        """Return the options of a kernel that it stands for, but for those that are given."""
        found: dict[str, Any] = {}
        if self.normalize and not {"normalize", "scale"} & set(given):
            found["normalize"] = sum(float(part.sum()) for part in kernel.parts) != 0
        even = any(side % 2 == 0 for side in kernel.shape)
        if even and kernel.anchor is None and "anchor" not in given:
            rows, columns = ((side - (self.of_even == "before")) // 2 for side in kernel.shape)
            found["anchor"] = (rows, columns)
        return found


PRESETS: Mapping[str, Preset] = {
    "opencv": Preset(like="cv2.filter2D(image, -1, kernel)", border="reflect"),
    "scipy": Preset(
        like="scipy.ndimage.correlate(image, kernel)",
        border="symmetric",
        left="integers are rounded and clipped; SciPy cuts them and lets them wrap round",
    ),
    "imagemagick": Preset(
        like="convert -morphology Convolve KERNEL",
        op="convolve",
        of_even="before",
        left="8 bits are rounded; ImageMagick cuts them",
    ),
    "pillow": Preset(
        like="image.filter(ImageFilter.Kernel(size, kernel))",
        normalize=True,
        upside_down=True,
        left="pixels whose window reaches beyond the image are filtered; Pillow leaves them as they are",
    ),
    "vips": Preset(
        like="vips conv --precision float",
        left="integers are rounded; vips gives floats, and cuts them where they are saved as integers",
    ),
}
"""Tool → what it does."""


def preset(name: str) -> Preset:
    """Return the preset of a tool, or raise `UnknownNameError`."""
    if name not in PRESETS:
        raise UnknownNameError("tool", name, PRESETS)
    return PRESETS[name]
