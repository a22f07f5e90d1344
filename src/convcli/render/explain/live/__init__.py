"""What makes a page live: what a reader may change, and the scripts that make the steps anew in the browser.

A topic's script has its name, and says in JavaScript what its file in `convcli/explain/` says in Python.
"""

from __future__ import annotations

import numpy as np

from convcli.explaining.elements import Explanation, exact
from convcli.explaining.reading import MOST_SIDE
from convcli.formats.pages import embedded, source
from convcli.kernels import KERNELS, named
from convcli.kernels.weights import Weights
from convcli.render.page import PACKAGE

SCRIPTS = {
    "pixels": ("pixels",),
    "convolution": ("convolution",),
    "flip": ("convolution", "flip"),
    "padding": ("padding",),
    "stride": ("convolution", "stride"),
    "dilation": ("convolution", "dilation"),
    "sharing": ("sharing",),
    "volume": ("volume",),
    "layer": ("layer",),
    "backward": ("gradients", "backward"),
    "pooling": ("pooling",),
    "pooling-backward": ("pooling", "pooling-backward"),
}
"""The topics whose pages are live, and the scripts that each needs besides those that all share."""

TOOLS = ("notation", "elements", "window", "problem")
INTERFACE = ("drawing", "solid", "reading", "controls", "editing", "live")
"""What all of them share: what they are made with, and what shows them."""

ENGINE = {"pixels": (), **dict.fromkeys(("layer", "backward"), ("engine.js", "activations.js"))}
"""What computes, where that is not `engine.js` alone."""

MOST_WEIGHTS = 4096


def live(explanation: Explanation) -> str:
    """Return the part of a page that makes it live, or nothing where what it shows is not for it."""
    settings, topic = explanation.settings, explanation.topic
    if settings is None or topic not in SCRIPTS or np.size(settings.get("kernels", 0)) > MOST_WEIGHTS:
        return ""
    kernels = _kernels() if "kernels" in settings else {}
    told = embedded({"topic": topic, "settings": settings, "kernels": kernels})
    engine = source(PACKAGE, *ENGINE.get(topic, ("engine.js",)))
    own = source(__package__, *(f"{name}.js" for name in (*TOOLS, *SCRIPTS[topic], *INTERFACE)))
    data = f'<script type="application/json" id="settings">{told}</script>'
    return f'{data}\n<script>\n"use strict";\n{engine}\n{own}</script>\n'


def _kernels() -> dict[str, object]:
    """Return the weights of each named kernel, or why a topic cannot show it."""
    told: dict[str, object] = {}
    for name in KERNELS:
        kernel = named(name)
        if len(kernel.parts) > 1:
            parts = f"{name} is made of {len(kernel.parts)} kernels"
            told[name] = f"{parts}; name one, such as {name}-x, or type its weights in."
        elif max(kernel.shape) > MOST_SIDE:
            told[name] = f"{name} is larger than {MOST_SIDE} × {MOST_SIDE}."
        else:
            told[name] = _cornered(kernel.weights)
    return told


def _cornered(weights: Weights) -> dict[str, object]:
    """Return weights with their shape; of those that are their own mirror images the upper left corner."""
    rows, columns = weights.shape
    if np.array_equal(weights, weights[::-1]) and np.array_equal(weights, weights[:, ::-1]):
        weights = weights[: (rows + 1) // 2, : (columns + 1) // 2]
    return {"shape": [rows, columns], "corner": exact(weights)}
