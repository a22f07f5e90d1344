"""What stands around a plane: the borders, and what other tools call them."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError, UsageError
from convcli.shapes import Pair

PATTERNS = {
    "reflect": "dcb|abcd|cba",
    "symmetric": "cba|abcd|dcb",
    "edge": "aaa|abcd|ddd",
    "wrap": "bcd|abcd|abc",
    "zero": "000|abcd|000",
    "constant": "vvv|abcd|vvv",
}
"""What stands around a row abcd; v is the fill."""

BORDERS = tuple(PATTERNS)

SYNONYMS = {
    "mirror": "reflect",  # SciPy, scikit-image
    "reflect101": "reflect",  # OpenCV
    "reflect-101": "reflect",
    "border-reflect101": "reflect",
    "border-reflect-101": "reflect",
    "border-default": "reflect",
    "border-reflect": "symmetric",
    "grid-mirror": "symmetric",  # SciPy
    "nearest": "edge",  # SciPy, scikit-image
    "replicate": "edge",  # MATLAB, OpenCV, PyTorch
    "border-replicate": "edge",
    "clamp": "edge",
    "extend": "edge",
    "circular": "wrap",  # MATLAB, PyTorch
    "periodic": "wrap",
    "cyclic": "wrap",
    "tile": "wrap",  # ImageMagick
    "grid-wrap": "wrap",  # SciPy
    "border-wrap": "wrap",
    "zeros": "zero",  # PyTorch
    "black": "zero",  # ImageMagick
    "grid-constant": "constant",  # SciPy
    "border-constant": "constant",
}
"""What other tools call a border → the border they mean. Their own "reflect" is not among them: SciPy's is
symmetric here, NumPy's, PyTorch's and OpenCV's default are reflect."""

TWO_MEANINGS = {"repeat": ("edge", "wrap"), "border": ("edge", "constant"), "same": ("edge", "zero")}
"""Names that stand for one border here and for another there."""


def border_named(name: str) -> str:
    """Return the border that a name means, its own or another tool's.

    Raises
    ------
    UsageError
        If there is none of that name (`UnknownNameError`), or tools do not agree about it.

    Examples
    --------
    >>> border_named("nearest"), border_named("BORDER_REFLECT_101"), border_named("wrap")
    ('edge', 'reflect', 'wrap')
    """
    word = str(name).strip().lower().replace("_", "-").replace(" ", "-")
    found = SYNONYMS.get(word, word)
    if found in TWO_MEANINGS:
        meanings = " or ".join(f"{border} ({PATTERNS[border]})" for border in TWO_MEANINGS[found])
        raise UsageError(f"border {name!r} means {meanings}, one tool's and another's; name one of these.")
    if found not in BORDERS:
        raise UnknownNameError("border", name, [*BORDERS, *SYNONYMS])
    return found


def border_indices(n: int, sides: Pair, border: str) -> Array:
    """Return which of `n` cells stands at each place of the padded axis, −1 where none does.

    >>> border_indices(4, (3, 2), "reflect").tolist()
    [3, 2, 1, 0, 1, 2, 3, 2, 1]
    >>> border_indices(4, (1, 1), "zero").tolist()
    [-1, 0, 1, 2, 3, -1]
    """
    cells = np.arange(n)
    if border in ("zero", "constant"):
        return np.pad(cells, sides, constant_values=-1)
    return np.pad(cells, sides, mode=border)  # type: ignore[call-overload, no-any-return]
