"""Curves as pictures: what is drawn, that it can be read, and that the same epochs give the same bytes."""

from __future__ import annotations

import io
import logging
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from convcli.render.curves import curves_figure, curves_png, curves_svg
from convcli.render.drawing import plotting
from histories import history

FALLING = history([0.9, 0.5, 0.3, 0.2], [0.8, 0.4, 0.25, 0.3])  # the third is the best
UNJUDGED = history([0.9, 0.6])
SEVERAL = {"one": FALLING, "two": UNJUDGED, "three": history([0.5, 0.4, 0.3], [0.6, 0.5, 0.4])}


def drawn(histories, *, dark=False):
    """Return the figure, and the axes of loss and accuracy."""
    with plotting.style(dark=dark):
        figure = curves_figure(histories, dark=dark)
    return figure, *figure.axes


def laid_out(histories, *, dark=False):
    """Return the same once every part has its place."""
    figure, *axes = drawn(histories, dark=dark)
    with plotting.style(dark=dark):
        figure.savefig(io.BytesIO(), dpi=50)
    return figure, *axes


def points(axes):
    return [line.get_xydata().tolist() for line in axes.lines]


def texts(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_the_lines_go_through_the_figures_of_the_epochs():
    _, loss, accuracy = drawn({"one": FALLING})
    validation, training, _ = points(loss)
    assert validation == [[1, 0.8], [2, 0.4], [3, 0.25], [4, 0.3]]
    assert training == [[1, 0.9], [2, 0.5], [3, 0.3], [4, 0.2]]
    assert points(accuracy)[0] == [[1, 1 - 0.8], [2, 0.6], [3, 0.75], [4, 0.7]]


def test_the_best_epoch_is_marked_in_both_plots_and_named():
    figure, loss, accuracy = drawn({"one": FALLING})
    assert points(loss)[-1] == [[3, 0.25]]
    assert points(accuracy)[-1] == [[3, 0.75]]
    assert loss.lines[-1].get_marker() == "o"
    assert texts(figure) == ["training", "validation", "best epoch 3"]


def test_without_validation_training_is_marked():
    figure, loss, _ = drawn({"one": UNJUDGED})
    assert points(loss) == [[[1, 0.9], [2, 0.6]], [[2, 0.6]]]
    assert texts(figure) == ["training", "best epoch 2"]


def test_axes_say_what_they_show():
    figure, loss, accuracy = laid_out({"one": FALLING})
    assert (loss.get_ylabel(), accuracy.get_ylabel(), accuracy.get_xlabel()) == ("loss", "accuracy", "epoch")
    assert figure.legends[0].get_title().get_text() == "one"
    assert {"20%", "60%"} < {label.get_text() for label in accuracy.get_yticklabels()}
    low, high = accuracy.get_xlim()
    ticks = [tick for tick in accuracy.get_xticks() if low <= tick <= high]
    assert ticks == [1, 2, 3, 4]  # no half epochs, and none before the first


def test_training_and_validation_differ_by_their_dashes_too():
    _, loss, _ = drawn({"one": FALLING})
    validation, training, _ = loss.lines
    assert (validation.get_linestyle(), training.get_linestyle()) == ("-", "--")
    assert validation.get_color() != training.get_color()


def test_each_of_several_runs_has_a_colour_and_a_marker():
    figure, loss, _ = drawn(SEVERAL)
    assert texts(figure) == [*SEVERAL, "training", "validation", "best epoch"]
    markers = [line for line in loss.lines if line.get_linestyle() == "None"]
    assert [line.get_xdata()[0] for line in markers] == [3, 2, 3]
    assert len({line.get_color() for line in markers}) == len({line.get_marker() for line in markers}) == 3


def test_ninety_runs_differ():
    _, loss, _ = drawn({str(number): UNJUDGED for number in range(90)})
    markers = [line for line in loss.lines if line.get_linestyle() == "None"]
    assert len({(to_hex(line.get_color()), line.get_marker()) for line in markers}) == 90


def test_losses_far_apart_get_a_logarithmic_axis_that_says_so():
    _, loss, _ = drawn({"one": history([2.0, 0.2, 0.02])})
    assert (loss.get_yscale(), loss.get_ylabel()) == ("log", "loss (logarithmic)")
    assert drawn({"one": history([2.0, 0.2, 0.0])})[1].get_yscale() == "linear"  # there is no logarithm of 0


def test_a_single_epoch_is_a_point_that_can_be_seen():
    _, loss, _ = drawn({"one": FALLING[:1]})
    assert [line.get_marker() for line in loss.lines] == [".", ".", "o"]


@pytest.mark.parametrize(
    "name", ["_hidden", "$x$ and \\frac", "日本", "", "a" * 200, "a\x1b[31m", "two\nlines"]
)
def test_any_name_can_be_drawn(name):
    figure, *_ = laid_out({name: FALLING, "other": UNJUDGED})
    shown = texts(figure)[0]
    assert len(shown) < 60
    assert shown[:1] == name[:1]
    assert shown.isprintable()


def test_a_long_name_keeps_its_end():
    figure, *_ = drawn({"the-same-long-beginning-of-both-of-the-names-001": FALLING, "x": FALLING})
    assert texts(figure)[0] == "the-same-long-beginning-of-bot…the-names-001"


@pytest.mark.parametrize(
    ("histories", "dark"),
    [
        ({"one": FALLING}, False),
        (SEVERAL, True),
        ({f"a-name-of-some-length-{n:03}": FALLING for n in range(20)}, False),
    ],
    ids=["one", "three", "twenty"],
)
def test_letters_are_large_and_none_reaches_over_the_edge(histories, dark):
    figure, *axes = laid_out(histories, dark=dark)
    labels = [label for one in axes for label in (*one.get_xticklabels(), *one.get_yticklabels())]
    labels += [*figure.legends[0].get_texts(), *(one.yaxis.label for one in axes)]
    assert min(label.get_fontsize() for label in labels) * 100 / 72 >= 19  # pixels, at a width of 800
    inside = figure.get_tightbbox()
    assert 0 <= inside.x0 < inside.x1 <= 8
    assert 0 <= inside.y0 < inside.y1 <= figure.get_figheight()
    legend = figure.legends[0].get_window_extent()
    assert legend.y0 >= axes[0].get_window_extent().y1  # it covers no line


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_a_png_is_twice_as_sharp_as_a_page_and_light_or_dark():
    light, dark = (pixels(curves_png({"one": FALLING}, dark=dark)) for dark in (False, True))
    assert light.shape[1] == dark.shape[1] == 1600
    assert light.mean() > 230
    assert dark.mean() < 40


@pytest.mark.parametrize("draw", [curves_png, curves_svg])
def test_the_same_epochs_give_the_same_bytes_whatever_the_users_settings_are(draw):
    first = draw(SEVERAL)
    with matplotlib.rc_context({"lines.linewidth": 9, "text.usetex": True, "savefig.dpi": 30}):
        assert draw(SEVERAL) == first


def test_drawing_leaves_no_trace():
    logger = logging.getLogger("matplotlib")
    before = dict(matplotlib.rcParams), logger.level
    curves_png({"日本": FALLING})
    assert (dict(matplotlib.rcParams), logger.level) == before


def test_an_svg_is_well_formed_and_asks_nobody_for_anything():
    root = ElementTree.fromstring(curves_svg({'<one> & "two"': FALLING}))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    links = [value for element in root.iter() for key, value in element.items() if key.endswith("href")]
    assert links
    assert all(link.startswith("#") for link in links)
