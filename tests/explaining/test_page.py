"""The page in a real browser: keys and slider step, its numbers are the JSON's, and nothing leaves it."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest

from chromium import MARKS
from convcli.explaining import TOPICS
from convcli.explaining.elements import Grid

pytestmark = MARKS

CELLS = """[...document.querySelectorAll("section")].map(
    section => [...section.querySelectorAll("table")].map(
        table => [...table.rows].map(row => [...row.querySelectorAll("td")].map(
            cell => cell.title || cell.textContent.replace("−", "-")))))"""
VISIBLE = """[...document.querySelectorAll("section")].filter(
    section => section.offsetParent).map(section => Number(section.dataset.step))"""


def visible(browser):
    return browser.evaluate(VISIBLE)


def test_keys_step_through_the_page(browser, opened):
    opened("convolution")
    assert visible(browser) == [1]
    for key, step in [
        ("ArrowRight", 2),
        ("ArrowRight", 3),
        ("ArrowLeft", 2),
        ("End", 16),
        ("ArrowRight", 16),
    ]:
        browser.press(key)
        assert visible(browser) == [step]
        assert browser.evaluate('document.getElementById("where").value') == f"{step} / 16"
        assert browser.evaluate('document.getElementById("slider").value') == str(step)
    browser.press("Home")
    assert visible(browser) == [1]


def test_slider_and_buttons_step_through_the_page(browser, opened):
    opened("padding")
    browser.evaluate(
        'const s = document.getElementById("slider"); s.value = 3; s.dispatchEvent(new Event("input"))'
    )
    assert visible(browser) == [3]
    browser.evaluate('document.getElementById("next").click()')
    assert visible(browser) == [4]
    browser.evaluate('document.getElementById("back").click()')
    assert visible(browser) == [3]


def test_play_goes_on_by_itself_and_stops_at_the_end(browser, opened):
    opened("stride")
    browser.evaluate("setInterval = (f) => { window.tick = f; return 7; }; clearInterval = () => {}; 0")
    browser.press(" ")
    for step in (2, 3, 4, 5, 5):
        browser.evaluate("tick()")
        assert visible(browser) == [step]
    assert browser.evaluate('document.getElementById("play").getAttribute("aria-label")') == "Play"


@pytest.mark.parametrize("topic", TOPICS)
def test_the_numbers_on_the_page_are_exact_and_nothing_is_asked_of_the_network(browser, opened, topic):
    shown = opened(topic)
    for step, tables in zip(shown.steps, browser.evaluate(CELLS), strict=True):
        grids = [element for row in step.rows for element in row if isinstance(element, Grid)]
        texts = [[["" if c is None else json.dumps(c) for c in row] for row in grid.cells] for grid in grids]
        assert tables == texts
    events = browser.events
    requests = [
        e["params"]["request"]["url"] for e in events if e.get("method") == "Network.requestWillBeSent"
    ]
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    complaints = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
    assert [event for event in events if event.get("method") in complaints] == []


def test_the_last_output_on_the_page_equals_the_json(browser, opened):
    shown = opened("convolution", input="1.5 2 3; 4 0.123456789 6; 7 8 9", kernels=("1 0; 0 -1",))
    output = browser.evaluate(CELLS)[-1][-1]
    assert [[float(cell) for cell in row] for row in output] == shown.document()["output"]


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1400, False)])
def test_no_step_is_wider_than_the_screen(browser, opened, tmp_path, topic, width, dark):
    shown = opened(topic)
    browser.look(tmp_path / "seen.png", width, 900, dark=dark)
    with PIL.Image.open(tmp_path / "seen.png") as seen:
        assert seen.width == width
        assert (np.asarray(seen.convert("L"))[2, 2] < 60) == dark
    for step in range(1, len(shown.steps) + 1, 5):
        browser.evaluate(f"show({step})")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
