"""Sections with an axis as pictures: how cost grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.measuring import Section

STYLE: Any = {"svg.hashsalt": "convcli", "svg.fonttype": "path", "font.size": 10}


def curves(section: Section) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Return the points (place on the axis, median) of each curve, by its line and its side.

    A side that is a point's own yardstick only (the same tool on one thread) makes no curve.
    """
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for case in section.cases:
        for series in (case.ours, *case.peers):
            side = series.side.partition(",")[0]
            if case.at is not None and (series is case.ours or side != case.ours.side.partition(",")[0]):
                found.setdefault((case.line, side), []).append((case.at, series.median))
    return found


def draw(section: Section, path: Path) -> None:
    """Write the plot of a section as SVG; the same section gives the same bytes."""
    assert section.axis is not None
    scale = section.axis.scale
    with mpl.rc_context(STYLE):
        figure = Figure((7, 4), layout="constrained")
        axes = figure.add_subplot(
            xscale="linear" if scale == "linear" else "log", yscale="log" if scale == "log both" else "linear"
        )
        lines = list(dict.fromkeys(line for line, _ in curves(section)))
        for (line, side), points in curves(section).items():
            axes.plot(
                *zip(*points, strict=True),
                color=f"C{lines.index(line)}",
                linestyle="-" if side == "convcli" else "--",
                marker="o" if side == "convcli" else "x",
                label=", ".join(filter(None, (side, line))),
            )
        places = sorted({case.at for case in section.cases if case.at is not None})
        axes.set_xticks(places, [f"{place:,g}" for place in places])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        if scale != "log both":
            axes.set_ylim(bottom=0)
        axes.set(xlabel=section.axis.label, ylabel=section.cases[0].unit, title=section.title)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
