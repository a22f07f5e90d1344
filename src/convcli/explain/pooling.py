"""Pooling: windows and their maxima or means, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convcli.engine.batch import pool
from convcli.engine.batch.pool import pool_window
from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError
from convcli.explain.elements import Arrow, Cell, Explanation, Grid, Role, Row, Step, exact, planes
from convcli.explain.notation import cell_name, number, place
from convcli.explain.sliding import Sliding, progress
from convcli.explain.topics import RUN, Request, chosen_index, topic
from convcli.shapes import Window
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
    """

    x: Array
    channels: range
    window: Window
    kind: str
    da: Array | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def sliding(self) -> Sliding:
        """The window on one channel."""
        return Sliding((self.x.shape[0], self.x.shape[1]), self.window)

    @property
    def y(self) -> Array:
        """The result as the engine computes it, (out_h, out_w, c)."""
        function = pool.max_pool2d if self.kind == "max" else pool.avg_pool2d
        return np.asarray(function(self.x[None], self.window.size, self.window.stride)[0])

    def maximum(self, position: Cell, channel: int) -> Cell:
        """Return the cell of a window's maximum, the first in row order where several tie."""
        under = self.sliding.under(position)
        values = [self.x[(*cell, channel)] for cell in under]
        return under[int(np.argmax(values))]

    def document(self) -> dict[str, Any]:
        """Return the inputs and options, exact."""
        return {
            **self.facts,
            "input": planes(self.x),
            "size": list(self.window.size),
            "stride": list(self.window.stride),
            "pool": self.kind,
            "output_shape": list(self.y.shape),
        }


def pooled(ask: Request, example: str, stride: int | None = None) -> Pooling:
    """Return the pool that a request describes."""
    if ask.pool is not None and ask.pool not in KINDS:
        raise UnknownNameError("pool", ask.pool, KINDS)
    if ask.model is not None:
        return _from_run(ask)
    x = ask.numbers(example).volume
    step = ask.stride if ask.stride is not None or ask.input is not None or ask.size is not None else stride
    window = pool_window(2 if ask.size is None else ask.size, step)
    window.output_shape((x.shape[0], x.shape[1]))
    channels = ask.shown_channels(x.shape[2])
    return Pooling(x, channels, window, ask.pool or "max")


def _from_run(ask: Request) -> Pooling:
    """Return the pool of a trained network; of its channels one (`--channel`)."""
    from convcli.explain.tensors import cropped, gradient_at, layer_of, pass_through, read_image
    from convcli.nn.layers import AvgPool, MaxPool

    assert ask.model is not None
    assert ask.image is not None
    number, layer = layer_of(ask.model, ask.layer, (MaxPool, AvgPool))
    passage = pass_through(ask.model, read_image(ask.model, ask.image, ask.max_pixels))
    x = cropped(passage.trace.input(number)[0], ask.crop, number).astype(np.float64)
    channel = chosen_index(ask.channel, x.shape[2], "--channel")
    own = layer.window(x.shape)
    assert own is not None
    window = pool_window(
        own.size if ask.size is None else ask.size, own.stride if ask.stride is None else ask.stride
    )
    kind = ask.pool or ("max" if isinstance(layer, MaxPool) else "mean")
    facts: dict[str, Any] = {"layer": number, "image": ask.image.name, "channel": channel + 1}
    da = None
    if window == own and ask.crop is None:
        da, name = gradient_at(passage, number)
        da, facts["loss_of_class"] = da[:, :, [channel]], name
    return Pooling(x[:, :, [channel]], range(1), window, kind, da, facts)


@topic(
    "pooling",
    "windows, maxima (or means), per channel",
    *("input", "size", "stride", "pool", *RUN, "channel"),
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
    )


def _step(problem: Pooling, channel: int, position: Cell) -> Step:
    sliding, y = problem.sliding, problem.y[:, :, channel]
    window = sliding.windows(problem.x)[position][:, :, channel]
    marks: dict[Cell, Role] = dict.fromkeys(sliding.under(position), "window")
    value = float(y[position])
    data: dict[str, Any] = {"channel": channel + 1, "position": list(position), "window": exact(window)}
    cells = window.ravel().tolist()
    if problem.kind == "max":
        where = problem.maximum(position, channel)
        marks[where] = "chosen"
        data["maximum_at"] = list(where)
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
        Grid.of(problem.x[:, :, channel], f"input, channel {channel + 1}", {**gone, **marks}),
        Arrow("→", problem.kind),
        Grid.of(window, "window", "window"),
        Arrow("→"),
        Grid.of(y, f"output, channel {channel + 1}", roles, known=known),
    )
    title = f"Channel {channel + 1}: {place(position)}"
    return Step.of(title, (row, f"{cell_name('out', position)} = {told}"), data)
