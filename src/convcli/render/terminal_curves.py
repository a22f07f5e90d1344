"""Curves of training for a terminal: loss and accuracy in braille dots, a few lines high."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from convcli.render.curves import Histories, logarithmic
from convcli.render.evaluation import best_line
from convcli.training import best_metrics
from convcli.wording import shown

SIDE_BY_SIDE = 72  # columns from which on the two plots stand beside each other
NARROWEST = 30
GAP = 3
COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
SIGNS = string.ascii_uppercase + string.ascii_lowercase
BRAILLE = 0x2800  # a letter without dots; DOTS is what each of its dots adds to it
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])

Points = Sequence[tuple[float, float]]
Shares = NDArray[np.float64]


class Running(NamedTuple):
    """A moment within an epoch; loss and accuracy are of that epoch so far."""

    epoch: float
    loss: float
    accuracy: float


class _Look(NamedTuple):
    """The colours of a run's training and validation, and the sign of its best epoch."""

    train: str
    validation: str
    sign: str


class _Curve(NamedTuple):
    """Points from left to right, and the sign that stands on those of them that are marked."""

    points: Points
    colour: str
    dashed: bool
    sign: str
    marked: Points


class _Frame(NamedTuple):
    """The epochs and values that a plot shows."""

    first: float
    last: float
    low: float
    high: float
    logarithmic: bool

    def shares(self, points: Points) -> tuple[Shares, Shares]:
        """Return where points lie: from the left, 0, to the right, 1, and from the bottom to the top."""
        epochs, values = np.array(points, float).T
        low, high = self.low, self.high
        if self.logarithmic:
            values, low, high = np.log(values), np.log(low), np.log(high)
        return (epochs - self.first) / (self.last - self.first or 1), (values - low) / (high - low or 1)


class _Canvas:
    """Letters of 2 × 4 dots; places are shares of its width from the left and of its height from below."""

    def __init__(self, width: int, height: int) -> None:
        self.bits = np.zeros((height, width), int)
        self.colours = np.full((height, width), "", object)
        self.signs: dict[tuple[int, int], str] = {}

    def draw(self, x: Shares, y: Shares, colour: str, *, dashed: bool) -> None:
        """Draw a line from the left to the right."""
        height, width = self.bits.shape
        dots = np.zeros((4 * height, 2 * width), bool)
        columns, rows = x * (2 * width - 1), (1 - y) * (4 * height - 1)
        between = np.interp(np.arange(2 * width), columns, rows, left=np.nan, right=np.nan)
        path = [(step, round(row)) for step, row in enumerate(between.tolist()) if not math.isnan(row)]
        path = path or [(round(columns[0]), round(rows[0]))]  # a single point between two columns
        before, length = path[0][1], 0
        for step, row in path:
            way = 1 if row > before else -1
            for passed in range(before + way, row + way, way) if row != before else [row]:
                dots[passed, step] = not dashed or length % 4 < 2
                length += 1
            before = row
        bits = np.einsum("rdcs,ds->rc", dots.reshape(height, 4, width, 2), DOTS)
        self.bits |= bits
        self.colours[bits > 0] = colour

    def mark(self, x: float, y: float, sign: str, colour: str) -> None:
        """Put a sign on a place, or on the nearest one in its line that has none."""
        height, width = self.bits.shape
        row, place = round((1 - y) * (4 * height - 1)) // 4, round(x * (2 * width - 1)) // 2
        column = min(range(width), key=lambda at: ((row, at) in self.signs, abs(at - place)))
        self.signs[row, column] = sign
        self.colours[row, column] = colour

    def lines(self) -> list[Text]:
        """Return what was drawn."""
        return [Text.assemble(*self._spans(row)) for row in range(len(self.bits))]

    def _spans(self, row: int) -> list[tuple[str, str]]:
        dots = [chr(BRAILLE + bits) if bits else " " for bits in self.bits[row]]
        letters = [self.signs.get((row, column), letter) for column, letter in enumerate(dots)]
        spans = groupby(zip(letters, self.colours[row], strict=True), key=lambda pair: pair[1])
        return [("".join(letter for letter, _ in pairs), colour) for colour, pairs in spans]


def terminal_curves(
    histories: Histories, width: int, height: int = 6, running: Sequence[Running] = ()
) -> Text:
    """Return loss and accuracy as lines of text: beside each other where there is room, otherwise stacked.

    Training is dashed and validation solid, so that they differ without colour too. A sign stands on the best
    epoch: with several runs, each one's letter.

    Parameters
    ----------
    histories
        The epochs of each run, by its name, which a single run may lack; each run has an epoch.
    width, height
        Letters of the whole, at least `NARROWEST`; lines of one plot, at least 2.
    running
        How the epoch goes that the only run is in. The run may have no epoch yet if there is this.
    """
    beside = width >= SIDE_BY_SIDE
    across = (width - GAP) // 2 if beside else width
    loss, accuracy = (_plot(histories, running, name, across, height) for name in ("loss", "accuracy"))
    if beside:
        lines = [Text.assemble(left, " " * GAP, right) for left, right in zip(loss, accuracy, strict=True)]
    else:
        lines = [*loss[:-1], *accuracy]  # the same epochs are under both
    text = Text("\n").join([*lines, *_keys(histories)])
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _plot(
    histories: Histories, running: Sequence[Running], measure: str, width: int, height: int
) -> list[Text]:
    """Return a plot: a line of title, lines with the axis on their left, a line of epochs."""
    curves = list(_curves(histories, running, measure))
    epochs, values = zip(*(point for curve in curves for point in curve.points), strict=True)
    shrunk = measure == "loss" and logarithmic(values)
    frame = _Frame(min(epochs), max(epochs), min(values), max(values), shrunk)
    labels = [""] * (height - 1) + [_label(frame.low, measure)]
    if frame.high > frame.low:
        labels[0] = _label(frame.high, measure)
    side = max(map(len, (*labels, "99.99%"))) + 2
    canvas = _Canvas(width - side, height)
    for curve in curves:
        canvas.draw(*frame.shares(curve.points), curve.colour, dashed=curve.dashed)
    for curve in curves:
        for point in curve.marked:
            (x,), (y,) = frame.shares([point])
            canvas.mark(x, y, curve.sign, curve.colour)
    margin = " " * side
    first, last = str(math.floor(frame.first)), str(math.ceil(frame.last))
    title = (margin + measure + (" (logarithmic)" if shrunk else "")).ljust(width)
    below = (margin + first).ljust(width - len(last)) + last
    axis = [f"{label:>{side - 2}} {'┤' if label else '│'}" for label in labels]
    body = [Text.assemble(left, line) for left, line in zip(axis, canvas.lines(), strict=True)]
    return [Text(title, "bold"), *body, Text(below)]


def _curves(histories: Histories, running: Sequence[Running], measure: str) -> Iterator[_Curve]:
    """Yield one measure of all runs, training before validation, which is drawn over it."""
    for history, look in zip(histories.values(), _looks(len(histories)), strict=True):
        best = best_metrics(history) if history else None
        judged = "train" if best is None or best.validation_loss is None else "validation"
        for part in ("train", "validation"):
            values = [(float(row.epoch), getattr(row, f"{part}_{measure}")) for row in history]
            points = [(epoch, value) for epoch, value in values if value is not None]
            if part == "train":
                points += [(moment.epoch, getattr(moment, measure)) for moment in running]
            marked = [point for point in points if best and part == judged and point[0] == best.epoch]
            if points:
                yield _Curve(points, getattr(look, part), part == "train", look.sign, marked)


def _looks(runs: int) -> list[_Look]:
    if runs == 1:
        return [_Look(COLOURS[0], COLOURS[1], "●")]
    colours = [COLOURS[number % len(COLOURS)] for number in range(runs)]
    return [_Look(colour, colour, SIGNS[number % len(SIGNS)]) for number, colour in enumerate(colours)]


def _label(value: float, measure: str) -> str:
    return f"{value:.3g}" if measure == "loss" else f"{100 * value:.4g}%"


def _keys(histories: Histories) -> list[Text]:
    """Return what the lines and signs mean, and the best figures of each run that has a name."""
    looks = _looks(len(histories))
    training, validation = ("", "") if len(looks) > 1 else looks[0][:2]
    keys = [Text("- - training", training)]
    if any(row.validation_loss is not None for history in histories.values() for row in history):
        keys.append(Text("── validation", validation))
    lines = []
    for (name, history), look in zip(histories.items(), looks, strict=True):
        if history:
            best, sign = best_metrics(history), (look.sign, look.validation)
            if name:
                lines.append(Text.assemble(sign, f" {shown(name)}: {best_line(best)}"))
            else:
                keys.append(Text.assemble(sign, f" best: {best.epoch}"))
    return [Text("  ").join(keys), *lines]
