"""Which classes were taken for which: a table, or for many classes a picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.evaluation import Evaluation
from convcli.render.drawing import plotting
from convcli.render.drawing.palette import heat
from convcli.render.report.elements import Cell, Chart, Element, Section, Table, Words, number
from convcli.report import Report
from convcli.wording import printable, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 30  # of a table; a larger matrix is a picture
MOST_DRAWN = 1500  # of a picture; with more, a class would be less than a pixel
MOST_COUNTED = 20  # of a picture whose cells have room for numbers
COUNTED_PITCH, SMALLEST_COUNTED = 0.36, 1.8  # inches, of such a one
PITCH = 0.125  # inches from class to class: names of 8 points stand clear of each other
SMALLEST, LARGEST = 8.0, 16.0  # inches
LETTERS = 20  # of a name


def confusion(report: Report) -> Section:
    """Return the section of the confusion matrix and of the classes that were mixed up most often."""
    shown = _shown(report.figures)
    if not report.confusions:
        return Section("confusion", "Confusion", (shown, Words("No class was mixed up with another.")))
    pairs = Table(
        "Mixed up most often",
        ("true", "predicted", "images", "of its class"),
        tuple(
            (Cell(pair.true), Cell(pair.predicted), number(pair.count, ","), number(pair.share, ".1%"))
            for pair in report.confusions
        ),
        frozenset({0, 1}),
    )
    return Section("confusion", "Confusion", (shown, pairs))


def _shown(figures: Evaluation) -> Element:
    count = len(figures.classes)
    if count <= MOST_COLUMNS:
        return _matrix(figures)
    if count > MOST_DRAWN:
        return Words(f"A matrix of {count:,} classes is too large for a picture; `--json` prints its counts.")
    return Chart(
        f"Confusion matrix of {count} classes: {figures.accuracy:.2%} of the images lie on the diagonal.",
        lambda dark: _svg(figures, dark=dark),
        lambda: png(figures),
        shrinks=False,
    )


def _matrix(figures: Evaluation) -> Table:
    """Return the matrix as a table, shaded by the share of the true class that a cell is."""
    counts, shares = figures.confusion.tolist(), _shares(figures.confusion)
    worst = _worst(shares)

    def cell(i: int, j: int, count: int) -> Cell:
        shown = number(count, ",")
        if not count:
            return replace(shown, faint=True)
        share = float(shares[i, j])
        return replace(shown, fill=heat(share, 1, "right") if i == j else heat(share, worst))

    return Table(
        "Images by true class (rows) and predicted class (columns), shaded by their share of the row",
        ("", *figures.classes),
        tuple(
            (Cell(name), *(cell(i, j, count) for j, count in enumerate(row)))
            for i, (name, row) in enumerate(zip(figures.classes, counts, strict=True))
        ),
        frozenset({0}),
        grid=True,
        upright=max(map(len, figures.classes)) > 3,
    )


def _shares(counts: Array) -> Array:
    """Return which share of its class, a row, each count is; a class without images has shares of 0."""
    support = counts.sum(1, keepdims=True)
    return np.asarray(counts / np.maximum(support, 1))


def _worst(shares: Array) -> float:
    """Return the largest share of a class that was taken for another; never 0, since it divides."""
    return float(max((shares - np.diag(np.diag(shares))).max(), 1e-12))


def _svg(figures: Evaluation, *, dark: bool) -> bytes:
    with plotting.style(dark=dark):
        return plotting.svg(_figure(figures, dark=dark))


def png(figures: Evaluation) -> bytes:
    """Return the matrix as a picture, of few classes with its counts."""
    with plotting.style():
        return plotting.png(_figure(figures, dark=False))


def _figure(figures: Evaluation, *, dark: bool) -> Figure:
    """Return the matrix in two hues, one for what was right; the shade goes with the share of the row."""
    from matplotlib.colors import LinearSegmentedColormap

    count = len(figures.classes)
    side = min(max(count * PITCH, SMALLEST), LARGEST)
    if count <= MOST_COUNTED:
        side = max(count * COUNTED_PITCH, SMALLEST_COUNTED)
    drawn = plotting.figure(side + 1.2, side + 1.5)
    axes = drawn.subplots()
    counts, shares = figures.confusion, _shares(figures.confusion)
    right = np.eye(count, dtype=bool)
    ground = plotting.colour("ground", dark=dark)
    for hue, hidden, most in (("heat", right | (counts == 0), _worst(shares)), ("right", ~right, 1.0)):
        shades = LinearSegmentedColormap.from_list(hue, [ground, plotting.colour(f"{hue}10", dark=dark)])
        axes.imshow(np.ma.masked_array(shares, hidden), cmap=shades, vmin=0, vmax=most, zorder=2)
    step = -(-count // int(LARGEST / PITCH))
    places = range(0, count, step)
    names = [shortened(printable(figures.classes[place]), LETTERS) for place in places]
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
    axes.tick_params(labelsize=8, length=2, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.set(xlabel="predicted", ylabel="true")
    if count > MOST_COUNTED:
        axes.grid(visible=True, linewidth=0.4)
        return drawn
    axes.grid(visible=False)
    for i, j in np.argwhere(counts).tolist():
        axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", fontsize=9)
    return drawn
