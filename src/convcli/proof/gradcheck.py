"""Analytic gradients against central differences, in float64: the check that every layer has to pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.layer import Layer, Shape
from convcli.nn.losses import Loss
from convcli.nn.network import Network
from convcli.nn.tape import Computation
from convcli.nn.weights import NetworkWeights
from convcli.proof.differences import (
    LARGE,
    QUICK,
    THOROUGH,
    Points,
    gradient_error,
    numeric_gradient,
    relative_error,
)
from convcli.shapes import Pair

# An array whose gradient is nearly nothing beside the others' (a bias before batch normalisation) is measured
# by this share of theirs: what is left of it is rounding.
LEAST_SHARE = 1e-3

MANY_NUMBERS = 1 << 15  # in maps; below it, a hundred evaluations take moments


def step_spans(network: Network) -> list[Pair]:
    """Return for each step of a network its first layer and the one behind its last, counted from 0."""
    starts = [number for number, _ in network.sequence.steps]
    return list(zip(starts, [*starts[1:], len(network.layers)], strict=True))


class _Bench:
    """A network with random weights in float64, an input, and what its outputs are measured by."""

    def __init__(self, layers: Sequence[Layer], shape: Shape, samples: int, rng: np.random.Generator) -> None:
        self.network = Network(layers, shape)
        self.weights = NetworkWeights.initial(self.network, rng, np.float64)
        # So that no bias is 0: behind a region of zeros its relu would stand on its kink.
        self.weights.trained += rng.normal(0, 0.1, self.weights.trained.shape)
        self.x = rng.standard_normal((samples, *shape))
        self.tape = self.network.tape()
        self.tape.current.training = self.tape.input_gradient = True
        self.seed = int(rng.integers(1 << 32))
        self.inputs: dict[int, Array] = {0: self.x}

    def outputs(self, first: int = 0) -> Array:
        """Return the outputs as training computes them, from the step with the layer `first` on."""
        steps = zip(self.network.sequence.steps, step_spans(self.network), strict=True)
        left = [step for step, (_, end) in steps if end > first]
        x = self.inputs[left[0][0]]
        for position, step in left:
            x = self._through(position, step, x)
        return x

    def gradients(self, dy: Callable[[Array], Array]) -> dict[str, Array]:
        """Return dL/dx and dL/d of all weights by the network's own two passes."""
        gradient = np.zeros_like(self.weights.trained)
        self.tape.add_to(self.network.trained.views(gradient))
        dx = self.network.backward(dy(self.outputs()).copy(), self.weights, self.tape).copy()
        return {"x": dx, **self.network.trained.named(gradient)}

    def _through(self, position: int, step: Computation, x: Array) -> Array:
        """Return what a step makes of `x`, drawing the same numbers each time: dropout drops the same."""
        self.tape.current.rng = np.random.default_rng((self.seed, position))
        return self.tape.through(position, step, x, self.weights.arrays)

    def _remember_inputs(self) -> None:
        """Keep what goes into each step, so that what stands before a changed weight need not run again."""
        x = self.x
        for position, step in self.network.sequence.steps:
            self.inputs[position] = x
            x = self._through(position, step, x).copy()

    def errors(
        self,
        objective: Callable[[Array], float],
        analytic: dict[str, Array],
        rng: np.random.Generator,
        points: Points,
    ) -> dict[str, float]:
        """Return the relative error of x and of every array of weights."""
        self._remember_inputs()
        arrays = {"x": self.x, **self.network.trained.named(self.weights.trained)}
        largest = [float(np.abs(array).max(initial=0)) for array in analytic.values()]
        floor = LEAST_SHARE * max(filter(math.isfinite, largest), default=0.0)
        found = {}
        for name, array in arrays.items():
            first = 0 if name == "x" else int(name.partition(".")[0]) - 1

            def function(first: int = first) -> float:
                return objective(self.outputs(first))

            found[name] = gradient_error(function, array, analytic[name], rng, points, floor)
        return found


def check_layer(
    layer: Layer, shape: Shape, rng: np.random.Generator, *, samples: int = 3, points: Points = THOROUGH
) -> dict[str, float]:
    """Return the relative error of each gradient of `layer`, for a random input of `shape`.

    The layer runs as it does while training. What it is measured by is a random weighted sum of its outputs.
    """
    errors = check_layers([layer], shape, rng, samples=samples, points=points)
    return {name.removeprefix("1."): error for name, error in errors.items()}


def check_layers(
    layers: Sequence[Layer],
    shape: Shape,
    rng: np.random.Generator,
    *,
    samples: int = 3,
    points: Points = THOROUGH,
) -> dict[str, float]:
    """Return the same of layers in a row, computed as a network computes them; weights are "1.W", …"""
    bench = _Bench(layers, shape, samples, rng)
    cotangent = rng.standard_normal((samples, *bench.network.shapes[-1]))
    analytic = bench.gradients(lambda outputs: cotangent)
    return bench.errors(lambda outputs: float(np.vdot(outputs, cotangent)), analytic, rng, points)


def check_loss(loss: Loss, classes: int, rng: np.random.Generator, *, samples: int = 4) -> float:
    """Return the relative error of the gradient of `loss` with respect to random outputs.

    It is the larger of two: for labels, and for shares of the classes.
    """
    outputs = rng.standard_normal((samples, classes))
    labels, shares = rng.integers(classes, size=samples), rng.dirichlet(np.ones(classes), samples)

    def error(targets: Array) -> float:
        _, analytic = loss.evaluate(outputs, targets)
        numeric = numeric_gradient(lambda: float(loss.evaluate(outputs, targets)[0].sum()), outputs)
        return relative_error(analytic, numeric)

    return max(error(labels), error(shares))


def check_whole(
    network: Network,
    loss: Loss,
    rng: np.random.Generator,
    *,
    samples: int = 3,
    points: Points = THOROUGH,
) -> dict[str, float]:
    """Return the relative error of dL/dx ("x") and of each array of weights ("1.W", …), through the loss."""
    bench = _Bench(network.layers, network.shapes[0], samples, rng)
    labels = rng.integers(network.shapes[-1][0], size=samples)
    analytic = bench.gradients(lambda outputs: loss.evaluate(outputs, labels)[1])
    return bench.errors(lambda outputs: float(loss.evaluate(outputs, labels)[0].sum()), analytic, rng, points)


@dataclass(frozen=True)
class Check:
    """What one part of a network was found to be."""

    layers: tuple[int, ...]  # from 1; several that a network computes as one; none for the loss and the whole
    type: str  # "conv", "conv + max_pool", "loss", "network", …
    options: str  # a layer's, in a few words
    errors: dict[str, float]  # the largest relative one of each gradient, by the name of the array

    @property
    def name(self) -> str:
        """How an error message calls it."""
        if not self.layers:
            return f"the {self.type}"
        together = " as one" if len(self.layers) > 1 else ""
        return f"[[layers]] {' and '.join(map(str, self.layers))}{together} ({self.type})"

    def failed(self, tolerance: float) -> dict[str, float]:
        """Return the errors that are not below `tolerance`."""
        return {name: error for name, error in self.errors.items() if not error < tolerance}


def check_network(
    network: Network, loss: Loss, seed: int = 0, *, samples: int = 3, points: Points | None = None
) -> Iterator[Check]:
    """Yield a check of each layer in the shape it has in `network`, of the loss, and of the whole.

    Layers that the network computes as one are checked so too, behind the last of them.
    """
    together = {end: start for start, end in step_spans(network) if end - start > 1}
    for number, layer in enumerate(network.layers, 1):
        rng = np.random.default_rng((seed, number))
        chosen = points or _points(network.shapes[number - 1 : number + 1], samples)
        errors = check_layer(layer, network.shapes[number - 1], rng, samples=samples, points=chosen)
        yield Check((number,), layer.name(), layer.summary(), errors)
        if number in together:
            start = together[number]
            layers = network.layers[start:number]
            chosen = points or _points(network.shapes[start : number + 1], samples)
            found = check_layers(layers, network.shapes[start], rng, samples=samples, points=chosen)
            names = " + ".join(layer.name() for layer in layers)
            yield Check(tuple(range(start + 1, number + 1)), names, "as one", _renumbered(found, start))
    rng, classes = np.random.default_rng((seed, 0)), network.shapes[-1][0]
    if loss.class_weights is not None:  # any will do
        loss = loss.model_copy(update={"class_weights": dict(enumerate(rng.uniform(0.5, 2, classes)))})
    yield Check((), "loss", loss.name(), {"outputs": check_loss(loss, classes, rng)})
    chosen = points or _points(network.shapes, samples)
    yield Check((), "network", "", check_whole(network, loss, rng, samples=samples, points=chosen))


def check_count(network: Network) -> int:
    """Return how many checks `check_network` yields."""
    return len(network.layers) + sum(end - start > 1 for start, end in step_spans(network)) + 2


def _points(shapes: Sequence[Shape], samples: int) -> Points:
    """Return at how many points an array is checked where maps of these shapes are computed for each."""
    return LARGE if samples * sum(map(math.prod, shapes)) > MANY_NUMBERS else QUICK


def _renumbered(errors: dict[str, float], start: int) -> dict[str, float]:
    """Return errors whose names count from the layer behind `start`."""
    parts = {name: name.partition(".") for name in errors}
    return {
        f"{int(number) + start}.{array}" if dot else name: errors[name]
        for name, (number, dot, array) in parts.items()
    }
