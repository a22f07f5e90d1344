"""Kernels as pages: the list of all, and one kernel's weights in aligned columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from convcli.kernels import KERNELS, Kernel, shape_of
from convcli.kernels.weights import Weights

SHOWN = 13
"""Rows and columns of weights that are shown; of larger kernels the outer ones."""

_RESULTS = {
    "magnitude": "root of the sum of the parts' squares",
    "maximum": "strongest of the parts",
    "volume": "sum of the parts, each on a channel of the image",
}


def list_document() -> list[dict[str, Any]]:
    """Return all kernels for JSON."""
    return [
        {
            "name": name,
            "group": definition.group,
            "summary": definition.summary,
            "parameters": definition.defaults,
            "shape": list(shape_of(name)),
            "source": definition.source,
        }
        for name, definition in KERNELS.items()
    ]


def list_text() -> str:
    """Return all kernels in their groups: name, parameters with their defaults, what it does."""
    calls = {name: call(name, definition.defaults) for name, definition in KERNELS.items()}
    width = max(map(len, calls.values()))
    groups: dict[str, list[str]] = {}
    for name, definition in KERNELS.items():
        line = f"  {calls[name]:<{width}}  {definition.summary}"
        groups.setdefault(definition.group, [definition.group]).append(line)
    last = "`convcli kernels NAME` shows one. Kernels are laid on unflipped (correlation)."
    return "\n\n".join(["\n".join(lines) for lines in groups.values()] + [last])


def kernel_document(kernel: Kernel) -> dict[str, Any]:
    """Return one kernel for JSON, weights in full; `@file.json` reads it back."""
    parts = [_Rows(part) for part in kernel.parts]
    return {
        "name": kernel.name,
        "parameters": dict(kernel.parameters),
        "scale": kernel.scale,
        "normalized": kernel.normalized,
        "shape": list(kernel.shape),
        "anchor": None if kernel.anchor is None else list(kernel.anchor),
        "combine": kernel.combine,
        "weights": parts[0] if len(parts) == 1 else parts,
        "sum": sum_document(kernel),
        "sums_to_zero": kernel.sums_to_zero,
        "op": "correlate",
        "source": kernel.source,
    }


class _Rows(list[list[float]]):
    """A matrix as JSON's lists, made row by row: all at once they take ten times the memory."""

    def __init__(self, weights: Weights) -> None:
        super().__init__([[]])  # an empty list would be written as []
        self.weights = weights

    def __iter__(self) -> Iterator[list[float]]:
        return (row.tolist() for row in self.weights)


def sum_document(kernel: Kernel) -> float | list[float]:
    """Return the sum of a kernel's weights, or that of each part."""
    return kernel.sums[0] if len(kernel.sums) == 1 else list(kernel.sums)


def sum_words(kernel: Kernel) -> str:
    """Return `sum 1`, or of parts with different sums `sums 1, 2`.

    >>> sum_words(Kernel("custom", (np.array([[1.0, 2.0]]),)))
    'sum 3'
    """
    sums = list(dict.fromkeys(f"{total:z.6g}" for total in kernel.sums))
    return (
        f"sum {sums[0]}" if len(sums) == 1 else f"sums {', '.join(f'{total:z.6g}' for total in kernel.sums)}"
    )


def kernel_text(kernel: Kernel) -> str:
    """Return one kernel as a page: each part's weights, and what there is to know."""
    rows, columns = kernel.shape
    lines = [f"{call(kernel.name, kernel.parameters)}  {rows} × {columns}"]
    for part in kernel.parts:
        lines += ["", *table(part), f"sum {round(float(part.sum()), 9):zg}"]
    lines += ["", "op      correlate: laid on as shown; --op convolve turns it by 180° first"]
    if kernel.combine in _RESULTS:
        lines.append(f"result  {_RESULTS[kernel.combine]}")
    if kernel.sums_to_zero:
        lines.append("range   sums to zero: a flat area gives 0")
    return "\n".join([*lines, f"source  {kernel.source}"])


def call(name: str, parameters: Mapping[str, float | None]) -> str:
    """Return a name as it is written with its parameters; one that follows from the others is left out."""
    given = ",".join(
        f"{key}={value:g}" if float(f"{value:g}") == value else f"{key}={value!r}"
        for key, value in parameters.items()
        if value is not None
    )
    return f"{name}:{given}" if given else name


def table(weights: Weights, digits: int = 4) -> list[str]:
    """Return the weights in aligned columns; of a large kernel the outer rows and columns.

    The largest weight is shown with so many digits, unless all are whole.
    """
    rows, columns = _shown(weights.shape[0]), _shown(weights.shape[1])
    decimals = _decimals(weights, digits)
    cells = [
        ["…" if i is None or j is None else f"{weights[i, j]:z.{decimals}f}" for j in columns] for i in rows
    ]
    width = max(len(cell) for row in cells for cell in row)
    return ["  ".join(f"{cell:>{width}}" for cell in row) for row in cells]


def _shown(count: int) -> list[int | None]:
    """Return which of `count` rows or columns are shown; None stands for those left out."""
    if count <= SHOWN:
        return list(range(count))
    half = SHOWN // 2
    return [*range(half), None, *range(count - half, count)]


def _decimals(weights: Weights, digits: int) -> int:
    """Return how many decimals show the largest weight with so many digits; none if all weights are whole."""
    if all((row == np.trunc(row)).all() for row in weights):
        return 0
    largest = max(float(weights.max()), -float(weights.min()))
    return min(max(0, digits - 1 - math.floor(math.log10(largest))), 12)
