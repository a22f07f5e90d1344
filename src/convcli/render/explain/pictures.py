"""An explanation as one picture, which does not move: as SVG, and as PNG."""

from __future__ import annotations

from convcli.explain.figure import Explanation
from convcli.render.drawing import raster
from convcli.render.drawing.svg import svg_text
from convcli.render.explain.steps import still


def svg(explanation: Explanation) -> bytes:
    """Return the steps that tell the story in short."""
    return svg_text(still(explanation), explanation.title).encode()


def png(explanation: Explanation) -> bytes:
    """Return the same in pixels, two a unit."""
    return raster.png(still(explanation))
