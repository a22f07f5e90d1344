"""A topic with `--op convolve`: the kernel is flipped before it is laid on, and every figure says so.

Convolution with W is cross-correlation with W′, W rotated by 180°. Topics compute with W′; here their figures
get its name, and W itself stands before them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.elements import Arrow, Element, Explanation, Formula, Grid, Row, Step, Words, exact

SHOWN_FILTERS, SHOWN_CHANNELS = 3, 3
AS_GIVEN = "as_given"
"""Of a step's data: it speaks of W itself, not of W′."""

_WEIGHTS = re.compile(r"\b(d?W)(?![\w′]*[′A-Za-z])(?=_|\b)")
_CELL = re.compile(r"\bdW\[")


def flipped(w: Array) -> Array:
    """Return weights (f_h, f_w, …) rotated by 180°, which is its own inverse."""
    return w[::-1, ::-1]


def told_as_convolution(shown: Explanation) -> Explanation:
    """Return an explanation whose kernels are flipped already as one of a convolution, with W before it."""
    kernel = np.array(shown.data["kernel"], np.float64)
    weights = kernel if kernel.ndim == 4 else kernel[None, None]
    turned = weights[:, :, ::-1, ::-1]
    whole = turned if kernel.ndim == 4 else turned[0, 0]
    title = shown.title.replace("(cross-correlation)", "(kernel flipped)")
    return replace(
        shown,
        title=title if title != shown.title else f"{title}, kernel flipped",
        steps=(
            _flip(weights, turned),
            *(step if AS_GIVEN in step.data else _named(step) for step in shown.steps),
        ),
        data={**shown.data, "op": "convolve", "kernel_flipped": exact(whole)},
        still=(0, *(number + 1 for number in shown.still)),
        settings=None,  # the scripts of pages correlate
    )


def _flip(weights: Array, turned: Array) -> Step:
    """Return the step that shows W and W′ (k, c, f_h, f_w)."""
    filters, channels = weights.shape[:2]
    rows: list[Row | str] = []
    for k in range(min(filters, SHOWN_FILTERS)):
        for c in range(min(channels, SHOWN_CHANNELS)):
            names = [f"filter {k + 1}"] * (filters > 1) + [f"channel {c + 1}"] * (channels > 1)
            which = "".join(f", {name}" for name in names)
            rows.append(
                (
                    Grid.of(weights[k, c], f"W{which}"),
                    Arrow("→", "rotated by 180°"),
                    Grid.of(turned[k, c], f"W′{which}", "kernel"),
                )
            )
    if filters > SHOWN_FILTERS or channels > SHOWN_CHANNELS:
        rows.append((Words(f"{filters} filters of {channels} channels; the first are shown"),))
    rows.append((Words("Convolution flips the kernel: it is W′ that is laid on the input and multiplied."),))
    return Step.of("The kernel, flipped", rows, {AS_GIVEN: True, "kernel_flipped": exact(turned)})


def _named(step: Step) -> Step:
    """Return a step in which the weights, and their gradient, are called W′ and dW′."""
    return Step(
        _WEIGHTS.sub(r"\1′", step.title),
        tuple(tuple(map(_element, row)) for row in step.rows),
        _data(step.data),
    )


def _element(element: Element) -> Element:
    match element:
        case Grid():
            caption = _WEIGHTS.sub(r"\1′", element.caption)
            if element.caption.startswith(("kernel", "the weight")):
                caption += ", flipped"
            return replace(element, caption=caption)
        case Formula():
            return replace(element, text=_CELL.sub("dW′[", element.text))
        case _:
            return element


def _data(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"dW_flipped" if key == "dW" else key: value for key, value in data.items()}
