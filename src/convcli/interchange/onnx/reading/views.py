"""How a value of an ONNX graph lies in an array of ours: which of its axes are which parts of ours.

Other frameworks have the channels first, or turn volumes around, flatten them, cut an axis in two and put
the parts elsewhere. None of it moves a number here: an axis is a product of atoms, and a view says in which
order ONNX has those of ours. What takes a value then asks for it as a volume, or flat.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.layer import Shape


@dataclass(frozen=True, eq=False)
class Atom:
    """An axis, or a factor of one: each is itself alone. Those of size 1 are left out everywhere."""

    size: int


Axis: TypeAlias = tuple[Atom, ...]
"""Atoms of which the last changes fastest; none where the size is 1."""


def axis(size: int) -> Axis:
    """Return a new axis."""
    return (Atom(size),) if size > 1 else ()


def size_of(atoms: Iterable[Atom]) -> int:
    return math.prod(atom.size for atom in atoms)


@dataclass(frozen=True)
class View:
    """A value of ONNX as a view of an array of ours.

    Attributes
    ----------
    own
        The axes of ours, without the batch: (h, w, c) or (features,).
    axes
        Those of ONNX, the batch among them.
    batch
        The axis of the samples.
    """

    own: tuple[Axis, ...]
    axes: tuple[Axis, ...]
    batch: Axis

    @property
    def shape(self) -> Shape:
        """The shape that ONNX sees."""
        return tuple(map(size_of, self.axes))

    @property
    def own_shape(self) -> Shape:
        """The shape of ours, without the batch."""
        return tuple(map(size_of, self.own))

    @property
    def channels(self) -> Axis:
        """The last axis of ours."""
        return self.own[-1]

    def transposed(self, order: Sequence[int]) -> View:
        """Return the view with its axes in another order."""
        return View(self.own, tuple(self.axes[position] for position in order), self.batch)

    def reshaped(self, shape: Sequence[int]) -> View | None:
        """Return the view in another shape of as many numbers; None where it cuts across axes."""
        left, axes, cuts = list(chain.from_iterable(self.axes)), list[Axis](), dict[Atom, Axis]()
        for size in shape:
            taken: list[Atom] = []
            while (had := size_of(taken)) != size:
                if not left or size % had:
                    return None
                atom, missing = left.pop(0), size // had
                if atom.size > missing:
                    if atom.size % missing:
                        return None
                    parts = cuts[atom] = (Atom(missing), Atom(atom.size // missing))
                    atom = parts[0]
                    left.insert(0, parts[1])
                taken.append(atom)
            axes.append(tuple(taken))
        if left:
            return None
        own = tuple(_cut(one, cuts) for one in self.own)
        return View(own, tuple(axes), _cut(self.batch, cuts))

    @property
    def is_volume(self) -> bool:
        """Whether ONNX has it as (n, c, h, w), and we as (h, w, c)."""
        if len(self.own) != 3:
            return False
        h, w, c = self.own
        return self.axes == (self.batch, c, h, w)

    @property
    def is_flat(self) -> bool:
        """Whether ONNX has a row of numbers for each sample, in whatever order of ours."""
        first, *others = self.axes
        long = [one for one in others if one]
        return first == self.batch and len(long) <= 1 and set(chain(*others)) == set(chain(*self.own))

    @property
    def in_order(self) -> bool:
        """Whether a row as ONNX has it is in the order of ours."""
        return [*chain(*self.axes[1:])] == [*chain(*self.own)]

    def order(self) -> Array:
        """Return, for each number of a row as ONNX has it, its place among ours, (features,)."""
        ours, theirs = list(chain(*self.own)), list(chain(*self.axes[1:]))
        places = np.arange(size_of(ours)).reshape([atom.size for atom in ours])
        return np.transpose(places, [ours.index(atom) for atom in theirs]).ravel()

    def flattened(self) -> View:
        """Return the view on the same numbers of ours as one row."""
        return View((tuple(chain(*self.own)),), self.axes, self.batch)

    def with_last(self, last: Axis, own: tuple[Axis, ...]) -> View:
        """Return the view on another array of ours, whose channels are the last axis here."""
        return View(own, (*self.axes[:-1], last), self.batch)

    def ours(self, x: Array) -> Array:
        """Return what ONNX has as `x` as an array of ours, (n, h, w, c) or (n, features)."""
        theirs, order = list(chain(*self.axes)), list(chain(self.batch, *self.own))
        split = x.reshape([atom.size for atom in theirs])
        turned = np.transpose(split, [theirs.index(atom) for atom in order])
        return np.ascontiguousarray(turned).reshape(size_of(self.batch), *self.own_shape)

    def theirs(self, x: Array) -> Array:
        """Return an array of ours as ONNX has it."""
        theirs, order = list(chain(*self.axes)), list(chain(self.batch, *self.own))
        split = x.reshape([atom.size for atom in order])
        return np.transpose(split, [order.index(atom) for atom in theirs]).reshape(self.shape)

    def lies_as(self, other: View) -> bool:
        """Whether both are the same view of arrays of the same shape."""
        return self.own_shape == other.own_shape and self.shape == other.shape and self._sign == other._sign

    @property
    def _sign(self) -> tuple[object, ...]:
        """What is the same for views that show an array in the same way."""
        order = list(chain(self.batch, *self.own))
        ends = np.cumprod([1, *(atom.size for atom in reversed(order))])[::-1]
        stride = {atom: int(ends[number + 1]) for number, atom in enumerate(order)}
        return tuple(_joined([(stride[atom], atom.size) for atom in one]) for one in self.axes)

    def along_channels(self, numbers: Array) -> Array | None:
        """Return `numbers`, which ONNX would add to the value, as one for each channel of ours, (c,) or ().

        None where they differ from cell to cell.
        """
        full = numbers.reshape((1,) * (len(self.axes) - numbers.ndim) + numbers.shape)
        if full.size == 1:
            return full.reshape(())
        if any(size not in (1, there) for size, there in zip(full.shape, self.shape, strict=True)):
            return None
        atoms = [atom for one, size in zip(self.axes, full.shape, strict=True) if size > 1 for atom in one]
        if not set(atoms) <= set(self.channels):
            return None
        split = full.reshape([atom.size for atom in atoms])
        ordered = np.transpose(split, [atoms.index(atom) for atom in self.channels if atom in atoms])
        spread = ordered.reshape([atom.size if atom in atoms else 1 for atom in self.channels])
        return np.broadcast_to(spread, [atom.size for atom in self.channels]).reshape(-1)


def _cut(one: Axis, cuts: dict[Atom, Axis]) -> Axis:
    """Return an axis with atoms cut, each as often as it was."""
    if not any(atom in cuts for atom in one):
        return one
    return _cut(tuple(part for atom in one for part in cuts.get(atom, (atom,))), cuts)


def _joined(parts: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return (stride, size) of atoms, neighbours as one where they lie so."""
    joined: list[tuple[int, int]] = []
    for stride, size in parts:
        if joined and joined[-1][0] == stride * size:
            joined[-1] = (stride, joined[-1][1] * size)
        else:
            joined.append((stride, size))
    return tuple(joined)


def volume(shape: Shape, batch: Axis) -> View:
    """Return ONNX's usual view (n, c, h, w) of a new volume (h, w, c)."""
    h, w, c = map(axis, shape)
    return View((h, w, c), (batch, c, h, w), batch)


def row(features: int, batch: Axis) -> View:
    """Return the view (n, features) of new numbers."""
    numbers = axis(features)
    return View((numbers,), (batch, numbers), batch)
