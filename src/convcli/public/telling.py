"""How a library says what a command would print as a note: as a warning, at the line that called it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable

from convcli.errors import ConvcliWarning


def tell(notes: str | Iterable[str]) -> None:
    """Warn of something that a person should know although nothing is wrong."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "convcli":
        depth, frame = depth + 1, frame.f_back
    for text in [notes] if isinstance(notes, str) else notes:
        warnings.warn(text, ConvcliWarning, stacklevel=depth)
