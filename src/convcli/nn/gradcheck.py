"""Analytic gradients against central differences, in float64: the check that every layer has to pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.layer import Layer, Shape
from convcli.nn.losses import Loss
from convcli.nn.network import Network, NetworkWeights

# (f(x + h) − f(x − h)) / 2h errs by about h² from the series and ε/h from rounding; in float64 both are
# smallest, near 1e-10, at about this h.
STEP = 1e-5


def numeric_gradient(function: Callable[[], float], array: Array, step: float = STEP) -> Array:
    """Return the gradient of `function` with respect to `array`, which it reads, by central differences."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        gradient[index] = (above - function()) / (2 * step)
        array[index] = kept
    return gradient


def relative_error(analytic: Array, numeric: Array) -> float:
    """Return the largest difference, relative to the largest entry of either."""
    largest = max(np.abs(analytic).max(initial=0), np.abs(numeric).max(initial=0))
    return float(np.abs(analytic - numeric).max(initial=0) / largest) if largest else 0.0


def check_layer(
    layer: Layer, shape: Shape, rng: np.random.Generator, *, samples: int = 3
) -> dict[str, float]:
    """Return the relative error of each gradient of `layer`, for a random input of `shape`.

    The layer runs as it does while training. What it is measured by is a random weighted sum of its outputs.

    Returns
    -------
    A number for "x" and for each array of weights.
    """
    network = Network([layer], shape)
    weights = NetworkWeights.initial(network, rng, np.float64)
    weights.trained += rng.normal(0, 0.1, weights.trained.shape)  # so that no bias is 0
    x = rng.standard_normal((samples, *shape))
    cotangent = rng.standard_normal((samples, *network.shapes[-1]))
    seed = int(rng.integers(1 << 32))
    tapes = network.tapes()

    def outputs() -> Array:
        tapes[0].rng, tapes[0].training = np.random.default_rng(seed), True
        return network.forward(x, weights, tapes)

    def objective() -> float:
        return float((outputs() * cotangent).sum())

    gradient = np.zeros_like(weights.trained)
    tapes[0].gradients, tapes[0].input_gradient = network.trained.views(gradient)[0], True
    outputs()
    dx = network.backward(cotangent.copy(), weights, tapes).copy()
    errors = {"x": relative_error(dx, numeric_gradient(objective, x))}
    numeric = network.trained.views(numeric_gradient(objective, weights.trained))[0]
    for name, analytic in tapes[0].gradients.items():
        errors[name] = relative_error(analytic, numeric[name])
    return errors


def check_loss(loss: Loss, classes: int, rng: np.random.Generator, *, samples: int = 4) -> float:
    """Return the relative error of the gradient of `loss` with respect to random outputs."""
    outputs = rng.standard_normal((samples, classes))
    labels = rng.integers(classes, size=samples)
    _, analytic = loss.evaluate(outputs, labels)
    numeric = numeric_gradient(lambda: float(loss.evaluate(outputs, labels)[0].sum()), outputs)
    return relative_error(analytic, numeric)
