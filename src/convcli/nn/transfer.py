"""Weights that begin as those of a trained network: all that fit by name and shape, or a layer's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import ConfigError
from convcli.nn.layer import Initial
from convcli.nn.learned import Source, source_of
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.places import Place
from convcli.nn.weights import NetworkWeights
from convcli.wording import by, counted

Origins: TypeAlias = Callable[[str], Model]
"""Returns the trained model of a run, as commands name it."""


@dataclass(frozen=True)
class Taken:
    """What a network has taken over from another.

    Attributes
    ----------
    names
        Of the arrays.
    numbers
        How many numbers they have.
    missed
        Layers that begin anew, whole or in part, each with the reason.
    left
        The numbers of the other network's layers of which nothing was taken, though they have weights.
    """

    names: tuple[str, ...]
    numbers: int
    missed: tuple[tuple[Place, str], ...]
    left: tuple[str, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The numbers of the layers that have something of it."""
        return _layers(self.names)

    @property
    def whole_first_layer(self) -> bool:
        """Whether all weights of the first layer that has some are the other network's."""
        missed = {str(place.number) for place, _ in self.missed}
        return min({*self.layers, *missed}, key=lambda number: _position(f"{number}.")) not in missed


def take_over(network: Network, weights: NetworkWeights, origin: Model) -> Taken:
    """Copy what fits of another network's weights: arrays of the same name and shape, in layers of one type.

    A layer of which one array has another shape there has nothing of it. What begins as a layer of a run
    (`init`) is left as it is.
    """
    names, missed = list[str](), dict[str, tuple[Place, str]]()
    others = {str(place.number): place for place in origin.network.places}
    own = {name: initial for name, initial in _arrays(network).items() if not initial.source}
    there = origin.weights
    apart = {name for name, initial in own.items() if name in there and there[name].shape != initial.shape}
    for name, initial in own.items():
        number = name.rpartition(".")[0]
        place = network.place(number if "." in number else int(number))
        if reason := _misfit(place, name, initial, others.get(number), there):
            missed.setdefault(number, (place, reason))
        elif number not in _layers(apart):
            np.copyto(weights[name], there[name])
            names.append(name)
    left = [number for number in _layers(_arrays(origin.network)) if number not in _layers(names)]
    numbers = sum(weights[name].size for name in names)
    return Taken(tuple(names), numbers, tuple(missed.values()), tuple(left))


def _layers(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.rpartition(".")[0] for name in names))


def _arrays(network: Network) -> dict[str, Initial]:
    """Return how each array of a network begins, by its name: layer by layer."""
    slots = [slot for layout in (network.trained, network.kept) for slot in layout.slots]
    return {slot.name: slot.initial for slot in sorted(slots, key=lambda slot: _position(slot.name))}


def _position(name: str) -> list[int]:
    return [int(step) for step in name.split(".")[:-1]]


def _misfit(place: Place, name: str, initial: Initial, other: Place | None, weights: NetworkWeights) -> str:
    """Return why an array of a layer finds none in the `other` one; nothing if it does."""
    if other is None:
        return f"there is no layer {place.number} there"
    if other.layer.name() != place.layer.name():
        return f"layer {place.number} there is a {other.layer.name()}"
    own = name.rpartition(".")[2]
    if name not in weights:
        return f"there is no {own} there"
    if weights[name].shape != initial.shape:
        return f"{own} is {by(initial.shape)}, there {by(weights[name].shape)}"
    return ""


def learned_layers(network: Network) -> dict[str, Source]:
    """Return which layers begin as one of a run, by their numbers."""
    return {
        name.rpartition(".")[0]: source_of(initial.source)
        for name, initial in _arrays(network).items()
        if initial.source
    }


def fill_learned(network: Network, weights: NetworkWeights, origins: Origins | None) -> None:
    """Let the layers whose `init` names a layer of a run begin so.

    Raises
    ------
    ConfigError
        If there is no such layer, or it does not fit; or if nobody says what runs there are.
    """
    for name, initial in _arrays(network).items():
        if not initial.source:
            continue
        number = name.rpartition(".")[0]
        place = network.place(number if "." in number else int(number))
        if origins is None:
            raise ConfigError(f'{place.name}: init = "{initial.source}" takes a run, and none is at hand.')
        np.copyto(weights[name], _array_of(place, name, initial, origins))


def _array_of(place: Place, name: str, initial: Initial, origins: Origins) -> Array:
    """Return the array of the run's layer that a layer's array begins as, or raise ConfigError."""
    run, number = source_of(initial.source)
    model, own = origins(run), name.rpartition(".")[2]
    other = next((one for one in model.network.places if str(one.number) == number), None)
    told = f'{place.name}: init = "{initial.source}"'
    if other is None:
        layers = counted(len(model.network.layers), "layer")
        raise ConfigError(f"{told}: there is no layer {number} there; the network has {layers}.")
    if other.layer.name() != place.layer.name():
        raise ConfigError(f"{told}: that is a {other.layer.name()}, not a {place.layer.name()}.")
    full = f"{number}.{own}"
    if full not in model.weights:
        raise ConfigError(f"{told}: it has no {own}" + (": set bias = false." if own == "b" else "."))
    found = model.weights[full]
    if found.shape != initial.shape:
        raise ConfigError(f"{told}: {own} is {by(found.shape)} there, and has to be {by(initial.shape)}.")
    return found
