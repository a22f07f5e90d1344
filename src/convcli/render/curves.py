"""Curves of training: loss and accuracy over the epochs, of one run or of several in one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from convcli.render.drawing import plotting
from convcli.render.drawing.palette import LINK_COLOURS
from convcli.training import Metrics, best_metrics
from convcli.wording import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Histories = Mapping[str, Sequence[Metrics]]

HEIGHT, BESIDE, LINE_HEIGHT = (
    6.2,
    4.2,
    0.3,
)  # inches: of the plots, of those side by side, and of a line of the legend above them
LETTERS = 60  # that fit into a line of the legend
LONGEST_NAME = 44
WIDE = 50  # the largest loss over the smallest from which on a linear axis would hide how a training ends
MARKERS = "os^Dv<>pPX"  # one more than there are colours: only the 91st run looks like the first
DASHED: dict[str, Any] = {"linestyle": (0, (4, 1.5)), "linewidth": 1.8}
MARKED: dict[str, Any] = {"linestyle": "none", "markersize": 9}


class _Look(NamedTuple):
    """The colours of a run's training and validation, and the marker of its best epoch."""

    training: str
    validation: str
    marker: str


def curves_png(histories: Histories, *, dark: bool = False) -> bytes:
    """Return the curves as a PNG; see `curves_figure`."""
    with plotting.style(dark=dark):
        return plotting.png(curves_figure(histories, dark=dark))


def curves_svg(histories: Histories, *, dark: bool = False, beside: bool = False) -> bytes:
    """Return the curves as an SVG; see `curves_figure`."""
    with plotting.style(dark=dark):
        return plotting.svg(curves_figure(histories, dark=dark, beside=beside))


def curves_figure(histories: Histories, *, dark: bool = False, beside: bool = False) -> Figure:
    """Return a figure of the loss above the accuracy, or `beside` it, both over the epochs.

    Training is dashed, validation solid, and a marker stands on the best epoch. With one run, training and
    validation have a colour each; with several, each run has a colour and a marker.

    Parameters
    ----------
    histories
        The epochs of each run, by the name to show it under; there is a run, and each has an epoch.
    dark
        Whether the ground is dark.

    Returns
    -------
    matplotlib.figure.Figure, to be encoded in the same `plotting.style` that it is made in.
    """
    looks = _looks(len(histories), dark)
    keys = _keys(histories, looks, plotting.colour("muted", dark=dark))
    columns = max(1, min(3, LETTERS // (max(len(label) for _, label in keys) + 5)))
    title = shown(next(iter(histories))) if len(histories) == 1 else ""
    lines = math.ceil(len(keys) / columns) + (1 if title else 0)
    height, width, shape = (
        (BESIDE, 2 * plotting.WIDTH, (1, 2)) if beside else (HEIGHT, plotting.WIDTH, (2, 1))
    )
    figure = plotting.figure(height + LINE_HEIGHT * lines, width)
    loss, accuracy = figure.subplots(*shape, sharex=True)
    for history, look in zip(histories.values(), looks, strict=True):
        _draw(loss, "loss", history, look)
        _draw(accuracy, "accuracy", history, look)
    _scale(loss, accuracy, histories)
    _add_legend(figure, keys, columns, title)
    figure.align_ylabels()
    if beside:
        loss.set(xlabel="epoch")
    return figure


def legend_name(name: str) -> str:
    """Return a name that fits into a legend; its end, which often is a number, stays.

    >>> legend_name("digits-001"), legend_name("a" * 40 + "-a-long-name-001")
    ('digits-001', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…long-name-001')
    """
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 14]}…{name[-13:]}"


def logarithmic(losses: Sequence[float]) -> bool:
    """Return whether losses are so far apart that they need a logarithmic axis.

    >>> logarithmic([2.3, 0.5, 0.3]), logarithmic([2.3, 0.5, 0.004])
    (False, True)
    """
    return 0 < WIDE * min(losses) < max(losses)


def _looks(runs: int, dark: bool) -> list[_Look]:
    colours = [plotting.colour(f"link{number}", dark=dark) for number in range(LINK_COLOURS)]
    if runs == 1:
        return [_Look(colours[0], colours[1], MARKERS[0])]
    repeated = [colours[number % LINK_COLOURS] for number in range(runs)]
    return [_Look(colour, colour, MARKERS[n % len(MARKERS)]) for n, colour in enumerate(repeated)]


def _draw(axes: Axes, measure: str, history: Sequence[Metrics], look: _Look) -> None:
    """Draw one measure of a run: validation where there is one, training over it, and the best epoch."""
    epochs, best = [row.epoch for row in history], best_metrics(history)
    parts = [("train", look.training, DASHED)]
    if best.validation_loss is not None:
        parts.insert(0, ("validation", look.validation, {}))
    point = "." if len(history) == 1 else ""  # one epoch makes no line
    for part, colour, line in parts:
        values = [getattr(row, f"{part}_{measure}") for row in history]
        axes.plot(epochs, values, color=colour, marker=point, clip_on=False, **line)
    part, colour, _ = parts[0]
    value = getattr(best, f"{part}_{measure}")
    axes.plot(best.epoch, value, color=colour, marker=look.marker, clip_on=False, zorder=3, **MARKED)


def _scale(loss: Axes, accuracy: Axes, histories: Histories) -> None:
    """Name and scale the axes."""
    from matplotlib.ticker import MaxNLocator

    rows = [row for history in histories.values() for row in history]
    losses = [row.train_loss for row in rows]
    losses += [row.validation_loss for row in rows if row.validation_loss is not None]
    if logarithmic(losses):
        loss.set(yscale="log", ylabel="loss (logarithmic)")
    else:
        loss.set(ylim=(0, None), ylabel="loss")
    loss.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    low, high = accuracy.get_ylim()
    accuracy.set(ylim=(max(low, 0), min(high, 1)), ylabel="accuracy", xlabel="epoch")
    accuracy.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    first, last = min(row.epoch for row in rows), max(row.epoch for row in rows)
    beside = min(0.03 * (last - first) + 0.3, 0.9)  # never as far as epoch 0
    accuracy.set_xlim(first - beside, last + beside)
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _keys(histories: Histories, looks: Sequence[_Look], muted: str) -> list[tuple[Line2D, str]]:
    """Return what the legend says: a line as it is drawn, and its name."""
    from matplotlib.lines import Line2D

    bests = [best_metrics(history) for history in histories.values()]
    validated = any(best.validation_loss is not None for best in bests)
    keys = []
    if len(looks) == 1:
        (training, validation, marker), which = looks[0], f" {bests[0].epoch}"
    else:
        (training, validation, marker), which = (muted, muted, "o"), ""
        for name, look in zip(histories, looks, strict=True):
            line = Line2D([], [], color=look.validation, marker=look.marker, markersize=9)
            keys.append((line, legend_name(shown(name))))
    keys.append((Line2D([], [], color=training, **DASHED), "training"))
    if validated:
        keys.append((Line2D([], [], color=validation), "validation"))
    colour = validation if validated else training
    keys.append((Line2D([], [], color=colour, marker=marker, **MARKED), f"best epoch{which}"))
    return keys


def _add_legend(figure: Figure, keys: Sequence[tuple[Line2D, str]], columns: int, title: str) -> None:
    """Add the legend above the plots, where it never covers a line."""
    lines, labels = zip(*keys, strict=True)
    legend = figure.legend(
        lines,
        [""] * len(lines),
        loc="outside upper left",
        ncols=columns,
        alignment="left",
        title=title,
        title_fontproperties={"weight": "bold"},
    )
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)  # only now: what is called _name from the start is left out
