"""Looking inside a network: what goes into each of its layers and comes out, for a few images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.network import Network
from convcli.nn.tape import LayerNumber, Tape
from convcli.nn.weights import NetworkWeights


@dataclass(frozen=True, eq=False)
class Trace:
    """A pass of some images through a network, layer by layer, without neighbours as one.

    Layers are named by their numbers: 3, or "3.1" for the first layer in the third.
    """

    network: Network
    weights: NetworkWeights
    tape: Tape
    outputs: Array

    @classmethod
    def of(cls, network: Network, weights: NetworkWeights, x: Array) -> Trace:
        """Return what becomes of `x` (n, h, w, c), as when predicting; what overflows does so in silence."""
        tape = network.tape()
        tape.current.records = True
        with np.errstate(all="ignore"):
            return cls(network, weights, tape, network.forward(x, weights, tape))

    def input(self, number: LayerNumber) -> Array:
        """Return what went into a layer, (n, ...)."""
        return self.tape.at(number).record["x"]

    def output(self, number: LayerNumber) -> Array:
        """Return what came out of a layer, (n, ...)."""
        return self.tape.at(number).record["y"]

    def back(self, dy: Array) -> Array:
        """Take dL/doutputs back to what went in and return dL/dx; `gradient` then tells it of each layer."""
        self.tape.add_to(self.network.trained.views(np.zeros_like(self.weights.trained)))
        self.tape.input_gradient = True
        return self.network.backward(dy.copy(), self.weights, self.tape)

    def gradient(self, number: LayerNumber) -> Array:
        """Return dL/dA of what came out of a layer, (n, ...)."""
        return self.tape.at(number).record["dy"]
