"""What is said of an image that is shown."""

from __future__ import annotations

from convcli.images import Image


def caption(image: Image) -> str:
    """Return an image's size, channels and dtype."""
    rows, columns = image.pixels.shape[:2]
    channels = 1 if image.pixels.ndim == 2 else image.pixels.shape[2]
    words = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    words += "" if image.alpha is None else " and alpha"
    return f"{rows} high, {columns} wide, {words}, {image.pixels.dtype.name}"
