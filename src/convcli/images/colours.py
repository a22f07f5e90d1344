"""Colours by name, as CSS and Pillow have them."""

from __future__ import annotations

import PIL.ImageColor

from convcli.errors import UnknownNameError


def colour(name: str) -> tuple[int, int, int]:
    """Return the red, green and blue, 0 … 255, of a CSS name, `#f80`, `rgb(…)` or `hsl(…)`.

    Raises
    ------
    UnknownNameError
        If there is no such colour.

    Examples
    --------
    >>> colour("white"), colour("#0f8000")
    ((255, 255, 255), (15, 128, 0))
    """
    try:
        red, green, blue, *_ = PIL.ImageColor.getrgb(name.strip())
    except ValueError as error:
        raise UnknownNameError("colour", name, PIL.ImageColor.colormap) from error
    return red, green, blue
