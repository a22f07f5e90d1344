"""A filter of images: a kernel and its policy, one step from an image to an image, with its record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcli.bounds import MAX_PIXELS
from convcli.filtering.arrays import Findings, apply
from convcli.filtering.notes import of_result
from convcli.filtering.policy import FROM_FILE, Policy
from convcli.images import FORMATS, Image
from convcli.kernels import Kernel

DIGITS = 16  # of a digest: nobody will meet two that are alike by chance


@dataclass(frozen=True, eq=False)
class Filter:
    """A kernel, and how it is laid on images; `UsageError` if none could be filtered like this."""

    kernel: Kernel
    policy: Policy

    def __post_init__(self) -> None:
        self.policy.check(self.kernel)

    @property
    def luma(self) -> bool:
        """Whether only the brightness of an image is looked at, which a JPEG file has ready."""
        return self.policy.channels_for(self.kernel) == "gray"

    def __call__(
        self,
        image: Image,
        *,
        format: str | None = None,  # noqa: A002  (the option's name)
        max_pixels: int = MAX_PIXELS,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[Image, Findings, list[str]]:
        """Return the filtered image, as a file of `format` (None: of any) can hold it; what is found; notes.

        `max_pixels` is how many it may have; the other options and the errors are those of `apply`.
        """
        policy = self.policy.naming(image.nodata)
        whole = _has_to_be_whole(image.pixels.dtype, format, policy.range)
        result = apply(
            image.pixels,
            self.kernel,
            policy,
            opacity=image.alpha,
            whole=whole,
            max_pixels=max_pixels,
            threads=threads,
            progress=progress,
        )
        notes = []
        if image.alpha is not None and result.alpha is None:
            notes.append("raw values are written without the alpha channel.")
        notes += of_result(result)
        if FROM_FILE in self.policy.nodata and image.nodata is None:
            notes.append("the file names no value for no data")
        if image.nodata is not None and not self.policy.nodata:
            notes.append(
                f"the file says that {image.nodata:g} is no data; --nodata auto leaves such pixels out"
            )
        if whole and image.pixels.dtype.kind == "f" and result.found.range != "stretch":
            notes.append(
                "floats are written as 0 … 255, where 1 is white; --range stretch, .tif and .npy show others"
            )
        return Image(result.pixels, result.alpha, image.metadata), result.found, notes

    def record(self) -> dict[str, Any]:
        """Return what tells this filter from all others; of the kernel's weights a digest."""
        kernel, policy = self.kernel, self.policy
        digest = hashlib.sha256(kernel.combine.encode())
        for part in kernel.parts:
            digest.update(repr(part.shape).encode() + part.tobytes())
        return {
            "kernel": kernel.name,
            "parameters": dict(kernel.parameters),
            "scale": kernel.scale,
            "normalize": kernel.normalized,
            "anchor": kernel.anchor,
            "weights": digest.hexdigest()[:DIGITS],
            **policy.document(),
            "nodata": [str(value) for value in policy.nodata],
        }


def _has_to_be_whole(dtype: np.dtype[Any], format: str | None, range: str) -> bool:  # noqa: A002
    """Return whether a result has to be made 8 bits, as its file holds no floats or no numbers as wide."""
    if range == "raw" or format is None:
        return False
    if dtype.kind == "f":
        return not FORMATS[format].holds("float32")
    return range == "stretch" and not FORMATS[format].holds(dtype.name)
