"""Makes the network that the documentation lets one open, and its picture: run it in the checkout.

    python docs/network_page.py ../path/to/mnist    learns MNIST anew, which takes minutes
    python docs/network_page.py                     takes the network of the page as it is, for new scripts

MNIST's own images are CC BY-SA and stay where they are: the page has no samples, but knows how they look.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tempfile
from pathlib import Path

import PIL.Image

from convcli import load_run
from convcli.cli.app import app
from convcli.data import Dataset, open_source
from convcli.interchange.export import Part
from convcli.render.page.export import Page, written

ROOT = Path(__file__).parent.parent
TARGET, PICTURE = ROOT / "docs" / "network.html", ROOT / "docs" / "images" / "network-page.png"
SETTINGS = ("training.epochs=3", "augmentation.rotate=10", "augmentation.shift=1")
COLOURS = 256  # of the picture


def learned(mnist: Path) -> bytes:
    """Return the page of `examples/mnist.toml`, learned anew, for a little longer."""
    train = open_source(str(mnist), base=Path()).train

    def images(part: Part | None = None) -> Dataset | None:
        return train if part == "train" else None

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "mnist"
        options = [f"--set={setting}" for setting in (f"data.source={mnist.resolve()}", *SETTINGS)]
        example = str(ROOT / "examples" / "mnist.toml")
        app(["train", example, *options, "--run-dir", str(run)], standalone_mode=False)
        return Page(weights="float16").of(load_run(run), images).files[Page.target]


def kept(page: str) -> tuple[dict[str, object], bytes]:
    """Return the document and the weights that a page holds."""
    network, weights = (
        re.search(rf'<script id="{name}"[^>]*>(.*?)</script>', page, re.DOTALL).group(1)  # type: ignore[union-attr]
        for name in ("network", "weights")
    )
    return json.loads(network), base64.b64decode(weights)


def photograph(target: Path) -> None:
    """Take a picture of the page, with a digit drawn on it, why, and what a cell is made of."""
    sys.path.insert(0, str(ROOT / "tests"))
    from chromium import Chromium
    from render.page.drawn import DIGITS, draw

    with tempfile.TemporaryDirectory() as folder, Chromium(folder) as browser:
        browser.look(Path(folder) / "empty.png", 1400, 1000)
        browser.open(TARGET)
        draw(browser, DIGITS["5"])
        browser.evaluate(SHOWING)
        browser.look(Path(folder) / "seen.png", 1400, 1560)
        with PIL.Image.open(Path(folder) / "seen.png") as seen:
            seen.convert("RGB").quantize(COLOURS).save(target, optimize=True)


SHOWING = """(() => {
    document.getElementById("why").open = true;
    const map = document.querySelectorAll(".layer")[0].querySelectorAll("canvas")[1];
    const box = map.getBoundingClientRect();
    const at = {clientX: box.left + box.width / 2, clientY: box.top + box.height / 3};
    map.dispatchEvent(new MouseEvent("click", {...at, bubbles: true}));
    return new Promise(done => setTimeout(done, 500));
})()"""


if __name__ == "__main__":
    TARGET.write_bytes(
        learned(Path(sys.argv[1])) if sys.argv[1:] else written(*kept(TARGET.read_text("utf-8")))
    )
    photograph(PICTURE)
