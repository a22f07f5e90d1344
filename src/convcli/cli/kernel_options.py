"""The kernels that a command line names, each changed as options say, and what their results are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from convcli.cli.options import parse_pair
from convcli.cli.output import note
from convcli.errors import KernelError, UsageError
from convcli.wording import shortened

if TYPE_CHECKING:
    from convcli.kernels import Kernel

Scale: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scale",
        metavar="S",
        help="Multiply the weights, after --normalize: 0.5, or 1/256 for integer weights with a divisor.",
    ),
]
Normalize: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--normalize",
        help="Divide the weights to a sum of 1; those that sum to 0 to an absolute sum of 1, each part of a "
        "gradient by itself.",
    ),
]

Kernels: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--kernel",
        "-k",
        metavar="K",
        help="A name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1'), @FILE "
        "(.csv, .tsv, .txt, .json, .npy), or a trained network's: run:RUN#LAYER/FILTER[/CHANNEL], "
        "from 1. `convcli kernels` lists the names. Given several times, each makes a result of its own.",
    ),
]

Anchor: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ROW,COLUMN",
        help="Which of the kernel's cells, from 0, lies on the pixel, with --padding same. Without it "
        "the middle, and of even sizes the cell before it, as PyTorch and MATLAB have it; for 2x2 "
        "that is 0,0, where OpenCV and SciPy take 1,1.",
    ),
]

Gradient: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="magnitude|x|y|angle|hsv",
        help="What is wanted of a gradient (sobel, prewitt, scharr, roberts, …): its size; a part, "
        "signed; its direction, 0 to the right and a quarter turn downward, a turn from black to white "
        "(--range raw: radians); or that as hue, the size as value.",
    ),
]


def chosen_kernels(
    texts: Sequence[str],
    *,
    scale: str | None,
    normalize: bool,
    anchor: str | None = None,
    gradient: str = "magnitude",
) -> dict[str, Kernel]:
    """Return the kernels that are named, by what their results are called.

    That is the kernel's name; where several have it, with its parameters behind it, or else counted.
    """
    from convcli import kernels
    from convcli.runs.kernels import parse

    if double := [text for text, count in Counter(texts).items() if count > 1]:
        raise UsageError(f"--kernel {shortened(double[0])} is given twice; each kernel makes one result.")
    factor = 1.0 if scale is None else kernels.number(scale, "--scale")
    try:
        changed = [
            kernels.adjusted(parse(text, tell=note), scale=factor, normalize=normalize) for text in texts
        ]
    except KernelError as error:
        raise KernelError(str(error).replace("scale:", "--scale:", 1)) from error
    if gradient != "magnitude":
        changed = [kernels.gradient(kernel, gradient) for kernel in changed]
    if anchor is not None:
        from convcli.engine.plane.plan import checked_anchor

        place = _parsed_anchor(anchor)
        changed = [replace(kernel, anchor=checked_anchor(place, kernel.shape)) for kernel in changed]
    return dict(zip(_labels(changed), changed, strict=True))


def _parsed_anchor(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"\s*\d+\s*,\s*\d+\s*", text):
        raise UsageError(
            f"--anchor: expected ROW,COLUMN of a cell, from 0, such as 1,1, not {shortened(text)!r}."
        )
    return parse_pair(text, "--anchor")


def _labels(kernels: Sequence[Kernel]) -> list[str]:
    names = [kernel.name for kernel in kernels]
    labels = [
        name
        if names.count(name) == 1
        else "-".join([name, *(f"{key}={value:g}" for key, value in kernel.parameters.items())])
        for name, kernel in zip(names, kernels, strict=True)
    ]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{label}-{n}" if labels.count(label) > 1 else label for n, label in enumerate(labels, 1)]
