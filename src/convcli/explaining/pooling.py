"""Pooling: windows and their maxima or means, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from convcli.engine.batch import pool
from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError, UsageError
from convcli.explaining.elements import (
    NO_PADDING,
    Arrow,
    Cell,
    Explanation,
    Grid,
    Role,
    Row,
    Step,
    every,
    exact,
    planes,
    shade_of,
    tints,
)
from convcli.explaining.notation import cell_name, number, place
from convcli.explaining.request import POOL, RUN, Request, chosen_index, the_only
from convcli.explaining.sliding import Sliding, progress
from convcli.explaining.topics import topic
from convcli.shapes import Padding, Pair
from convcli.shapes.pooling import PoolWindow
from convcli.wording import by

KINDS = ("max", "mean")

EXAMPLE = "1 3 2 1; 2 9 1 1; 1 3 2 3; 5 6 1 2 | 4 4 0 1; 2 4 3 5; 0 0 7 7; 1 0 7 2"


@dataclass(frozen=True, eq=False)
class Pooling:
    """A pool and what goes into it, in float64.

    Attributes
    ----------
    x
        (h, w, c).
    channels
        Which of them are shown.
    da
        The gradient that comes back, if it is known.
    count_include_pad
        Whether a mean counts padding as zeros.
    padding
        As it was asked for: a name stands for what it adds to any window.
    is_photo
        Whether the numbers are pixels of an image, from 0 to 255.
    """

    x: Array
    channels: range
    window: PoolWindow
    kind: str
    da: Array | None = None
    count_include_pad: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    padding: Padding = 0
    is_photo: bool = False

    @property
    def plane(self) -> Pair:
        """Rows and columns of a channel."""
        return self.x.shape[0], self.x.shape[1]

    @cached_property
    def sliding(self) -> Sliding:
        """The window on one channel, around which there is as much as the last window hangs over."""
        (top, bottom), (left, right) = self.window.padding
        below, beside = (max(0, -unused) for unused in self.window.remainder(self.plane))
        padding = (top, bottom + below), (left, right + beside)
        return Sliding(self.plane, replace(self.window, padding=padding, ceil_mode=False))

    @property
    def options(self) -> dict[str, Any]:
        """What the engine is told beside the window's size and stride."""
        window = self.window
        options = {"padding": window.padding, "dilation": window.dilation, "ceil_mode": window.ceil_mode}
        return options if self.kind == "max" else {**options, "count_include_pad": self.count_include_pad}

    @cached_property
    def y(self) -> Array:
        """The result as the engine computes it, (out_h, out_w, c)."""
        function = pool.max_pool2d if self.kind == "max" else pool.avg_pool2d
        return np.asarray(function(self.x[None], self.window.size, self.window.stride, **self.options)[0])

    @property
    def origin(self) -> Cell:
        """Where on the padded plane the input begins."""
        (top, _), (left, _) = self.window.padding
        return top, left

    def counts(self, cell: Cell) -> bool:
        """Return whether a cell of the padded plane is one that a window takes a maximum or a mean of."""
        zeros = self.kind == "mean" and self.count_include_pad
        return all(
            -before * zeros <= at - before < n + after * zeros
            for at, n, (before, after) in zip(cell, self.plane, self.window.padding, strict=True)
        )

    def counted(self, position: Cell) -> list[Cell]:
        """Return the cells of the padded plane that count under the window, in row order."""
        return [cell for cell in self.sliding.under(position) if self.counts(cell)]

    def maximum(self, position: Cell, channel: int) -> Cell:
        """Return the cell of a window's maximum on the padded plane, the first where several tie."""
        padded = self.sliding.padded(self.x)
        return max(self.counted(position), key=lambda cell: padded[(*cell, channel)])

    def within(self, cell: Cell) -> Cell:
        """Return a cell of the padded plane as one of the input."""
        return cell[0] - self.origin[0], cell[1] - self.origin[1]

    def input_grid(self, channel: int, caption: str, marks: Mapping[Cell, Role]) -> Grid:
        """Return a channel with its padding, in which only what may count is shown."""
        padded = self.sliding.padded(self.x)[:, :, channel]
        known = filter(self.counts, every(padded))
        count = self.x.shape[2]
        colours = tints(count)
        return Grid.of(
            padded,
            caption,
            {**self.sliding.padding_marks(), **marks},
            known=known,
            tint=colours[channel] if colours and not self.is_photo else None,
            shade=shade_of(channel, count) if self.is_photo else "",
            margin=self.sliding.window.padding if self.is_photo else NO_PADDING,
        )

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what a reader may change on a page, and `more` of it, exact."""
        window, named = self.window, self.padding in ("same", "full")
        return {
            "input": planes(self.x),
            "size": list(window.size),
            "stride": list(window.stride),
            "padding": self.padding if named else [list(side) for side in window.padding],
            "dilation": list(window.dilation),
            "ceil_mode": window.ceil_mode,
            "pool": self.kind,
            "count_include_pad": self.count_include_pad,
            "channel": the_only(self.channels, self.x.shape[2]),
            "pixels": self.is_photo,
            **more,
        }

    def document(self) -> dict[str, Any]:
        """Return the inputs and options, exact."""
        return {
            **self.facts,
            "input": planes(self.x),
            "size": list(self.window.size),
            "stride": list(self.window.stride),
            **self.options,
            "pool": self.kind,
            "output_shape": list(self.y.shape),
        }


def pooled(ask: Request, example: str, stride: int | None = None) -> Pooling:
    """Return the pool that a request describes."""
    if ask.pool is not None and ask.pool not in KINDS:
        raise UnknownNameError("pool", ask.pool, KINDS)
    if ask.model is not None:
        return _from_run(ask)
    source = ask.numbers(example)
    x = source.volume
    step = ask.stride if ask.stride is not None or ask.input is not None or ask.size is not None else stride
    window = _asked(ask, PoolWindow.of(2 if ask.size is None else ask.size, stride=step))
    window.output_shape((x.shape[0], x.shape[1]))
    channels = ask.shown_channels(x.shape[2])
    return Pooling(
        x,
        channels,
        window,
        ask.pool or "max",
        count_include_pad=ask.count_include_pad is not False,
        padding=ask.padding or 0,
        is_photo=source.photo is not None,
    )


def _asked(ask: Request, own: PoolWindow) -> PoolWindow:
    """Return a window with what a request says otherwise."""
    return PoolWindow.of(
        own.size if ask.size is None else ask.size,
        stride=own.stride if ask.stride is None else ask.stride,
        padding=own.padding if ask.padding is None else ask.padding,
        dilation=own.dilation if ask.dilation is None else ask.dilation,
        ceil_mode=own.ceil_mode if ask.ceil_mode is None else ask.ceil_mode,
    )


def _from_run(ask: Request) -> Pooling:
    """Return the pool of a trained network; of its channels one (`--channel`)."""
    from convcli.explaining.tensors import cropped, gradient_at, layer_of, pass_through, read_image
    from convcli.nn.layers import (
        AdaptiveAvgPool,
        AdaptiveMaxPool,
        AvgPool,
        GlobalAvgPool,
        GlobalMaxPool,
        MaxPool,
    )

    maxima, means = (MaxPool, AdaptiveMaxPool, GlobalMaxPool), (AvgPool, AdaptiveAvgPool, GlobalAvgPool)
    assert ask.model is not None
    assert ask.image is not None
    number, layer = layer_of(ask.model, ask.layer, (*maxima, *means))
    passage = pass_through(ask.model, read_image(ask.model, ask.image, ask.max_pixels))
    whole = passage.trace.input(number)[0]
    x = cropped(whole, ask.crop, number).astype(np.float64)
    channel = chosen_index(ask.channel, x.shape[2], "--channel")
    own = layer.window(whole.shape)
    if not isinstance(own, PoolWindow):
        told = f"Layer {number} ({layer.name()}) shares {by(whole.shape[:2])} cells among windows that differ"
        raise UsageError(f"{told} in size, and one size is shown: name another with --layer.")
    window = _asked(ask, own)
    kind = ask.pool or ("max" if isinstance(layer, maxima) else "mean")
    facts: dict[str, Any] = {"layer": number, "image": ask.image.name, "channel": channel + 1}
    da = None
    if window == own and ask.crop is None:
        da, name = gradient_at(passage, number)
        da, facts["loss_of_class"] = da.reshape(*own.output_shape((x.shape[0], x.shape[1])), -1), name
        da = da[:, :, [channel]]
    counted = layer.counts_padding if isinstance(layer, AvgPool) else True
    counted = counted if ask.count_include_pad is None else ask.count_include_pad
    return Pooling(x[:, :, [channel]], range(1), window, kind, da, counted, facts)


@topic(
    "pooling",
    "windows, maxima (or means), per channel",
    *("input", *POOL, *RUN, "channel"),
)
def pooling(ask: Request) -> Explanation:
    """Return a step for each window of each channel."""
    problem = pooled(ask, EXAMPLE)
    channels = problem.channels
    positions = list(problem.sliding.positions())
    steps = tuple(_step(problem, c, position) for c in channels for position in positions)
    return Explanation(
        topic="pooling",
        title=f"{problem.kind.capitalize()} pooling {by(problem.window.size)}, "
        f"stride {by(problem.window.stride)}: {by(problem.x.shape)} → {by(problem.y.shape)}",
        steps=steps,
        data={**problem.document(), "output": planes(problem.y)},
        still=tuple(len(positions) * (n + 1) - 1 for n in range(min(len(channels), 3))),
        settings=problem.settings(),
    )


def _step(problem: Pooling, channel: int, position: Cell) -> Step:
    sliding, y = problem.sliding, problem.y[:, :, channel]
    window = sliding.windows(problem.x)[position][:, :, channel]
    under, counted = sliding.under(position), problem.counted(position)
    marks: dict[Cell, Role] = dict.fromkeys(under, "window")
    value = float(y[position])
    shown = [at for at, cell in zip(every(window), under, strict=True) if cell in counted]
    grid = Grid.of(window, "window", "window", known=shown)
    data: dict[str, Any] = {
        "channel": channel + 1,
        "position": list(position),
        "window": [list(row) for row in grid.cells],
    }
    cells = [float(window[at]) for at in shown]
    if problem.kind == "max":
        where = problem.maximum(position, channel)
        marks[where] = "chosen"
        data["maximum_at"] = list(problem.within(where))
        ties = cells.count(value)
        told = f"max({', '.join(map(number, cells))}) = {number(value)}"
        told += f", the first of {ties} that tie" if ties > 1 else ""
    else:
        told = f"({' + '.join(map(number, cells))}) / {len(cells)} = {number(value)}"
    data["output"] = exact(value)
    known, roles = progress(position, sliding.output[1])
    unused = np.argwhere(sliding.uses() == 0)
    gone: dict[Cell, Role] = {(int(i), int(j)): "unused" for i, j in unused}
    row: Row = (
        problem.input_grid(channel, f"input, channel {channel + 1}", {**gone, **marks}),
        Arrow("→", problem.kind),
        grid,
        Arrow("→"),
        Grid.of(y, f"output, channel {channel + 1}", roles, known=known),
    )
    title = f"Channel {channel + 1}: {place(position)}"
    return Step.of(title, (row, f"{cell_name('out', position)} = {told}"), data)
