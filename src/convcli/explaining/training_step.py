"""A small network, one image and its label: what a training step computes, by the classes that train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convcli.engine.batch.windows import window_view
from convcli.engine.workspace import Array
from convcli.explaining.activating import NEAR_KINK, on_kinks
from convcli.explaining.alone import Alone
from convcli.explaining.checking import errors_of
from convcli.explaining.optimizing import Taken, walk
from convcli.explaining.problem import Problem
from convcli.nn.layers import ActivationLayer, AvgPool, Conv, Dense, Flatten, MaxPool
from convcli.nn.losses import CrossEntropy
from convcli.nn.network import Network
from convcli.nn.optimizers import Optimizer
from convcli.nn.trace import Trace
from convcli.nn.weights import NetworkWeights, bias_mask, decay_mask
from convcli.shapes import Window

CLASSES = 2
CONV, ACTIVATION, POOL, FLATTEN, DENSE = 1, 2, 3, 4, 5
NAMES = {"1.W": "W1", "1.b": "b1", "5.W": "W2", "5.b": "b2"}
"""What the figures call each array of weights."""


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """conv → g → pool → flatten → dense → softmax and cross-entropy, before and after a step of an optimizer.

    Attributes
    ----------
    problem
        The image and the convolution.
    w2, b2
        The dense layer's, (features, classes) and (classes,).
    label
        The true class, from 0.
    """

    problem: Problem
    pool: MaxPool | AvgPool
    w2: Array
    b2: Array
    label: int
    rule: Optimizer

    loss = CrossEntropy()

    @cached_property
    def network(self) -> Network:
        """The layers."""
        window = self.problem.window
        conv = Conv(
            filters=self.problem.w.shape[3],
            kernel=window.size,
            stride=window.stride,
            padding=window.padding,
            dilation=window.dilation,
        )
        layers = (
            conv,
            ActivationLayer(function=self.problem.activation),
            self.pool,
            Flatten(),
            Dense(units=CLASSES),
        )
        return Network(layers, self.problem.x.shape)

    def _weights(self) -> NetworkWeights:
        weights = NetworkWeights(self.network, np.float64)
        for name, array in zip(NAMES, (self.problem.w, self.problem.b, self.w2, self.b2), strict=True):
            weights[name][...] = array
        return weights

    @cached_property
    def before(self) -> Pass:
        """What the image becomes with the weights as they are given."""
        return Pass(self, self._weights())

    @cached_property
    def taken(self) -> Taken:
        """The optimizer's step, on all weights as one vector."""
        network, gradients = self.network, [self.before.gradient_vector]
        masks = bias_mask(network), decay_mask(network)
        return walk(self.rule, self.before.weights.trained, gradients, *masks)[0]

    @cached_property
    def after(self) -> Pass:
        """What the image becomes with the new weights."""
        weights = NetworkWeights(self.network, np.float64)
        weights.trained[...] = self.taken.after
        return Pass(self, weights)

    @property
    def kinks(self) -> list[str]:
        """Why the loss has no derivative in the weights of the convolution, if it has none."""
        before, g = self.before, self.problem.activation
        z, a = before.output(CONV), before.output(ACTIVATION)
        slopes = Alone(ActivationLayer(function=g), z[None]).gradients(np.ones((1, *z.shape)))["x"][0]
        found = []
        if on_kinks(g, z).any():
            found.append(f"a number of Z lies where {g} has no derivative")
        if isinstance(self.pool, MaxPool):
            window = self.pool.windows(a.shape)
            values, sloped = (_windows(array, window) for array in (a, slopes))
            close = values >= values.max(axis=-1, keepdims=True) - NEAR_KINK
            if ((close.sum(-1) > 1) & (close & (sloped != 0)).any(-1)).any():
                found.append("two numbers tie for a maximum, where the pool has no derivative")
        return found

    @cached_property
    def errors(self) -> dict[str, float]:
        """How far each gradient is from central differences; without those of the convolution at a kink."""
        weights = self._weights()

        def loss() -> float:
            return Pass(self, weights).loss

        names = [name for name in NAMES if not (self.kinks and name.startswith("1."))]
        found = {NAMES[name]: (weights[name], self.before.gradients[NAMES[name]]) for name in names}
        return errors_of(loss, found)


def _windows(a: Array, window: Window) -> Array:
    """Return the numbers under each window of a pool without padding: (rows, columns, c, f_h · f_w)."""
    rows, columns = window.output_shape((a.shape[0], a.shape[1]))
    view = window_view(a[:, :, None], window, (rows, columns))[:, :, 0]
    return np.moveaxis(np.asarray(view).reshape(rows, columns, -1, a.shape[2]), 2, -1)


class Pass:
    """The image through the network, forward and back, with some weights."""

    def __init__(self, step: TrainingStep, weights: NetworkWeights) -> None:
        self.step, self.weights = step, weights
        self.trace = Trace.of(step.network, weights, step.problem.x[None])
        losses, self.ds = step.loss.evaluate(self.trace.outputs.copy(), np.array([step.label]))
        self.loss = float(losses[0])

    def output(self, layer: int) -> Array:
        """Return what comes out of a layer, for the one image."""
        return np.asarray(self.trace.output(layer)[0])

    @property
    def scores(self) -> Array:
        """The network's outputs (classes,)."""
        return np.asarray(self.trace.outputs[0])

    @property
    def probabilities(self) -> Array:
        """p (classes,)."""
        return np.asarray(self.step.loss.probabilities(self.trace.outputs.copy())[0])

    @cached_property
    def gradients(self) -> Mapping[str, Array]:
        """The gradient of each array of weights, by the figures' names."""
        self.trace.back(self.ds)
        found = {}
        for name, told in NAMES.items():
            layer, _, array = name.partition(".")
            found[told] = self.trace.tape.at(int(layer)).gradients[array].copy()
        return found

    @property
    def gradient_vector(self) -> Array:
        """The same as one vector, in the order in which the weights lie."""
        vector = np.zeros_like(self.weights.trained)
        for name, view in self.step.network.trained.named(vector).items():
            view[...] = self.gradients[NAMES[name]]
        return vector

    def gradient(self, layer: int) -> Array:
        """Return dL of what came out of a layer, for the one image."""
        _ = self.gradients
        return np.asarray(self.trace.gradient(layer)[0])

    def named(self, vector: Array) -> dict[str, Array]:
        """Return a vector of all weights as arrays by the figures' names."""
        return {NAMES[name]: view for name, view in self.step.network.trained.named(vector).items()}
