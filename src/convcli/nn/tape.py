"""What a layer is handed beside its input: its weights and a tape, both of them trees as layers are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np

from convcli.engine.workspace import Array, Workspace

Tree = TypeVar("Tree", "Weights", "Tape")
LayerNumber: TypeAlias = int | str
"""3, or "3.1" for the first layer in the third."""


class Weights(dict[str, Array]):
    """The arrays of a layer by name; `inner` are those of the layers in it, in their order."""

    def __init__(self, own: Mapping[str, Array] | None = None, inner: Iterable[Weights] = ()) -> None:
        super().__init__(own or {})
        self.inner = tuple(inner)

    @property
    def some(self) -> bool:
        """Whether there is an array, here or in a layer within."""
        return bool(self) or any(weights.some for weights in self.inner)

    def at(self, number: LayerNumber) -> Weights:
        """Return those of a layer in it."""
        return _within(self, number)


class Computation(Protocol):
    """What a container calls: a layer, or neighbours computed as one. Arguments and results as in `Layer`."""

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array: ...
    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array: ...


def _alone(sums: Array) -> Array:
    """Return what a batch in one piece exchanges."""
    return sums[None]


@dataclass
class Pass:
    """What a pass through a network is, for all of its layers. Whoever sends a batch through says so.

    Attributes
    ----------
    training
        Whether dropout drops and batch normalisation uses the batch's own figures.
    rng
        Source of the random numbers, which layers take in their order; set where `training` is.
    fresh
        Whether no gradient of weights has been added yet, so that what stands there is to be overwritten.
    forward_only
        Whether no backward pass follows, so that what only it needs may be left out.
    over_batch
        Exchanges what is summed over a whole batch: a layer gives what its piece adds, a float64 array, and
        gets that of all pieces, in their order, (pieces, ...), to use at once. Every piece comes there.
    batch
        How many samples the batch has that this is a piece of; 0 if it is one itself.
    groups
        How many samples each group in the piece has, where layers take groups (`Layer.grouped`).
    records
        Whether tapes keep what goes into each layer and comes out; neighbours are then computed one by one.
    scratch
        Arrays that any layer may overwrite; one for each thread.
    """

    training: bool = False
    rng: np.random.Generator | None = None
    fresh: bool = False
    forward_only: bool = False
    over_batch: Callable[[Array], Array] = _alone
    batch: int = 0
    groups: tuple[int, ...] = ()
    records: bool = False
    scratch: Workspace = field(default_factory=Workspace)

    @property
    def folds(self) -> bool:
        """Whether layers that are but a factor while predicting may be in the weights of others."""
        return self.forward_only and not self.training and not self.records


@dataclass
class Tape:
    """What one layer keeps from its forward pass for its backward pass, on one piece of a batch.

    Attributes
    ----------
    current
        The pass that it is of.
    gradients
        Where `backward` adds the gradients of the weights, by their names.
    input_gradient
        Whether anybody needs what `backward` returns.
    changes
        Where `forward` adds what running figures change by once the batch is done; else they change at once.
    saved
        The layer's notes between the two passes.
    workspace
        The layer's own arrays, which live until its next pass.
    inner
        The tapes of the layers in it.
    record
        Where a pass records: "x", "y" and, after `backward`, "dy".
    """

    current: Pass = field(default_factory=Pass)
    gradients: Weights = field(default_factory=Weights)
    input_gradient: bool = True
    changes: Weights = field(default_factory=Weights)
    saved: dict[str, Any] = field(default_factory=dict)
    workspace: Workspace = field(default_factory=Workspace)
    inner: tuple[Tape, ...] = ()
    record: dict[str, Array] = field(default_factory=dict)

    def gradient(self, name: str) -> Array:
        """Return the array to which the gradient of the weights `name` is to be added."""
        array = self.gradients[name]
        if self.current.fresh:
            array[...] = 0
        return array

    def add(self, name: str, gradient: Array) -> None:
        """Add to the gradient of the weights `name`."""
        if self.current.fresh:
            self.gradients[name][...] = gradient
        else:
            self.gradients[name][...] += gradient

    def change(self, name: str, change: Array, weights: Weights) -> None:
        """Add to the running figures `name` among `weights`."""
        if not self.changes:
            weights[name][...] += change
        elif self.current.fresh:
            self.changes[name][...] = change
        else:
            self.changes[name][...] += change

    def add_to(self, gradients: Weights, changes: Weights | None = None) -> None:
        """Let this layer, and those in it, add to these."""
        self.gradients = gradients
        for tape, own in zip(self.inner, gradients.inner, strict=True):
            tape.add_to(own)
        if changes is not None:
            self._change_in(changes)

    def _change_in(self, changes: Weights) -> None:
        self.changes = changes
        for tape, own in zip(self.inner, changes.inner, strict=True):
            tape._change_in(own)

    def through(self, position: int, step: Computation, x: Array, weights: Weights) -> Array:
        """Return what `step`, which begins with the layer at a position in this one, makes of `x`."""
        tape = self.inner[position]
        y = step.forward(x, weights.inner[position], tape)
        if self.current.records:
            tape.record = {"x": x, "y": y}
        return y

    def back(
        self, position: int, step: Computation, dy: Array, weights: Weights, *, input_gradient: bool
    ) -> Array:
        """Return dL/dx of that, if `input_gradient`, and add the gradients of its weights."""
        tape = self.inner[position]
        tape.input_gradient = input_gradient
        if self.current.records:
            tape.record["dy"] = dy.copy()
        return step.backward(dy, weights.inner[position], tape)

    def at(self, number: LayerNumber) -> Tape:
        """Return that of a layer in it."""
        return _within(self, number)


def cut(size: int, parts: int) -> list[slice]:
    """Return where `parts` of `size` samples lie, at least one: they differ in size by one at most."""
    short, longer = divmod(size, max(parts, 1))
    starts = [number * short + min(number, longer) for number in range(max(parts, 1) + 1)]
    return [slice(start, stop) for start, stop in pairwise(starts)]


def _within(tree: Tree, number: LayerNumber) -> Tree:
    for step in str(number).split("."):
        tree = tree.inner[int(step) - 1]
    return tree
