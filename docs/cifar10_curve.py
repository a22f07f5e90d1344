"""Draws docs/images/cifar10-curve.svg from docs/cifar10.csv, which docs/cifar10.md says how to measure."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

HERE = Path(__file__).parent
STYLES = {"convcli": ("-", "o"), "PyTorch": ("--", "x")}


def main() -> None:
    """Write the picture; the same figures give the same bytes."""
    with (HERE / "cifar10.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with mpl.rc_context({"svg.hashsalt": "convcli", "svg.fonttype": "path", "font.size": 10}):
        figure = Figure((7, 4), layout="constrained")
        axes = figure.add_subplot()
        for side, points in groupby(rows, key=lambda row: row["side"]):
            places = [(float(row["processor_seconds"]), float(row["accuracy"])) for row in points]
            line, marker = STYLES[side]
            axes.plot(*zip(*places, strict=True), linestyle=line, marker=marker, label=side)
        axes.set(
            xlabel="processor seconds, from the start of the process",
            ylabel="held-out images that are right (%)",
            title="examples/cifar10.toml, five epochs",
            xlim=(0, None),
        )
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(HERE / "images" / "cifar10-curve.svg", format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
