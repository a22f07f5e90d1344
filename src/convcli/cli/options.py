"""Option values that several commands share, from text to numbers."""

from __future__ import annotations

import re

from convcli.errors import UsageError
from convcli.shapes import NAMED_PADDINGS, Pair


def parse_pair(text: str, option: str) -> Pair:
    """Return (rows, columns) of `3` or `3x5`.

    >>> parse_pair("3", "--stride"), parse_pair("3x5", "--n")
    ((3, 3), (3, 5))
    """
    match = re.fullmatch(r"\s*(\d+)\s*(?:[x×,]\s*(\d+)\s*)?", text)
    if not match:
        raise UsageError(f"{option}: expected a whole number or ROWSxCOLUMNS such as 3x5, not {text!r}.")
    return int(match[1]), int(match[2] or match[1])


def parse_padding(text: str, option: str = "--padding") -> str | Pair:
    """Return a padding of `same`, `valid`, `full`, `1` or `1x2` as `shapes.Window.of` takes it."""
    name = text.strip().lower()
    if name in NAMED_PADDINGS:
        return name
    if not name[:1].isdigit():
        raise UsageError(
            f"{option}: expected same, valid, full, a whole number or ROWSxCOLUMNS, not {text!r}."
        )
    return parse_pair(name, option)
