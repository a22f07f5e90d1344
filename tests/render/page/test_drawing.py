"""Drawings by real pointers and keys, and what they become so that the network can read them."""

from __future__ import annotations

import numpy as np
import pytest

from chromium import MARKS
from convcli.data import Dataset
from convcli.data.drawings import Drawings
from convcli.render.page.export import written
from render.page.browsing import click, documented, open_page, seen, settle, taken_out, text
from render.page.drawn import DIGITS, draw, placed

pytestmark = MARKS

PLACES = {"whole": (1, 0, 0), "lower left": (0.35, -0.25, 0.25)}


@pytest.fixture
def opened(browser, tmp_path):
    browser.send(
        "Emulation.setDeviceMetricsOverride", width=1400, height=1000, deviceScaleFactor=1, mobile=False
    )
    return open_page(browser, tmp_path, documented())


def answers(browser, place):
    """Return what the digits are taken for, and the images they became."""
    found, images = "", []
    for strokes in DIGITS.values():
        click(browser, "clear")
        draw(browser, placed(strokes, *place))
        found += text(browser, "best")
        images.append(seen(browser))
    return found, np.stack(images)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_drawn_digits_are_recognised_whatever_their_size_and_place(opened, place):
    found, images = answers(opened, place)
    assert found == "".join(DIGITS)
    trained = opened.evaluate("net.document.drawing")
    mine = Drawings.of(Dataset(images, np.zeros(len(images), np.int64), ("drawn",)))
    assert (mine.ground, mine.ink, mine.centred) == (trained["ground"], trained["ink"], trained["centred"])
    assert mine.side.middle == pytest.approx(trained["side"][1], abs=1)
    assert trained["thickness"][0] < mine.thickness.middle < trained["thickness"][2]
    for axis in ("row", "column"):
        assert getattr(mine, axis) == pytest.approx(trained[axis], abs=0.5)
    assert opened.complaints == opened.asked == []


def test_as_they_were_drawn_small_ones_are_not(opened):
    click(opened, "prepare")
    found, _ = answers(opened, PLACES["lower left"])
    assert sum(a == b for a, b in zip(found, DIGITS, strict=True)) < 5
    assert text(opened, "seen-said") == "As drawn: neither scaled nor moved."


def test_what_was_done_is_said_in_figures_beside_those_of_the_training_images(opened):
    draw(opened, placed(DIGITS["0"], 0.5))
    told = text(opened, "seen-said")
    assert "to 20 pixels on its longer side" in told
    assert "its centre of mass lies at row 14.5, column 14.5, as in 4,096 training images" in told
    assert text(opened, "habits").startswith("Of 4,096 training images: ink 255 on 0, strokes 2.5")


def test_a_finger_draws_as_a_mouse_does(browser, opened):
    browser.send("Emulation.setTouchEmulationEnabled", enabled=True)
    draw(browser, DIGITS["3"], touch=True)
    browser.send("Emulation.setTouchEmulationEnabled", enabled=False)
    assert text(browser, "best") == "3"


def test_keys_draw_too(browser, opened):
    browser.evaluate('document.getElementById("board").focus()')
    for _ in range(9):
        browser.press("ArrowUp")
    assert seen(browser).max() == 0  # the pen is not down yet
    browser.press(" ")
    for _ in range(18):
        browser.press("ArrowDown")
    browser.press(" ")
    browser.press("ArrowLeft")
    settle(browser)
    assert text(browser, "best") == "1"
    assert browser.evaluate("sources.board.strokes.map(stroke => stroke.points.length)") == [19]


def test_undo_takes_back_stroke_by_stroke_and_clearing_too(browser, opened):
    draw(browser, DIGITS["4"])
    whole = seen(browser)
    count = "sources.board.strokes.length"
    click(browser, "clear")
    assert (browser.evaluate(count), seen(browser).max()) == (0, 0)
    click(browser, "undo")
    np.testing.assert_array_equal(seen(browser), whole)
    browser.evaluate('document.getElementById("board").focus()')
    browser.press("z", control=True)
    assert browser.evaluate(count) == 1


def test_the_brush_is_as_thick_as_training_strokes_unless_told(browser, opened):
    assert text(browser, "brush-width") == "2.5 px"
    draw(browser, DIGITS["1"])
    usual = seen(browser).sum(dtype=int)
    browser.evaluate(
        'const b = document.getElementById("brush"); b.value = 5; b.dispatchEvent(new Event("input"))'
    )
    click(browser, "clear")
    draw(browser, DIGITS["1"])
    assert seen(browser).sum() == pytest.approx(usual * 5 / 2.5, rel=0.15)


def test_where_training_images_are_not_known_one_draws_as_the_mean_says(browser, tmp_path):
    page, weights = taken_out(documented().decode())
    open_page(browser, tmp_path, written({**page, "drawing": None}, weights))
    assert text(browser, "habits") == "How training images are drawn is not known."
    assert browser.evaluate('document.getElementById("prepare-label").hidden')
    draw(browser, DIGITS["0"])
    assert (seen(browser)[0, 0], seen(browser).max()) == (0, 255)
