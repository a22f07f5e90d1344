"""The weights of a network: where each array lies in one flat vector, and how it begins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from convcli.engine.team import shared_zeros
from convcli.engine.workspace import Array
from convcli.nn.layer import Initial, Shape, Weights


@dataclass(frozen=True)
class Slot:
    """One array of weights and where it begins in the flat vector."""

    name: str
    initial: Initial
    offset: int

    @property
    def size(self) -> int:
        return math.prod(self.initial.shape)

    def view(self, vector: Array) -> Array:
        return vector[self.offset : self.offset + self.size].reshape(self.initial.shape)


class Layout:
    """Where the arrays of all layers lie in one flat vector, so that an optimizer sees a single array."""

    def __init__(self, layers: Iterable[dict[str, Initial]]) -> None:
        self.layers: list[list[Slot]] = []
        self.size = 0
        for arrays in layers:
            slots = []
            for name, initial in arrays.items():
                slots.append(Slot(name, initial, self.size))
                self.size += slots[-1].size
            self.layers.append(slots)

    def views(self, vector: Array) -> list[Weights]:
        """Return the arrays of each layer as views of `vector`."""
        return [{slot.name: slot.view(vector) for slot in slots} for slots in self.layers]

    def shapes(self) -> dict[str, Shape]:
        """Return the shapes of the arrays under names such as `1.W`, where layers count from 1."""
        return {
            f"{number}.{slot.name}": slot.initial.shape
            for number, slots in enumerate(self.layers, 1)
            for slot in slots
        }

    def named(self, vector: Array) -> dict[str, Array]:
        """Return the same views under names such as `1.W`, where layers count from 1."""
        return {
            f"{number}.{name}": view
            for number, views in enumerate(self.views(vector), 1)
            for name, view in views.items()
        }

    def fill(self, vector: Array, value: Callable[[Slot], Array | float]) -> None:
        """Set every array of `vector` to `value(slot)`."""
        for slots in self.layers:
            for slot in slots:
                slot.view(vector)[...] = value(slot)


class Arranged(Protocol):
    """What has weights and says where each lies: a network."""

    trained: Layout
    kept: Layout


class NetworkWeights:
    """The arrays of a network: all that is trained in one vector, all that is kept beside it in another.

    Both lie in memory that is shared with the processes of a team.
    """

    def __init__(self, network: Arranged, dtype: DTypeLike = np.float32) -> None:
        self.trained = shared_zeros(network.trained.size, dtype)
        self.kept = shared_zeros(network.kept.size, dtype)
        self.by_layer: list[Weights] = [
            {**own, **kept}
            for own, kept in zip(
                network.trained.views(self.trained), network.kept.views(self.kept), strict=True
            )
        ]

    @classmethod
    def initial(
        cls, network: Arranged, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> NetworkWeights:
        """Return weights as their layers say they begin."""
        weights = cls(network, dtype)
        for layout, vector in ((network.trained, weights.trained), (network.kept, weights.kept)):
            layout.fill(vector, lambda slot: slot.initial.draw(rng))
        return weights

    def copy_from(self, other: NetworkWeights) -> None:
        """Take over another's values."""
        np.copyto(self.trained, other.trained)
        np.copyto(self.kept, other.kept)


def decay_mask(network: Arranged) -> Array:
    """Return a vector with 1 where weight decay applies: the W of conv and dense layers."""
    mask = np.zeros(network.trained.size, np.float32)
    network.trained.fill(mask, lambda slot: float(slot.name == "W"))
    return mask
