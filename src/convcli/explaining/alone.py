"""A layer of a network on given numbers, in float64, with nothing before or after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.checking import errors_of
from convcli.nn.layer import Layer
from convcli.nn.tape import Pass, Tape, Weights


@dataclass(frozen=True, eq=False)
class Alone:
    """A layer, what goes into it, (n, ...), and its arrays by name.

    Attributes
    ----------
    training
        Whether it does what layers do while training.
    seed
        Of the random numbers that it takes then.
    """

    layer: Layer
    x: Array
    weights: Mapping[str, Array] = field(default_factory=dict)
    training: bool = False
    seed: int = 0

    def _passed(self) -> tuple[Array, Weights, Tape]:
        """Return what comes out, the arrays afterwards, and the tape; `x` and `weights` stay as they are."""
        tape = Tape(Pass(training=self.training, rng=np.random.default_rng(self.seed)))
        weights = Weights({name: array.copy() for name, array in self.weights.items()})
        return self.layer.forward(self.x, weights, tape), weights, tape

    @cached_property
    def y(self) -> Array:
        """What comes out."""
        return self._passed()[0]

    @cached_property
    def after(self) -> Weights:
        """Its arrays after a forward pass, which changes running figures."""
        return self._passed()[1]

    def gradients(self, dy: Array) -> dict[str, Array]:
        """Return dL/dx, as "x", and those of its trained arrays, where dL/dy is `dy`."""
        _, weights, tape = self._passed()
        kinds = self.layer.initial_weights(self.x.shape[1:])
        trained = [name for name in weights if kinds[name].kind == "trained"]
        tape.gradients = Weights({name: np.zeros_like(weights[name]) for name in trained})
        dx = self.layer.backward(dy.copy(), weights, tape).copy()
        return {"x": dx, **tape.gradients}

    def check(
        self,
        dy: Array,
        names: Mapping[str, str],
        parts: Mapping[str, tuple[slice, ...]] = MappingProxyType({}),
    ) -> dict[str, float]:
        """Return how far each gradient is from central differences of Σ dy · y, by what `names` call it.

        Of an array that is among `parts` only that part is looked at.
        """
        found = self.gradients(dy)
        arrays = {"x": self.x, **self.weights}
        return errors_of(
            lambda: float((self._passed()[0] * dy).sum()),
            {
                told: (arrays[name][at], found[name][at])
                for name, told in names.items()
                for at in [parts.get(name, ())]
            },
        )
