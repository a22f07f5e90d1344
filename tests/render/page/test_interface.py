"""The page as its readers use it: with keys, on a phone, in the dark, by ear."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from chromium import MARKS
from convcli.explaining.notation import number
from convcli.interchange.rounding import rounded
from convcli.render.page.document import document
from interchange.networks import images_for, model_of
from render.page.browsing import ask, click, documented, open_page, page_of, seen, settle, text
from render.page.drawn import DIGITS, draw

pytestmark = MARKS


def small(channels=1):
    """Return a network with a layer of each kind that cells tell apart by."""
    conv, pool = (
        {"type": "conv", "filters": 4, "padding": "same"},
        {"type": "max_pool", "size": 3, "stride": 1},
    )
    branches = [{"layers": [{**conv, "kernel": 1}]}, {"layers": [{**pool, "padding": 1}]}]
    layers = [
        conv,
        {"type": "residual", "layers": [{**conv, "activation": "relu"}, conv]},
        {"type": "max_pool"},
        {"type": "parallel", "branches": branches},
        {"type": "global_avg_pool"},
        {"type": "dense"},
    ]
    return model_of(layers, (8, 8, channels))


def panel(browser):
    """Return what the panel of a cell says: its title, its number, its grids and its formulas."""
    return browser.evaluate("""({
        title: document.getElementById("cell-title").textContent,
        value: document.getElementById("cell-value").textContent,
        grids: [...document.querySelectorAll("#cell-rows table")].map(table => [...table.rows].map(
            row => [...row.querySelectorAll("td")].map(cell => Number(cell.title)))),
        formulas: [...document.querySelectorAll("#cell .formula")].map(line => line.textContent),
        shown: !document.getElementById("cell").hidden,
    })""")


def focus_map(browser, layer, channel=0):
    click(browser, "open-all")
    settle(browser)
    browser.evaluate(f"""document.querySelectorAll(".layer")[{layer}]
        .querySelectorAll("canvas")[{channel}].focus()""")


def test_keys_go_to_a_cell_and_its_numbers_are_numpys(browser, tmp_path):
    mine = small()
    open_page(browser, tmp_path, page_of(mine))
    draw(browser, [[(0.2, 0.2), (0.8, 0.7), (0.3, 0.8)]])
    trace = mine.trace(seen(browser)[None])
    focus_map(browser, 0)
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "PageDown"):
        browser.press(key)
    told = panel(browser)
    assert told["title"] == "Layer 1, map 2, row 3, column 2"
    assert told["value"] == number(trace.output(1)[0, 2, 1, 1])
    x, w = trace.input(1)[0], mine.weights.arrays.at(1)["W"]
    window, kernel, products = (np.array(grid) for grid in told["grids"])
    np.testing.assert_allclose(window, x[1:4, 0:3, 0], atol=1e-6)
    np.testing.assert_allclose(kernel, w[..., 0, 1], atol=1e-7)
    np.testing.assert_allclose(products, window * kernel, atol=1e-6)
    z = products.sum() + mine.weights.arrays.at(1)["b"][1]
    assert told["formulas"][0].startswith("Z_2[3, 2] = ")
    assert told["formulas"][0].endswith(f" = {number(z)}")
    assert browser.complaints == []


def test_enter_chooses_and_escape_leaves_where_one_was(browser, tmp_path):
    open_page(browser, tmp_path, page_of(small()))
    focus_map(browser, 2, 3)
    assert not panel(browser)["shown"]
    browser.press("Enter")
    assert panel(browser)["title"] == "Layer 2.1, map 4, row 1, column 1"
    assert text(browser, "spoken").startswith("Layer 2.1, map 4, row 1, column 1: ")
    browser.press("Escape")
    assert not panel(browser)["shown"]
    assert browser.evaluate("document.activeElement.getAttribute('aria-label')") == "Layer 2.1, map 4 of 4"


def test_one_tab_goes_past_all_maps_of_a_layer(browser, tmp_path):
    open_page(browser, tmp_path, page_of(small()))
    focus_map(browser, 0, 2)
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.tagName") == "SUMMARY"


LOOK = """(({document: described, weights, image, chosen}) => {
    const other = engine.network(described, engine.bytes(weights)), panel = new CellPanel(other);
    const data = new Uint8ClampedArray(engine.bytes(image)), run = other.run(other.prepare(data));
    panel.show({shape: described.input, data}, run);
    return described.places.map((place, n) => {
        panel.choose(place, chosen[n]);
        const formulas = [...document.querySelectorAll("#cell .formula")].map(line => line.textContent);
        return {value: document.getElementById("cell-value").textContent, formulas};
    });
})"""


def test_every_kind_of_cell_has_its_number_and_its_formula(browser, models, tmp_path):
    open_page(browser, tmp_path, page_of(small()))
    for name, mine in models.items():
        (image,) = images_for(mine, 1)
        trace, places = mine.trace(image[None]), mine.network.places
        chosen = [[n // 2 for n in place.output] for place in places]
        described, weights = document(mine, rounded(mine, "float32"))
        packed = {"weights": base64.b64encode(weights).decode(), "image": base64.b64encode(image).decode()}
        found = ask(browser, LOOK, {"document": described, "chosen": chosen, **packed})
        for place, at, told in zip(places, chosen, found, strict=True):
            value = float(trace.output(place.number)[0][tuple(at)])
            shown = float(told["value"].replace("−", "-"))
            assert shown == pytest.approx(value, rel=1e-3, abs=1e-5), (name, place.title)
            assert told["formulas"], (name, place.title)
            assert told["formulas"][0][0] in "AZgs", (name, told["formulas"][0])
    assert browser.complaints == []


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1400, False), (1400, True)])
def test_nothing_is_wider_than_the_screen(browser, tmp_path, width, dark):
    open_page(browser, tmp_path, documented())
    browser.send(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
    )
    draw(browser, DIGITS["5"])
    browser.evaluate("document.getElementById('why').open = true")
    focus_map(browser, 3)
    browser.press("Enter")
    browser.look(tmp_path / "seen.png", width, 900, dark=dark)
    with PIL.Image.open(tmp_path / "seen.png") as picture:
        assert (np.asarray(picture.convert("L"))[2, 2] < 60) == dark
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    click(browser, "cell-close")
    assert browser.complaints == browser.asked == []


def test_maps_take_the_colours_of_the_dark_when_it_falls(browser, tmp_path):
    open_page(browser, tmp_path, page_of(small()))
    draw(browser, DIGITS["1"])
    corner = """[...document.querySelector(".layer canvas").getContext("2d").getImageData(0, 0, 1, 1).data]"""
    found = []
    for dark in (False, True):
        browser.look(tmp_path / "seen.png", 1400, 900, dark=dark)
        settle(browser)
        found.append(browser.evaluate(corner))
    assert found[0] != found[1]


def test_all_that_can_be_used_has_a_name_by_ear(browser, tmp_path):
    open_page(browser, tmp_path, documented())
    draw(browser, DIGITS["5"])
    browser.evaluate("document.getElementById('why').open = true")
    focus_map(browser, 0)
    browser.press("Enter")
    browser.send("Accessibility.enable")
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    used = {
        "button",
        "checkbox",
        "slider",
        "combobox",
        "application",
        "image",
        "link",
        "textbox",
        "DisclosureTriangle",
    }
    found = [node for node in nodes if not node.get("ignored") and node["role"]["value"] in used]
    assert len(found) > 30
    assert [node for node in found if not node["name"]["value"].strip()] == []


def test_the_answer_is_spoken_once_the_reader_pauses(browser, tmp_path):
    open_page(browser, tmp_path, documented())
    draw(browser, DIGITS["7"])
    browser.evaluate("""(async () => {
        const spoken = () => document.getElementById("spoken").textContent;
        while (!spoken().startsWith("7")) await new Promise(done => setTimeout(done, 50));
    })()""")
    assert text(browser, "spoken").startswith("7, 9")


def test_an_answer_is_there_in_a_tenth_of_a_second(browser, tmp_path):
    open_page(browser, tmp_path, documented())
    milliseconds = browser.evaluate("""Math.min(...Array.from({length: 5}, () => {
        const began = performance.now();
        net.run(net.prepare(new Uint8Array(784).fill(90)));
        return performance.now() - began;
    }))""")
    assert milliseconds < 100


def test_names_of_classes_are_text_whatever_they_hold(browser, tmp_path):
    plain = model_of([{"type": "flatten"}, {"type": "dense"}], (4, 4, 1), classes=3)
    mine = replace(plain, classes=("<img src=x onerror=alert(1)>", "</script>", "$title"))
    open_page(browser, tmp_path, page_of(mine))
    draw(browser, DIGITS["1"])
    assert browser.evaluate(
        "[...document.querySelectorAll('#bars .name')].map(name => name.textContent)"
    ) == list(mine.classes)
    assert browser.evaluate("document.querySelectorAll('#bars img').length") == 0
    assert browser.complaints == []
