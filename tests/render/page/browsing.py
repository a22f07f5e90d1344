"""The page's scripts in a browser, and arrays on their way there and back."""

from __future__ import annotations

import base64
import json

import numpy as np

from convcli.formats.pages import source
from convcli.render.page import ENGINE, PACKAGE
from nn.cases import FACTS

CASES = [f"{name}, {label}" for name, facts in FACTS.items() for label in facts.cases]
"""Networks of `interchange/networks.py`, one for each case of each layer."""

HELPERS = """
const numbers = ({shape, data}) => ({shape, data: new Float64Array(engine.bytes(data))});
const sent = ({shape, data}) => ({shape, data: [...data]});
"""


def open_scripts(browser, folder):
    """Open a page that has nothing but the engine's scripts."""
    script = source(PACKAGE, *ENGINE) + HELPERS
    (folder / "scripts.html").write_text(f"<script>{script}</script>", encoding="utf-8")
    browser.open(folder / "scripts.html")
    return browser


def told(array):
    """Return an array as a script's `numbers` takes it."""
    data = base64.b64encode(np.ascontiguousarray(array, "<f8").tobytes()).decode()
    return {"shape": list(array.shape), "data": data}


def back(tensor):
    """Return an array of what a script has `sent`."""
    return np.array(tensor["data"], np.float64).reshape(tensor["shape"])


def ask(browser, function, argument):
    """Return what a JavaScript function makes of plain JSON."""
    return browser.evaluate(f"({function})({json.dumps(argument)})")
