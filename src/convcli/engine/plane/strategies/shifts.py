"""Sums of shifted blocks, a whole block at a time: what a few taps need, along an axis or both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from convcli.engine.costs import costs
from convcli.engine.plane.strategy import Task
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair

Place: TypeAlias = tuple[int, int]
Taps: TypeAlias = tuple[tuple[float, tuple[tuple[int, Place], ...]], ...]

BAND = 2**16  # cells of rows that are added up at a time: a second-level cache holds them


def grouped(weights: Iterable[tuple[Place, float]]) -> Taps:
    """Return the non-zero weights as groups of the same size: their cells are added up and multiplied once.

    Each group is (weight, ((sign, place), …)); the first sign is positive.

    >>> grouped([((0, 0), -2.0), ((0, 1), 0.0), ((0, 2), 2.0)])
    ((2.0, ((1, (0, 2)), (-1, (0, 0)))),)
    """
    sizes: dict[float, list[tuple[int, Place]]] = {}
    for place, weight in weights:
        if weight:
            sizes.setdefault(abs(float(weight)), []).append((1 if weight > 0 else -1, place))
    groups = []
    for weight, members in sizes.items():
        members.sort(key=lambda member: -member[0])
        sign = members[0][0]
        groups.append((sign * weight, tuple((sign * own, place) for own, place in members)))
    return tuple(groups)


def passes(taps: Taps) -> int:
    """Return how many times `add_up` goes over a block.

    >>> passes(grouped([((0, 0), 1.0), ((0, 1), 2.0), ((0, 2), 1.0)]))
    3
    """
    count = 0
    for number, (weight, members) in enumerate(taps):
        if number:
            count += len(members) + (abs(weight) != 1)
        else:
            count += max(len(members) - 1 + (weight != 1), 1)
    return max(count, 1)


def cost(taps: Taps, task: Task) -> float:
    """Return what the sum of `taps` costs for each result."""
    return passes(taps) * (costs().add if task.window.stride == (1, 1) else costs().add_apart)


def add_up(taps: Taps, view: Callable[[Place], Array], out: Array, part: Array) -> None:
    """Put the weighted sum of the views into `out`, whole blocks at a time, in place; `part` is scratch."""
    if not taps:
        out[...] = 0
    for number, (weight, members) in enumerate(taps):
        if number and abs(weight) == 1:
            for sign, place in members:
                (np.add if sign * weight > 0 else np.subtract)(out, view(place), out=out)
            continue
        target = part if number else out
        if len(members) == 1:
            if weight == 1:
                np.copyto(target, view(members[0][1]))
            else:
                np.multiply(view(members[0][1]), weight, out=target)
        else:
            (_, first), (sign, second), *others = members
            (np.add if sign > 0 else np.subtract)(view(first), view(second), out=target)
            for sign, place in others:
                (np.add if sign > 0 else np.subtract)(target, view(place), out=target)
            if weight != 1:
                np.multiply(target, weight, out=target)
        if number:
            np.add(out, target, out=out)


def shifted_sum(
    taps: Taps, distances: Pair, strides: Pair, lines: Array, out: Array, workspace: Workspace
) -> None:
    """Put the sum of `lines`, moved by each tap's place times `distances`, at every stride-th place.

    At stride 1 rows are taken end to end, as one line: what a moved line's end holds of the next row lies
    right of `out` and is dropped. A ufunc over one line is faster by far than one over many short rows, which
    NumPy's iterator copies through its buffer.
    """
    (rows, columns), pitch, (down, across) = out.shape, lines.shape[1], distances
    if strides == (1, 1):
        flat, band = lines.reshape(-1), max(BAND // pitch, 1)
        for first in range(0, rows, band):
            some = out[first : first + band]
            length = (len(some) - 1) * pitch + columns
            total = workspace.array("total", (len(some) * pitch,), out.dtype)
            part = workspace.array("part", (length,), out.dtype)

            def line(place: Place, first: int = first, length: int = length) -> Array:
                start = (first + place[0] * down) * pitch + place[1] * across
                return flat[start : start + length]

            add_up(taps, line, total[:length], part)
            np.copyto(some, total.reshape(len(some), pitch)[:, :columns])
        return
    s_h, s_w = strides

    def thinned(place: Place) -> Array:
        i, j = place[0] * down, place[1] * across
        return lines[i : i + (rows - 1) * s_h + 1 : s_h, j : j + (columns - 1) * s_w + 1 : s_w]

    add_up(taps, thinned, out, workspace.array("part", out.shape, out.dtype))
