"""Which tensor of a file is which array of a network: by what is said, then by shape and order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.interchange.torch.export import modules_of
from convcli.interchange.torch.modules import Module, Tensor, Tensors
from convcli.nn.layer import Shape
from convcli.nn.network import Network
from convcli.wording import by

Group: TypeAlias = dict[str, tuple[str, Array]]
"""A module's tensors, each with its whole name, by their names in it."""

Signature: TypeAlias = frozenset[tuple[str, Shape]]

IGNORED = ("num_batches_tracked",)
SYNONYMS = {"gamma": "weight", "beta": "bias"}  # as old checkpoints have them
OWN_PREFIX = "layers."


@dataclass(frozen=True)
class Match:
    """What fills a network, and what does not.

    Attributes
    ----------
    arrays, sources
        By our names: the arrays as we have them, and the names of the tensors that they are.
    missing, left
        What nothing fills, and what has no place, in words with shapes; module by module.
    guessed
        Which tensor was taken for an array where only the order of names tells.
    """

    arrays: dict[str, Array] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    guessed: dict[str, str] = field(default_factory=dict)

    @property
    def misfits(self) -> int:
        """How much does not fit."""
        return len(self.missing) + len(self.left)


def matched(network: Network, tensors: Mapping[str, Array], pairs: Mapping[str, str]) -> Match:
    """Return which tensors fill a network; `pairs` says of some, or of a module's, which arrays they are.

    Raises UsageError if pairs name what is not there, or does not fit: all of them are named.
    """
    shapes = network.trained.shapes() | network.kept.shapes()
    if not pairs and (in_our_names := _by_our_names(shapes, tensors)):
        return in_our_names
    match, leaves = Match(), dict(_leaves(modules_of(network), "layers"))
    groups = _groups(tensors)
    _as_said(match, leaves, groups, pairs, shapes)
    _by_shape(match, leaves, groups, shapes)
    for group in groups.values():
        if group:
            match.left.append(", ".join(f"{name} ({by(array.shape)})" for name, array in group.values()))
    return match


def _by_shape(
    match: Match, leaves: Mapping[str, Tensors], groups: dict[str, Group], shapes: Mapping[str, Shape]
) -> None:
    """Fill each module that is left with the first one of theirs that is left and has just its tensors."""
    offered: dict[Signature, list[str]] = {}
    for prefix, group in groups.items():
        signature = frozenset((name, tensor.shape) for name, (_, tensor) in group.items())
        offered.setdefault(signature, []).append(prefix)
    waiting: dict[Signature, list[Tensors]] = {}
    for own in leaves.values():
        if unfilled := {name: one for name, one in own.items() if one.name not in match.arrays}:
            signature = frozenset((name, one.shape) for name, one in unfilled.items())
            waiting.setdefault(signature, []).append(unfilled)
    for signature, ours in waiting.items():
        theirs = offered.get(signature, [])
        # Numbers tell an order, words do not.
        guessed = len(theirs) > len(ours) or len({re.sub(r"\d+", "#", prefix) for prefix in theirs}) > 1
        for own, prefix in zip(ours, theirs, strict=False):
            for name, one in own.items():
                _fill(match, one, groups[prefix].pop(name), shapes)
                if guessed:
                    match.guessed[one.name] = match.sources[one.name]
        match.missing.extend(
            ", ".join(f"{one.name} ({by(one.shape)} in PyTorch)" for one in own.values())
            for own in ours[len(theirs) :]
        )


def _fill(match: Match, ours: Tensor, theirs: tuple[str, Array], shapes: Mapping[str, Shape]) -> None:
    match.sources[ours.name], array = theirs
    match.arrays[ours.name] = ours.back(array, shapes[ours.name])


def _by_our_names(shapes: Mapping[str, Shape], tensors: Mapping[str, Array]) -> Match | None:
    """Return the match of a file that has our names and layouts; None if it has others."""
    found = {name.removeprefix(OWN_PREFIX): name for name in tensors}
    if not set(shapes) <= set(found):
        return None
    match = Match()
    for name, shape in shapes.items():
        theirs = found[name]
        if tensors[theirs].shape != shape:
            match.missing.append(f"{name} ({by(shape)}), which is {by(tensors[theirs].shape)} there")
            continue
        match.arrays[name], match.sources[name] = tensors[theirs], theirs
    match.left.extend(
        f"{theirs} ({by(tensors[theirs].shape)})" for name, theirs in found.items() if name not in shapes
    )
    return match


def _leaves(module: Module, path: str) -> Iterator[tuple[str, Tensors]]:
    """Yield the modules that have tensors of their own, in order."""
    if module.tensors:
        yield path, module.tensors
    for child in module.children:
        yield from _leaves(child.module, f"{path}.{child.attribute}")


def _groups(tensors: Mapping[str, Array]) -> dict[str, Group]:
    """Return the tensors module by module, in the order of the network as far as names and file tell it.

    What writes safetensors sorts names, by which 10 comes before 2; other orders are believed.
    """
    names = [name for name in tensors if name.rpartition(".")[2] not in IGNORED]
    if names == sorted(names):
        names.sort(key=_natural)
    groups: dict[str, Group] = {}
    for name in names:
        prefix, _, own = name.rpartition(".")
        groups.setdefault(prefix, {})[SYNONYMS.get(own, own)] = (name, tensors[name])
    return groups


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return what names are sorted by, with the numbers in them as numbers."""
    parts = re.split(r"(\d+)", name.rpartition(".")[0])
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _as_said(
    match: Match,
    leaves: Mapping[str, Tensors],
    groups: dict[str, Group],
    pairs: Mapping[str, str],
    shapes: Mapping[str, Shape],
) -> None:
    """Fill what `pairs` say; a line of theirs and ours names arrays, or all of a module and a layer."""
    places = {tensor.name: (name, own) for own in leaves.values() for name, tensor in own.items()}
    wrong = []
    for theirs, ours in pairs.items():
        prefix, _, own_name = theirs.rpartition(".")
        if theirs in groups and ours not in places:
            moves = [
                (theirs, name, full)
                for name in groups[theirs]
                for full, (suffix, _) in places.items()
                if suffix == name and full.rpartition(".")[0] == ours
            ]
            if [name for _, name, _ in moves] != list(groups[theirs]):
                wrong.append(f"  {theirs} = {ours}: layer {ours} has no such arrays, or several; name each")
                continue
        elif SYNONYMS.get(own_name, own_name) in groups.get(prefix, {}) and ours in places:
            moves = [(prefix, SYNONYMS.get(own_name, own_name), ours)]
        else:
            what = "the network has no array of the name" if ours not in places else "the file has none"
            wrong.append(f"  {theirs} = {ours}: {what}")
            continue
        for module, name, full in moves:
            suffix, own = places[full]
            array = groups[module][name][1]
            if array.shape != own[suffix].shape:
                wrong.append(
                    f"  {groups[module][name][0]} = {full}: is {by(array.shape)}, "
                    f"and has to be {by(own[suffix].shape)}"
                )
                continue
            _fill(match, own[suffix], groups[module].pop(name), shapes)
    if wrong:
        raise UsageError("--map: what it says does not hold:", *wrong)
