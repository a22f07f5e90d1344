"""The tables and the picture of docs/scaling.md, from its data: `python -m benchmarks.scaling.page`."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.plots import STYLE
from benchmarks.scaling import photo_tables, training_tables
from benchmarks.scaling.model import cut_for, step
from benchmarks.scaling.stored import stored
from benchmarks.scaling.training_tables import ASSUMED, BATCHES, NAMES, networks
from benchmarks.setting import ROOT

TARGET = ROOT / "docs" / "scaling.md"
BLOCK = re.compile(
    r"(<!-- (\w+), written by benchmarks/scaling/page\.py -->\n).*?(?=<!-- end -->)", re.DOTALL
)
PICTURE = ROOT / "docs" / "images" / "scaling.svg"

PARTS = {"exchanges": "links", "trainings": "trainings", "photos": "photos", "tasks": "tasks"}


def machine_of(document: Mapping[str, Any]) -> str:
    """Return where and how busily it was measured."""
    told = document["machine"]
    parts = {name: document[part] for name, part in PARTS.items()}
    epochs = len(document["trainings"]["cases"][0]["seconds"])
    busy = ", ".join(f"{name} {part['busy']:.0%}" for name, part in parts.items())
    return (
        f"{told['Processor']}, {told['Cores']} cores, {told['Memory']}; {document['links']['library']}, "
        f"NumPy {told['NumPy']}, convcli {told['convcli']}. Other programs had a share of the cores "
        f"meanwhile ({busy}): what counts is the fastest of {epochs} epochs of two steps of each training, "
        "and the median of each exchange.\n"
    )


BLOCKS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "machine": machine_of,
    "links": training_tables.measured_links,
    "networks": training_tables.measured_networks,
    "predictions": training_tables.predicted,
    "oversubscribed": training_tables.oversubscribed,
    "pipelined": training_tables.pipelined,
    "paper": training_tables.on_paper,
    "turning": training_tables.turning,
    "tree": training_tables.tree_and_plain,
    "photo": photo_tables.photo_of,
    "photos": photo_tables.photos,
    "shared": photo_tables.shared,
}


def page(document: Mapping[str, Any]) -> str:
    """Return the whole page."""
    return BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]](document), TARGET.read_text("utf-8"))


def draw(document: Mapping[str, Any]) -> bytes:
    """Return the picture of images a second, as SVG; the same data give the same bytes."""
    counts = [2**power for power in range(13)]
    with mpl.rc_context(STYLE):
        figure = Figure((9, 4.2), layout="constrained")
        for axes, (name, network) in zip(
            figure.subplots(1, 2, sharey=False), networks(document).items(), strict=True
        ):
            for number, batch in enumerate(BATCHES):
                for link, line in ((ASSUMED[0], "-"), (ASSUMED[-1], "--")):
                    rates = [
                        1 / step(network, cut_for(network, batch, ranks), link, ranks).seconds
                        for ranks in counts
                    ]
                    axes.plot(
                        counts,
                        rates,
                        color=f"C{number}",
                        linestyle=line,
                        label=f"batch {batch:,}, {link.name.rpartition(',')[0]}",
                    )
            axes.set(xscale="log", yscale="log", xlabel="ranks", ylabel="steps a second", title=NAMES[name])
            places = [1, 8, 64, 1024]
            axes.set_xticks(places, [f"{place:,}" for place in places])
            axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


if __name__ == "__main__":
    TARGET.write_text(page(stored()), encoding="utf-8")
    PICTURE.write_bytes(draw(stored()))
