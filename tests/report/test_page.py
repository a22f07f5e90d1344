"""A report's page in a real browser: its numbers are the JSON's, it fits the screen, nothing leaves it."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest

from chromium import MARKS
from convcli.render.report import document, page
from report.cases import drawn, voted

pytestmark = MARKS

# A number's title is the number in full, where its text is not.
CELLS = """(selector) => [...document.querySelectorAll(selector)].map(row => [...row.children].map(
    cell => cell.title || [...cell.childNodes].filter(part => part.nodeName !== "SMALL").map(
        part => part.textContent).join("")))"""


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """Return the browser with a page open, and the numbers that its JSON has."""
    made = drawn(("cat", "<script>alert(1)</script>", "a class with a long name"), part="test")
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(page(made))
    browser.open(path)
    return browser, json.loads(json.dumps(document(made)))


def cells(browser, selector):
    return browser.evaluate(f"({CELLS})({json.dumps(selector)})")


def numbers(row):
    return [None if cell == "–" else json.loads(cell) for cell in row]


def test_the_confusion_on_the_page_is_that_of_the_json(opened):
    browser, told = opened
    rows = cells(browser, "#confusion table.grid tbody tr")
    assert [name for name, *_ in rows] == [row["name"] for row in told["classes"]]
    assert [numbers(counts) for _, *counts in rows] == told["confusion"]
    pairs = cells(browser, "#confusion .table:nth-of-type(2) tbody tr")
    assert [[*names, *numbers(rest)] for *names, rest in ((a, b, c) for a, b, *c in pairs)] == [
        [pair["true"], pair["predicted"], pair["count"], pair["share"]] for pair in told["confusions"]
    ]


def test_the_figures_of_each_class_are_those_of_the_json(opened):
    browser, told = opened
    rows = cells(browser, "#classes tbody tr")
    keys = ("precision", "recall", "f1", "support")
    assert [[name, *numbers(rest)] for name, *rest in rows] == [
        [row["name"], *(row[key] for key in keys)] for row in told["classes"]
    ]


def test_the_epochs_are_those_of_the_json(opened):
    browser, told = opened
    rows = cells(browser, "#curves tbody tr")
    further = ("best_by", "validation_macro_precision", "validation_macro_recall", "validation_macro_f1")
    figures = [[value for name, value in row.items() if name not in further] for row in told["epochs"]]
    assert [numbers(row) for row in rows] == figures


def test_the_network_is_that_of_the_json(opened):
    browser, told = opened
    _, *rows = cells(browser, "#network tbody tr")
    for row, layer in zip(rows, told["network"]["layers"], strict=True):
        assert row[:2] == [str(layer["layer"]), layer["type"]]
        assert row[2] == " × ".join(map(str, layer["output"]))
        assert [json.loads(cell or "0") for cell in row[4:6]] == [layer["parameters"], layer["multiply_adds"]]
    (total,) = cells(browser, "#network tfoot tr")
    assert numbers(total[4:6]) == [told["network"]["parameters"], told["network"]["multiply_adds"]]


def test_summary_and_timing_are_those_of_the_json(opened):
    browser, told = opened
    summary = dict(cells(browser, "#summary dl.large div"))
    best = told["best"]
    assert {name: json.loads(value) for name, value in summary.items()} == {
        "Test accuracy": told["accuracy"],
        "Test loss": told["loss"],
        "Validation accuracy": best["validation_accuracy"],
        "Validation loss": best["validation_loss"],
        "Best epoch": best["epoch"],
        "Parameters": told["network"]["parameters"],
        "Training time": told["timing"]["total"],
    }
    timing = [json.loads(value) for _, value in cells(browser, "#timing dl div")]
    keys = ("images_per_second", "mean", "fastest", "slowest", "total")
    assert timing == [told["timing"][key] for key in keys]


def test_the_mistakes_are_those_of_the_json(opened):
    browser, told = opened
    parts = [lines[1:] for lines in cells(browser, "#mistakes li > div")]
    assert parts == [
        lines
        for one in told["mistakes"]["surest"]
        for lines in (
            [f"{one['true']} → {one['predicted']}", f"image {one['image']}"],
            [f"for {one['predicted']}", json.dumps(one["probability"])],
            [f"for {one['true']}", json.dumps(one["true_probability"])],
        )
    ]
    assert len(parts) > 15


def test_every_picture_is_drawn(opened):
    browser, _ = opened
    sizes = browser.evaluate("[...document.images].map(image => image.complete && image.naturalWidth)")
    assert len(sizes) > 30
    assert all(sizes)


def test_nothing_is_asked_of_the_network_and_nothing_complains(opened):
    browser, _ = opened
    methods = [event.get("method") for event in browser.events]
    urls = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event.get("method") == "Network.requestWillBeSent"
    ]
    assert any(url.startswith("file:") for url in urls)
    assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
    complaints = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
    assert complaints.isdisjoint(methods)
    assert "Page.javascriptDialogOpening" not in methods


@pytest.mark.parametrize(
    ("width", "dark"), [(360, False), (360, True), (800, False), (1400, False), (1400, True)]
)
def test_the_page_fits_the_screen_and_takes_its_colours(opened, tmp_path, width, dark):
    browser, _ = opened
    browser.look(tmp_path / "seen.png", width, 900, dark=dark)
    with PIL.Image.open(tmp_path / "seen.png") as seen:
        assert seen.width == width
        assert (np.asarray(seen.convert("L"))[2, 2] < 60) == dark
    browser.evaluate('document.querySelectorAll("details").forEach(part => { part.open = true; })')
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    sources = "[...document.querySelectorAll('#curves source')]"
    chosen = f'{sources}.findIndex(it => it.srcset === document.querySelector("#curves img").currentSrc)'
    order = [
        (True, True),
        (True, False),
        (False, True),
    ]  # wide and dark; what is none of them is the image's own
    form = (width >= 900, dark)
    assert browser.evaluate(chosen) == (order.index(form) if form in order else -1)


def test_a_picture_of_many_classes_is_scrolled_and_not_shrunk_until_nobody_can_read_it(browser, tmp_path):
    made = voted([[9, *[0] * 39]] * 3, [0, 1, 2], classes=[f"a class of the name {n}" for n in range(40)])
    (tmp_path / "many.html").write_bytes(page(made))
    browser.open(tmp_path / "many.html")
    for width in (400, 1400):
        browser.look(tmp_path / "seen.png", width, 900)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        picture = browser.evaluate('document.querySelector("#confusion img").getBoundingClientRect().width')
        assert picture > 800
