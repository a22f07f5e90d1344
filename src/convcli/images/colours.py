"""Colours by name, as CSS and Pillow have them."""

from __future__ import annotations

import PIL.ImageColor

from convcli.errors import UnknownNameError, UsageError
from convcli.wording import shown


def colour(name: str) -> tuple[int, int, int]:
    """Return the red, green and blue, 0 … 255, of a CSS name, `#f80`, `rgb(…)` or `hsl(…)`.

    Raises
    ------
    UnknownNameError
        If there is no such colour.
    UsageError
        If it is itself transparent.

    Examples
    --------
    >>> colour("white"), colour("#0f8000")
    ((255, 255, 255), (15, 128, 0))
    """
    try:
        red, green, blue, *alpha = PIL.ImageColor.getrgb(name.strip())
    except ValueError as error:
        raise UnknownNameError("colour", name, PIL.ImageColor.colormap) from error
    if alpha and alpha[0] != 255:
        raise UsageError(
            f"{shown(name)}: expected a colour that covers what is below, found a transparent one."
        )
    return red, green, blue


def colour_code(name: str) -> str:
    """Return a colour as `#rrggbb`, by which two names of one colour are the same; errors are `colour`'s.

    >>> colour_code("White"), colour_code("rgb(255, 128, 0)")
    ('#ffffff', '#ff8000')
    """
    return "#{:02x}{:02x}{:02x}".format(*colour(name))
