"""Plots by matplotlib: in the project's colours, the same bytes every time, and no state left behind."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.render.drawing.palette import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 8.0  # inches, which are 800 pixels on a page: letters of 14 points are 10 pixels high on a phone
PIXELS_PER_INCH = 200  # twice as many as on a page, so that letters are sharp on any display


@contextmanager
def style(*, dark: bool = False) -> Iterator[None]:
    """Draw, and encode what was drawn, in the body: with our settings, whatever the user's own are.

    Nothing else of convcli draws by matplotlib, which would run `latex` if a setting asked for it. It reads
    some settings only while it encodes, so a figure is made and encoded in one body.
    """
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)  # where it keeps its cache is nothing that a user asked for
    try:
        with _without("MPLBACKEND", "SOURCE_DATE_EPOCH"):  # the date is read, though none is written
            _import_undisturbed()
            import matplotlib

            settings: dict[Any, Any] = dict(matplotlib.rcParamsDefault) | _settings(dark)
            del settings["backend"]  # of windows, which are not opened; to set it would look for one
            with matplotlib.rc_context(settings), warnings.catch_warnings():
                # In a name: a box stands for it.
                warnings.filterwarnings("ignore", message="Glyph .* missing")
                yield
    finally:
        logger.setLevel(level)


def _import_undisturbed() -> None:
    """Import matplotlib, for the first time, where the settings that it reads by itself are its own.

    It would take those of a file `matplotlibrc` in the current folder, wait for ever if that is a pipe, and
    end if MPLBACKEND names no backend. For the moment of the import the current folder is its own.
    """
    if "matplotlib" in sys.modules:
        return
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    with suppress(FileNotFoundError), chdir(Path(found.origin).parent / "mpl-data"):  # the folder is gone
        import matplotlib  # noqa: F401


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Leave variables out of the environment for a while."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def colour(name: str, *, dark: bool = False) -> str:
    """Return a colour of the palette as `#rrggbb`.

    >>> colour("ground"), colour("ground", dark=True)
    ('#ffffff', '#0d1117')
    """
    return COLOURS[name].dark if dark else COLOURS[name].light


def figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of a size in inches; its parts are laid out when it is encoded."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def png(drawn: Figure) -> bytes:
    """Return a figure as PNG, two pixels for each of the page's."""
    return _encoded(drawn, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})


def svg(drawn: Figure) -> bytes:
    """Return a figure as SVG, its letters as outlines."""
    return _encoded(drawn, format="svg", metadata={"Date": None, "Creator": None})


def _encoded(drawn: Figure, **options: Any) -> bytes:
    file = io.BytesIO()
    drawn.savefig(file, **options)
    return file.getvalue()


def _settings(dark: bool) -> dict[str, Any]:
    ground, ink, muted, line, faint = (
        colour(name, dark=dark) for name in ("ground", "ink", "muted", "line", "faint")
    )
    return {
        "figure.facecolor": ground,
        "axes.facecolor": ground,
        "axes.edgecolor": line,
        "axes.labelcolor": ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": faint,
        "text.color": ink,
        "text.parse_math": False,
        "xtick.color": muted,
        "ytick.color": muted,
        "font.size": 14,
        "lines.linewidth": 2.2,
        "legend.frameon": False,
        "pdf.fonttype": 42,  # whole outlines, whose letters can be searched
        "svg.hashsalt": "convcli",  # otherwise the names of an SVG's parts are drawn at random
    }
