"""Explanations as files: a function a format, explanation in, bytes out.

A new one is a file and a line here, and the option of its name in `cli/explain.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from convcli.explaining.elements import Explanation
from convcli.registry import Registry

_HOMES = {
    **dict.fromkeys(("svg", "png", "gif"), "pictures"),
    **{name: name for name in ("html", "markdown", "latex")},
    "json": "documents",
}

FORMATS: Registry[Callable[[Explanation], bytes]] = Registry(
    "format", homes={name: f"{__package__}.{home}" for name, home in _HOMES.items()}
)

BINARY = ("png", "gif")
"""Those that no terminal can show."""
