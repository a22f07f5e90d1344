"""The page's scripts in a browser, and arrays on their way there and back."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np

from convcli.formats.pages import source
from convcli.interchange.rounding import rounded
from convcli.render.page import ENGINE, PACKAGE
from convcli.render.page.document import document
from convcli.render.page.export import written
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


PARTS = ("network", "weights")
DOCUMENTED = Path(__file__).parents[3] / "docs" / "network.html"


def documented():
    """Return the page of the documentation's network, which knows MNIST, with the scripts as they are."""
    return written(*taken_out(DOCUMENTED.read_text("utf-8")))


def taken_out(page):
    """Return the document and the weights in a page."""
    texts = {part: re.search(rf'<script id="{part}"[^>]*>(.*?)</script>', page, re.DOTALL) for part in PARTS}
    return json.loads(texts["network"][1]), base64.b64decode(texts["weights"][1])


def page_of(model, **beside):
    """Return the page of a model as it is exported, without a run's data but what is `beside` it."""
    described, weights = document(model, rounded(model, "float32"))
    return written({**described, "samples": [], "drawing": None, **beside}, weights)


def open_page(browser, folder, page):
    """Open a page and wait until it has drawn what it begins with."""
    (folder / "page.html").write_bytes(page)
    browser.open(folder / "page.html")
    settle(browser)
    return browser


def settle(browser):
    """Wait until the page has drawn what was asked of it."""
    browser.evaluate("""(async () => {
        const next = () => new Promise(done => requestAnimationFrame(done));
        for (let n = 0; n < 2; n++) await next();
        while (document.getElementById("answer").ariaBusy === "true") await next();
    })()""")


def text(browser, name):
    """Return the text of the element with an id."""
    return browser.evaluate(f"document.getElementById({json.dumps(name)}).textContent")


def click(browser, name):
    """Click on the element with an id."""
    browser.evaluate(f"document.getElementById({json.dumps(name)}).click()")
    settle(browser)


def seen(browser):
    """Return the pixels that went into the network last, uint8 (h, w, c), as the page shows them."""
    channels = browser.evaluate("net.document.input[2]")
    rgba = browser.evaluate(SEEN)
    pixels = np.array(rgba["data"], np.uint8).reshape(rgba["height"], rgba["width"], 4)
    return pixels[..., :channels]


SEEN = """(() => {
    const {width, height} = document.getElementById("seen");
    const context = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
    context.drawImage(document.getElementById("seen"), 0, 0);
    return {data: [...context.getImageData(0, 0, width, height).data], width, height};
})()"""
