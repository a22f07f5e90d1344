"""The page's gradients, Grad-CAM and occlusion are those of `convcli.nn.attribution`."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from chromium import MARKS
from convcli.errors import ConvcliError
from convcli.interchange.rounding import rounded
from convcli.nn.attribution import grad_cam, gradient, occlusion
from convcli.render.page.document import document
from interchange.networks import drawn_model, images_for, model_of
from render.page.browsing import ask, click, documented, open_page, page_of, settle, text
from render.page.drawn import DIGITS, draw

pytestmark = MARKS

MAPS = """(async ({document: described, weights, image, label}) => {
    const net = engine.network(described, engine.bytes(weights)), shape = described.input;
    const seen = {shape, data: new Uint8ClampedArray(engine.bytes(image))};
    const run = net.run(net.prepare(seen.data));
    const found = {
        gradient: why.gradient(net, run, label).map,
        occlusion: (await why.occlusion(net, run, label, seen, async () => true)).map,
        gradCam: why.planeOf(net) ? why.gradCam(net, run, label, seen).map : null,
    };
    return Object.fromEntries(Object.entries(found).map(([name, map]) => [name, map && [...map]]));
})"""


@pytest.fixture(scope="module")
def browser(browser, tmp_path_factory):
    page = page_of(model_of([{"type": "flatten"}, {"type": "dense"}], (4, 4, 1)))
    return open_page(browser, tmp_path_factory.mktemp("page"), page)


def close(told, expected):
    """Whether two maps are the same, as far as sums of float32 in another order are."""
    scale = max(np.abs(expected).max(), 1e-6)
    return np.abs(np.reshape(told, expected.shape) - expected).max() < 1e-3 * scale + 1e-6


@pytest.mark.parametrize("seed", range(24))
def test_maps_of_networks_drawn_at_random_are_those_of_python(browser, seed):
    mine = drawn_model(seed)
    (image,) = images_for(mine, 1, seed)
    described, weights = document(mine, rounded(mine, "float32"))
    packed = {"weights": base64.b64encode(weights).decode(), "image": base64.b64encode(image).decode()}
    told = ask(browser, MAPS, {"document": described, "label": 1, **packed})
    slopes = gradient(mine, image, 1)
    signed = slopes.pixels[..., 0] if image.shape[2] == 1 else slopes.map
    assert close(told["gradient"], signed)
    assert close(told["occlusion"], occlusion(mine, image, 1).map)
    try:
        expected = grad_cam(mine, image, 1).map
    except ConvcliError:
        assert told["gradCam"] is None
    else:
        assert close(told["gradCam"], expected)


def test_a_reader_chooses_the_method_and_the_class(browser, tmp_path):
    open_page(browser, tmp_path, documented())
    draw(browser, DIGITS["4"])
    browser.evaluate('document.getElementById("why").open = true')
    settle(browser)
    assert text(browser, "why-said").startswith("Where the maps of layer 10, activation relu,")
    choose(browser, "why-method", "gradient")
    choose(browser, "why-class", "9")
    assert text(browser, "why-said").startswith("Which pixels the score of 9 follows most")
    assert text(browser, "why-score").startswith("Score of 9, the output before softmax: ")
    choose(browser, "why-method", "occlusion")
    browser.evaluate("""(async () => {
        const said = document.getElementById("why-said");
        while (!said.textContent.startsWith("Where the score of 9 falls")) {
            await new Promise(done => setTimeout(done, 20));
        }
    })()""")
    assert "a patch of 6 × 6 pixels" in text(browser, "why-said")
    click(browser, "clear")
    assert browser.complaints == []


def choose(browser, name, value):
    browser.evaluate(f"""{{
        const chooser = document.getElementById("{name}");
        chooser.value = "{value}";
        chooser.dispatchEvent(new Event("change"));
    }}""")
    settle(browser)
