"""The weights of a network: where each array lies in one flat vector, and how it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from convcli.engine.team import shared_zeros
from convcli.engine.workspace import Array
from convcli.nn.layer import Images, Initial, Layer, Shape
from convcli.nn.tape import Weights

BIASES = ("b", "beta")  # as layers call what is added to their outputs


@dataclass(frozen=True)
class Slot:
    """One array of weights and where it begins in the flat vector."""

    name: str
    initial: Initial
    offset: int

    def view(self, vector: Array) -> Array:
        return vector[self.offset : self.offset + self.initial.size].reshape(self.initial.shape)


class Layout:
    """Where arrays of a layer and of those in it lie in a flat vector: an optimizer sees a single array.

    Their names are the layer's, such as `3.W`, or `3.1.W` of a layer in the third.
    """

    def __init__(self, layer: Layer, arrays: Mapping[str, Initial]) -> None:
        self._layer = layer
        self.slots: list[Slot] = []
        self.size = 0
        for name, initial in arrays.items():
            self.slots.append(Slot(name, initial, self.size))
            self.size += initial.size

    def views(self, vector: Array) -> Weights:
        """Return the arrays, layer by layer, as views of `vector`."""
        return nested(self._layer, self.named(vector))

    def shapes(self) -> dict[str, Shape]:
        """Return the shapes of the arrays by their names."""
        return {slot.name: slot.initial.shape for slot in self.slots}

    def named(self, vector: Array) -> dict[str, Array]:
        """Return the arrays as views of `vector` by their names."""
        return {slot.name: slot.view(vector) for slot in self.slots}

    def fill(self, vector: Array, value: Callable[[Slot], Array | float]) -> None:
        """Set every array of `vector` to `value(slot)`."""
        for slot in self.slots:
            slot.view(vector)[...] = value(slot)


def nested(layer: Layer, arrays: Mapping[str, Array]) -> Weights:
    """Return named arrays as they are handed to `layer`: its own, and within them those of its children."""
    own: dict[str, Array] = {}
    inner: list[dict[str, Array]] = [{} for _ in layer.children]
    for name, array in arrays.items():
        number, dot, rest = name.partition(".")
        if dot:
            inner[int(number) - 1][rest] = array
        else:
            own[name] = array
    return Weights(own, map(nested, layer.children, inner))


class Arranged(Protocol):
    """What has weights and says where each lies: a network."""

    trained: Layout
    kept: Layout

    @property
    def sequence(self) -> Layer:
        """The layers as one."""


class NetworkWeights(Mapping[str, Array]):
    """The arrays of a network: all that is trained in one vector, all that is kept beside it in another.

    Both lie in memory that is shared with the processes of a team. As a mapping it has each array by its
    name, `3.W`, or `3.1.W` of a layer in the third: views, first of what is trained.
    """

    def __init__(self, network: Arranged, dtype: DTypeLike = np.float32) -> None:
        self.trained = shared_zeros(network.trained.size, dtype)
        self.kept = shared_zeros(network.kept.size, dtype)
        self._network = network
        self.arrays = nested(network.sequence, self._named)

    @property
    def _named(self) -> dict[str, Array]:
        return self._network.trained.named(self.trained) | self._network.kept.named(self.kept)

    def __getitem__(self, name: str) -> Array:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    # A mapping's own would compare arrays, which have no truth.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getstate__(self) -> tuple[Arranged, Array, Array]:
        """Return what a copy is made of; its arrays are to be views of its own vectors."""
        return self._network, self.trained, self.kept

    def __setstate__(self, state: tuple[Arranged, Array, Array]) -> None:
        network, trained, kept = state
        NetworkWeights.__init__(self, network, trained.dtype)
        np.copyto(self.trained, trained)
        np.copyto(self.kept, kept)

    @classmethod
    def initial(
        cls,
        network: Arranged,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
        images: Images | None = None,
    ) -> NetworkWeights:
        """Return weights as their layers say they begin, of a network that learns from `images`."""
        weights = cls(network, dtype)
        for layout, vector in ((network.trained, weights.trained), (network.kept, weights.kept)):
            layout.fill(vector, lambda slot: slot.initial.draw(rng, images))
        return weights

    def copy_from(self, other: NetworkWeights) -> None:
        """Take over another's values."""
        np.copyto(self.trained, other.trained)
        np.copyto(self.kept, other.kept)


def bias_mask(network: Arranged) -> Array:
    """Return a vector with 1 at biases and at the β of normalisations, 0 elsewhere."""
    mask = np.zeros(network.trained.size, np.float32)
    network.trained.fill(mask, lambda slot: float(slot.name.rpartition(".")[2] in BIASES))
    return mask


def decay_mask(network: Arranged) -> Array:
    """Return a vector with 1 where weight decay applies."""
    mask = np.zeros(network.trained.size, np.float32)
    network.trained.fill(mask, lambda slot: float(slot.initial.decays))
    return mask
