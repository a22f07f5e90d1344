"""An explanation as a picture: as SVG, as PNG, and step after step as an animated GIF."""

from __future__ import annotations

import numpy as np

from convcli.explaining.elements import Explanation
from convcli.images import encode_animation
from convcli.render.drawing import raster
from convcli.render.drawing.svg import svg_text
from convcli.render.explain import FORMATS
from convcli.render.explain.steps import frames, still

GIF_WIDTH = 800
LARGEST_SCALE = 1.6
SECONDS, LAST_SECONDS = 1.0, 3.0

# Letters have soft edges in hundreds of shades; a GIF's frame holds 256 colours.
_SIXTEEN_SHADES = ((np.arange(256) * 15 + 127) // 255 * 17).astype(np.uint8)


@FORMATS.register("svg")
def svg(explanation: Explanation) -> bytes:
    """Return the steps that tell the story in short."""
    return svg_text(still(explanation), explanation.title).encode()


@FORMATS.register("png")
def png(explanation: Explanation) -> bytes:
    """Return the same in pixels, two a unit."""
    return raster.png(still(explanation))


@FORMATS.register("gif")
def gif(explanation: Explanation) -> bytes:
    """Return an animation that runs for ever, 800 pixels wide unless that would only be larger letters."""
    scenes = frames(explanation)
    scale = min(GIF_WIDTH / scenes[0].width, LARGEST_SCALE)
    pictures = (_SIXTEEN_SHADES[drawn] for drawn in raster.successive(scenes, scale))
    return encode_animation(pictures, [SECONDS] * (len(scenes) - 1) + [LAST_SECONDS])
