"""Rows of steps as layers: what belongs together becomes one, and what is left over is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.interchange.onnx.reading.functions import recognised
from convcli.interchange.onnx.reading.graph import neat
from convcli.interchange.onnx.reading.nesting import Fork, Row
from convcli.interchange.onnx.reading.nodes.windows import short_padding
from convcli.interchange.onnx.reading.steps import Affine, Border, Formula, LogSoftmax, Ours, Step
from convcli.nn.layer import LAYERS
from convcli.nn.layers.scaling import LARGEST_FACTOR, LEAST_FACTOR
from convcli.shapes import Sides, Window

ENDING = ("conv", "dense", "transposed_conv", "residual")  # with an activation of their own
SCALED = ("conv", "dense", "transposed_conv", "batch_norm", "group_norm", "layer_norm")


class Rows:
    """What becomes of rows.

    Attributes
    ----------
    problems
        What no layer can express, a line each.
    notes
        What became another thing than it was.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []

    def joined(self, row: Row) -> list[Step]:
        """Return a row with all that belongs together as one step; of those with branches a layer."""
        done: list[Step] = []
        for item in recognised(row):
            self.add(done, self._branched(item) if isinstance(item, Fork) else item)
        return done

    def layers(self, row: Iterable[Step]) -> list[Ours]:
        """Return joined steps as layers; of what is none as it stands, something that does the same."""
        return [layer for step in row if (layer := self._alone(step)) is not None]

    # One after the other.

    def add(self, done: list[Step], step: Step) -> None:
        """Add a step to a row, or take it into the last one there."""
        before, does = done[-1] if done else None, step.does
        if before is None:
            done.append(step)
        elif isinstance(does, Affine):
            self._add_affine(done, before, step, does)
        elif (
            isinstance(does, Ours)
            and isinstance(before.does, Border)
            and does.type in ("conv", "max_pool", "avg_pool")
        ):
            self._add_bordered(done, before.does, step, does)
        elif isinstance(does, Ours) and does.type == "activation":
            self._add_activation(done, before, step, does)
        elif isinstance(does, Ours) and does.type == "flatten":
            self._add_flatten(done, before, step)
        else:
            done.append(step)

    def _add_affine(self, done: list[Step], before: Step, step: Step, does: Affine) -> None:
        if isinstance(before.does, Affine):
            both = Affine(before.does.scale * does.scale, before.does.shift * does.scale + does.shift)
            done[-1] = replace(step, does=both)
        elif isinstance(before.does, Ours) and _is_linear(before.does):
            done[-1] = replace(before, does=_scaled(before.does, does, before.output[-1]))
        else:
            done.append(step)

    def _add_activation(self, done: list[Step], before: Step, step: Step, does: Ours) -> None:
        function, layer = does.table["function"], before.does
        if (
            function != "softmax"
            and isinstance(layer, Ours)
            and layer.type in ENDING
            and "activation" not in layer.table
        ):
            done[-1] = replace(before, does=Ours({**layer.table, "activation": function}, layer.weights))
        else:
            done.append(step)

    def _add_flatten(self, done: list[Step], before: Step, step: Step) -> None:
        """Add a flatten; where there is one cell, before what is done to it, so that a pool makes it."""
        does, features = before.does, step.shape[-1]
        if step.shape[:2] != (1, 1):
            done.append(step)
        elif isinstance(does, Ours) and does.type in ("adaptive_avg_pool", "adaptive_max_pool"):
            kind = does.type.replace("adaptive", "global")
            done[-1] = replace(before, does=Ours({"type": kind}), output=(features,))
        elif isinstance(does, Affine | LogSoftmax | Formula) or (
            (isinstance(does, Ours) and does.type in ("activation", "batch_norm")) or _plain_dropout(does)
        ):
            done.pop()
            self.add(done, replace(step, shape=before.shape))
            self.add(done, replace(before, shape=(features,), output=(features,)))
        else:
            done.append(step)

    def _add_bordered(self, done: list[Step], border: Border, step: Step, does: Ours) -> None:
        """Add what slides a window over a plane with a border: it is its padding, where that is the same."""
        table = dict(does.table)
        window = LAYERS[does.type].model_validate(table).window(step.shape)
        assert window is not None
        inner, none = window.padding, ((0, 0), (0, 0))
        conv, largest = does.type == "conv", does.type == "max_pool"
        silent = border.value <= -3e38 or (border.value <= 0 and _never_negative(done[:-1]))
        fits = (
            (conv and border.value == 0)
            or (largest and silent and inner == none)
            or (does.type == "avg_pool" and border.value == 0 and inner == none and not window.ceil_mode)
        )
        if not fits or not _padded(does, _sum(inner, border.sides)):
            return done.append(step)
        padding = short_padding(_sum(inner, border.sides))
        table.pop("count_include_pad", None)
        done[-1] = replace(step, does=Ours({**table, "padding": padding}, does.weights), shape=done[-1].shape)
        return None

    # Branches.

    def _branched(self, fork: Fork) -> Step:
        """Return a step whose layer holds the branches."""
        step, how = fork.step, fork.step.does.how  # type: ignore[union-attr]
        branches = [self.layers(self.joined(branch)) for branch in fork.branches]
        if how == "multiply":
            self.problems.append(f"{step.node}: it multiplies two values that both depend on the image.")
        passing = [branch for branch in branches if not branch]
        if how == "add" and len(branches) == 2 and len(passing) == 1:
            (inner,) = (branch for branch in branches if branch)
            tables, weights = numbered(inner)
            made = Ours({"type": "residual", "layers": tables}, weights)
        else:
            identity = Ours({"type": "activation", "function": "none"})
            made = _parallel([branch or [identity] for branch in branches], how)
        return replace(step, does=made, inputs=(0,))

    # What is left over.

    def _alone(self, step: Step) -> Ours | None:
        does = step.does
        if isinstance(does, Ours):
            return does
        if isinstance(does, Affine):
            return self._own_layer(step, does)
        why = {
            Border: "a border that no window behind it takes as its padding",
            Formula: "no activation here is this function",
            LogSoftmax: "a log-softmax within a network",
        }.get(type(does), "no layer does this")
        self.problems.append(f"{step.node}: {why}.")
        return None

    def _own_layer(self, step: Step, does: Affine) -> Ours | None:
        """Return a layer that multiplies and adds."""
        channels = step.shape[-1]
        scale, shift = (np.broadcast_to(part, (channels,)) for part in (does.scale, does.shift))
        factor = float(scale[0])
        if not shift.any() and (scale == factor).all():
            if factor == 1:
                return None
            if LEAST_FACTOR <= abs(factor) <= LARGEST_FACTOR:
                return Ours({"type": "scale", "factor": neat(factor)})
        if len(step.shape) == 3:
            self.notes.append(
                f"{step.node}: a factor and a term for each channel, as a depthwise 1×1 convolution"
            )
            table = {"type": "conv", "filters": channels, "kernel": 1, "groups": channels}
            return Ours(table, {"W": scale.reshape(1, 1, 1, -1), "b": shift})
        self.notes.append(f"{step.node}: a factor and a term for each number, as a batch_norm")
        figures = {"gamma": scale, "beta": shift, "mean": np.zeros(channels), "variance": np.ones(channels)}
        return Ours({"type": "batch_norm", "epsilon": 1e-30}, figures)


def numbered(layers: Sequence[Ours]) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Return the tables of layers in a row, and their weights by the names that they have there."""
    weights = {
        f"{number}.{name}": array
        for number, layer in enumerate(layers, 1)
        for name, array in layer.weights.items()
    }
    return [layer.table for layer in layers], weights


def _parallel(branches: Sequence[Sequence[Ours]], how: str) -> Ours:
    tables, weights = [], dict[str, Array]()
    for number, branch in enumerate(branches, 1):
        if len(branch) == 1:
            tables.append(branch[0].table)
            weights |= {f"{number}.{name}": array for name, array in branch[0].weights.items()}
        else:
            inner, arrays = numbered(branch)
            tables.append({"layers": inner})
            weights |= {f"{number}.{name}": array for name, array in arrays.items()}
    combine = {} if how == "concatenate" else {"combine": "add"}
    return Ours({"type": "parallel", **combine, "branches": tables}, weights)


def _is_linear(layer: Ours) -> bool:
    """Whether a factor and a term for each channel may go into the weights."""
    return layer.type in SCALED and "activation" not in layer.table and layer.table.get("over") != "sample"


def _scaled(layer: Ours, by: Affine, channels: int) -> Ours:
    scale, shift = (np.broadcast_to(part, (channels,)) for part in (by.scale, by.shift))
    table, weights = dict(layer.table), dict(layer.weights)
    if "gamma" in weights:
        return Ours(
            table, {**weights, "gamma": weights["gamma"] * scale, "beta": weights["beta"] * scale + shift}
        )
    kernels = weights["W"]
    if layer.type == "transposed_conv":  # (f_h, f_w, c_out / groups, c_in), of which each input has its group
        groups = table.get("groups", 1)
        each = np.repeat(scale.reshape(groups, -1), kernels.shape[3] // groups, axis=0)
        weights["W"] = kernels * each.T
    else:
        weights["W"] = kernels * scale
    if "b" in weights or shift.any():
        table.pop("bias", None)
        weights["b"] = weights.get("b", np.zeros(channels)) * scale + shift
    return Ours(table, weights)


def _plain_dropout(does: object) -> bool:
    return isinstance(does, Ours) and does.type == "dropout" and not does.table.get("spatial")


def _never_negative(row: Sequence[Step]) -> bool:
    """Whether what comes out of a row is at least 0, as its last activation tells."""
    for step in reversed(row):
        if not isinstance(step.does, Ours):
            return False
        table = step.does.table
        if step.does.type in ("max_pool", "avg_pool", "dropout", "channel_shuffle"):
            continue
        function = table.get("function", table.get("activation", "none"))
        return function in ("relu", "sigmoid", "softmax") or (
            isinstance(function, dict) and function["type"] == "clip" and function.get("low", 0) >= 0
        )
    return False


def _sum(one: Sides, other: Sides) -> Sides:
    (top, bottom), (left, right) = ((a[0] + b[0], a[1] + b[1]) for a, b in zip(one, other, strict=True))
    return (top, bottom), (left, right)


def _padded(layer: Ours, sides: Sides) -> bool:
    """Whether the layer may have such a padding: of a pool no window may hold padding alone."""
    if layer.type == "conv":
        return True
    window = Window.of(_pair(layer.table["size"]), dilation=_pair(layer.table.get("dilation", 1)))
    return all(max(side) < span for side, span in zip(sides, window.span, strict=True))


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
