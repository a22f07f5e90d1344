"""Backward through a pool: the mask, the gradient put back, ties, overlaps that add."""

from __future__ import annotations

from typing import Any

import numpy as np

from convcli.engine.batch import pool
from convcli.engine.workspace import Array
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Role, Row, Step, every, exact, planes
from convcli.explaining.notation import cell_name, number, place, quotient
from convcli.explaining.pooling import Pooling, pooled
from convcli.explaining.reading import read_gradient
from convcli.explaining.request import POOL, RUN, Request
from convcli.explaining.topics import topic
from convcli.wording import by

EXAMPLE = "1 3 3 1; 2 9 9 1; 1 3 2 8; 5 6 1 2"


@topic(
    "pooling-backward",
    "the mask of the maxima, the gradient put back; ties; overlaps that add",
    *("input", *POOL, "gradient", *RUN, "channel"),
)
def pooling_backward(ask: Request) -> Explanation:
    """Return a step for each window: where its gradient goes. Without `--gradient` dA is 1, 2, 3, …"""
    problem = pooled(ask, EXAMPLE, stride=1)
    da = _gradient(ask, problem)
    function = pool.max_pool2d_backward if problem.kind == "max" else pool.avg_pool2d_backward
    size, stride = problem.window.size, problem.window.stride
    dx = function(da[None], problem.x[None], size, stride, **problem.options)[0]
    channels = problem.channels
    steps: list[Step] = []
    for channel in channels:
        so_far = np.zeros(problem.x.shape[:2])
        steps += [_step(problem, da, so_far, channel, cell) for cell in problem.sliding.positions()]
    count = len(steps) // len(channels)
    return Explanation(
        topic="pooling-backward",
        title=f"Backward of {problem.kind} pooling {by(problem.window.size)}, "
        f"stride {by(problem.window.stride)}: dA {by(da.shape)} → dA_prev {by(dx.shape)}",
        steps=tuple(steps),
        data={**problem.document(), "dA": planes(da), "mask": _masks(problem), "dA_prev": planes(dx)},
        still=tuple(count * (n + 1) - 1 for n in range(min(len(channels), 3))),
        settings=problem.settings(
            gradient=planes(da) if ask.gradient is not None or problem.da is not None else None
        ),
    )


def _gradient(ask: Request, problem: Pooling) -> Array:
    shape = problem.y.shape
    if ask.gradient is not None:
        return read_gradient(ask.gradient, shape)
    if problem.da is not None:
        return problem.da
    return np.moveaxis(np.arange(1.0, problem.y.size + 1).reshape(shape[2], *shape[:2]), 0, 2)


def _masks(problem: Pooling) -> list[Any] | None:
    """Return how many maxima stand in each cell, channel by channel; a mean has no mask."""
    if problem.kind != "max":
        return None
    masks = np.zeros(problem.x.shape)
    for channel in range(problem.x.shape[2]):
        for position in problem.sliding.positions():
            masks[(*problem.within(problem.maximum(position, channel)), channel)] += 1
    return planes(masks)


def _step(problem: Pooling, da: Array, so_far: Array, channel: int, position: Cell) -> Step:
    """Add the share of one window to `so_far` and return the step that shows it."""
    under, counted = problem.sliding.under(position), problem.counted(position)
    gradient = float(da[(*position, channel)])
    mask = np.zeros(problem.window.size)
    chosen = [problem.maximum(position, channel)] if problem.kind == "max" else counted
    for cell in chosen:
        mask.ravel()[under.index(cell)] = 1 / len(chosen)
    padding = problem.sliding.padding_marks()
    chosen = [cell for cell in chosen if cell not in padding]
    targets = [problem.within(cell) for cell in chosen]
    before = [float(so_far[cell]) for cell in targets]
    for cell in targets:
        so_far[cell] += gradient * mask.max()
    marks: dict[Cell, Role] = dict.fromkeys(under, "window")
    targeted: dict[Cell, Role] = dict.fromkeys(chosen, "chosen")
    landed: dict[Cell, Role] = dict.fromkeys(targets, "result")
    row: Row = (
        problem.input_grid(channel, f"A_prev, channel {channel + 1}", {**marks, **targeted}),
        Arrow("→", problem.kind),
        Grid.of(mask, "mask", {c: "chosen" if mask[c] else "window" for c in every(mask)}),
        Arrow("·", "times"),
        Grid.of(da[:, :, channel], "dA", {position: "window"}),
        Arrow("→", "put back"),
        Grid.of(so_far, "dA_prev so far", {**_others(so_far), **landed}),
    )
    lines = _words(problem, channel, position, gradient, targets, before, so_far)
    data = {
        "channel": channel + 1,
        "position": list(position),
        "mask": exact(mask),
        "gradient": exact(gradient),
        "cells": [list(cell) for cell in targets],
        "dA_prev_so_far": exact(so_far),
    }
    title = f"Channel {channel + 1}: window at {place(position)}"
    return Step.of(title, (row, *lines), data)


def _others(so_far: Array) -> dict[Cell, Role]:
    return {cell: "done" for cell in every(so_far) if so_far[cell]}


def _words(
    problem: Pooling,
    channel: int,
    position: Cell,
    gradient: float,
    targets: list[Cell],
    before: list[float],
    so_far: Array,
) -> list[str]:
    """Return what happened, in formulas: the sum, and a tie where there was one."""
    name = cell_name("dA", position)
    if problem.kind == "mean":
        count = len(problem.counted(position))
        return [f"{name} / {count} = {quotient(gradient, count)} to each cell"]
    cell = targets[0]
    after = number(so_far[cell])
    sum_ = f"{number(before[0])} + {number(gradient)} = {after}" if before[0] else after
    lines = [
        f"{cell_name('dA_prev', cell)} = {sum_}" + (", where windows overlap they add" if before[0] else "")
    ]
    values = [problem.x[(*problem.within(under), channel)] for under in problem.counted(position)]
    if values.count(max(values)) > 1:
        lines.append(
            f"{values.count(max(values))} cells tie for {number(max(values))}: the first in row order gets it"
        )
    return lines
