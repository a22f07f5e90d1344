"""Kernels by what `--kernel` takes: those of `kernels.parse`, and the filters of trained networks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from convcli import kernels
from convcli.errors import ConvcliError, UsageError
from convcli.kernels import Kernel
from convcli.wording import shortened

NUMBER = r"\d{1,18}"  # more than any count
LEARNED = re.compile(
    rf"run:(?P<run>.+)#(?P<layer>{NUMBER}(?:\.{NUMBER})*)/(?P<filter>{NUMBER})(?:/(?P<channel>{NUMBER}))?"
)


def parse(text: str, *, tell: Callable[[str], None]) -> Kernel:
    """Return the kernel that a text names: as `kernels.parse` takes it, or a trained network's.

    That is `run:RUN#LAYER/FILTER`, or with `/CHANNEL` behind it, counted from 1. Without a channel, a filter
    of the first convolution of a network for RGB is a kernel for all three. `tell` hears which run it is
    where that was a choice.

    Raises UsageError if there is no such kernel, layer, filter or channel; InputError if a file or a run
    cannot be read.
    """
    if not text.startswith("run:"):
        return kernels.parse(text)
    match = LEARNED.fullmatch(text)
    if not match:
        raise UsageError(
            f"{shortened(text)}: expected run:RUN#LAYER/FILTER or run:RUN#LAYER/FILTER/CHANNEL, counted from "
            "1, such as run:runs/digits-001#1/3."
        )
    from convcli.explaining.request import chosen_index
    from convcli.explaining.tensors import layer_of
    from convcli.kernels.learned import learned
    from convcli.nn.layers import Conv, SeparableConv
    from convcli.runs import checkpoints
    from convcli.runs.history import find

    run, choice = find(Path(match["run"]))
    if choice:
        tell(choice)
    model = checkpoints.load_run(run)
    layer = ".".join(str(int(digits)) for digits in match["layer"].split("."))
    number, _ = layer_of(model, layer, (Conv, SeparableConv), f"{text}: layer")
    w = model.weights.arrays.at(number)["W"]
    k = chosen_index(int(match["filter"]), w.shape[3], f"{text}: filter")
    name = f"{run.resolve().name}-layer{number}-filter{k + 1}"
    if match["channel"] is not None:
        c = chosen_index(int(match["channel"]), w.shape[2], f"{text}: channel")
        return learned(w, k, c, name=f"{name}-channel{c + 1}", source=text)
    colours = w.shape[2] == 3 and number == layer_of(model, None, (Conv, SeparableConv))[0]
    if w.shape[2] > 1 and not colours:
        raise UsageError(
            f"{text}: the filters of layer {number} have {w.shape[2]} channels, which are not a photo's: "
            f"name one, from {text}/1 to {text}/{w.shape[2]}."
        )
    return learned(w, k, None, name=name, source=text)


def files_of_kernel(text: str) -> list[Path]:
    """Return the files that `parse` reads for a text, which no result may overwrite."""
    if text.startswith("@"):
        return [Path(text[1:])]
    match = LEARNED.fullmatch(text)
    return files_of_run(Path(match["run"])) if match else []


def files_of_run(name: Path) -> list[Path]:
    """Return the files that make a run's trained network, which no result may overwrite."""
    from convcli.runs.folder import BEST, RESOLVED
    from convcli.runs.history import find

    try:
        folder, _ = find(name)
    except ConvcliError:  # which whoever opens it says
        return []
    return [folder / BEST, folder / RESOLVED]
