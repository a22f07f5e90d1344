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


def test_a_step_has_an_address_and_the_browser_goes_back(browser, opened, tmp_path):
    opened("convolution")
    here = "location.hash"
    browser.press("ArrowRight")
    browser.press("End")
    assert browser.evaluate(here) == "#step-16"
    for step in (2, 1):
        browser.evaluate(
            "new Promise(done => { addEventListener('popstate', () => setTimeout(done), { once: true });"
            " history.back(); })"
        )
        assert visible(browser) == [step]
    browser.open(tmp_path / "page.html", "#step-4")
    assert visible(browser) == [4]
    assert browser.evaluate("scrollY") == 0


def test_end_leads_to_the_last_step_from_every_control_that_is_not_typed_in(browser, opened):
    opened("convolution")
    for control in ("#back", "#slider", "summary", "[type=reset]"):
        browser.evaluate(f"document.querySelector('{control}').focus(); go(1)")
        browser.press("End")
        assert visible(browser) == [16], control
    browser.evaluate("go(1); find('set-input').focus()")
    browser.press("End")
    assert visible(browser) == [1]


@pytest.mark.parametrize("topic", ["convolution", "volume", "backward"])
def test_columns_stay_where_they_are_from_step_to_step(browser, opened, tmp_path, topic):
    opened(topic, **({"input": "1 2 3; -44 0.1234567 6; 7 8 999"} if topic == "convolution" else {}))
    browser.look(tmp_path / "seen.png", 1400, 1000)
    browser.evaluate("fit()")
    places = browser.evaluate(
        """sections.map((section, n) => { show(n + 1); return [...section.querySelectorAll("table")].map(
            table => table.rows.length + "x" + table.rows[0].cells.length + "@" +
            Math.round(table.getBoundingClientRect().left)); })"""
    )
    kinds = {}
    for tables in places:
        kinds.setdefault(tuple(place.split("@")[0] for place in tables), set()).add(tuple(tables))
    assert {kind: found for kind, found in kinds.items() if len(found) > 1} == {}


def test_a_wide_screen_is_used_and_a_narrow_one_hides_nothing(browser, opened, tmp_path):
    opened("convolution")
    browser.look(tmp_path / "seen.png", 1400, 1000)
    browser.evaluate("fit()")
    right = (
        "Math.max(...[...sections[0].querySelectorAll('figure')].map(f => f.getBoundingClientRect().right))"
    )
    assert browser.evaluate(right) > 0.9 * 1400
    browser.look(tmp_path / "seen.png", 360, 740)
    browser.evaluate("document.querySelector('details').open = false; fit(); go(16)")
    low = browser.evaluate("sections[15].querySelector('td.result').getBoundingClientRect().bottom")
    assert low <= browser.evaluate("document.querySelector('.steps').getBoundingClientRect().top")


def test_a_wide_grid_is_moved_only_if_its_marked_cell_would_not_be_seen(browser, opened, tmp_path):
    browser.look(tmp_path / "seen.png", 360, 740)
    opened("activation", input=" ".join(map(str, range(-6, 7))))
    boxes = "[...sections[{}].querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth)"
    browser.evaluate("go(1)")
    assert browser.evaluate(boxes.format(0) + ".map(box => box.scrollLeft)") == [0]
    browser.evaluate("go(2)")
    seen = """.map(box => {
        const [cell, room] = [box.querySelector('td.chosen'), box].map(one => one.getBoundingClientRect());
        return cell.left >= room.left && cell.right <= room.right; })"""
    assert browser.evaluate(boxes.format(1) + seen) == [True]


def test_on_paper_every_step_stands_in_light_colours(browser, opened, tmp_path):
    opened("stride")
    browser.look(tmp_path / "seen.png", 800, 900, dark=True)
    browser.send("Emulation.setEmulatedMedia", media="print")
    assert visible(browser) == [1, 2, 3, 4, 5]
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.evaluate("getComputedStyle(document.querySelector('.steps')).display") == "none"
    browser.send("Emulation.setEmulatedMedia", media="")
