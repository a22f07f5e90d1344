"""How ranks share the lanes of a batch, and add up what these give: the same bytes, however many there are.

Each rank holds lanes that follow each other, and adds up the whole subtrees among them (`engine/pairs.py`).
Then it gives every rank the sums of that one's part of the parameters, which adds them in the tree, and all
get all parts: two exchanges, in which each receives 2 (R − 1) / R times the gradient where what a rank holds
is one subtree, which is as much as the best allreduce. Beside it go a few figures of each lane, as float64:
all ranks add them up by themselves, as one process does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np

from convcli.engine.pairs import add_in_pairs, join, joins, subtrees
from convcli.engine.team import shared_zeros
from convcli.engine.threads import share, spread
from convcli.engine.workspace import Array, FreeList, Workspace
from convcli.nn.ranks import Ranks

# Parameters that are added up, or that an optimizer takes, at a time: with its state some megabytes.
CHUNK = 1 << 17

# With fewer chunks another thread saves less than it takes to start.
MANY_CHUNKS = 8


def shares(count: int, ranks: int) -> list[range]:
    """Return which of `count` lanes, or pieces, each rank has; where there are fewer, the last have none.

    >>> shares(7, 3), shares(2, 3)
    ([range(0, 2), range(2, 4), range(4, 7)], [range(0, 1), range(1, 2), range(2, 2)])
    """
    busy = max(min(ranks, count), 1)
    return [share(count, rank, busy) for rank in range(busy)] + [range(count, count)] * (ranks - busy)


@dataclass(frozen=True)
class _Plan:
    """Who sends what, of batches of so many lanes.

    Attributes
    ----------
    held, trees
        The lanes of each rank, and the subtrees among them.
    parts
        Which parameters each rank adds up.
    order
        In which all subtrees are joined.
    heads
        How many float64 of lanes each rank sends to each: their figures, and whether it is asked to stop.
    """

    held: list[range]
    trees: list[list[range]]
    parts: list[slice]
    order: list[tuple[int, int]]
    heads: list[int]

    @classmethod
    def of(cls, lanes: int, ranks: int, parameters: int, figures: int) -> _Plan:
        held = shares(lanes, ranks)
        trees = [subtrees(own, lanes) for own in held]
        parts = [share(parameters, rank, ranks) for rank in range(ranks)]
        return cls(
            held,
            trees,
            [slice(part.start, part.stop) for part in parts],
            joins([tree for own in trees for tree in own], lanes),
            [1 + figures * len(own) for own in held],
        )

    def bytes_to(self, sender: int, receiver: int) -> int:
        """Return how many bytes a rank sends to another: a multiple of 8, so that the next are aligned."""
        part = self.parts[receiver]
        numbers: int = len(self.trees[sender]) * (part.stop - part.start)
        return 8 * (self.heads[sender] + (numbers + 1) // 2)

    def views(self, buffer: Array, sender: int, receiver: int) -> tuple[Array, Array]:
        """Return the head and the sums (subtrees, parameters) of what is sent."""
        part, trees = self.parts[receiver], len(self.trees[sender])
        head, rest = np.split(buffer, [8 * self.heads[sender]])
        width = part.stop - part.start
        return head.view(np.float64), rest.view(np.float32)[: trees * width].reshape(trees, width)


class Sharing:
    """Adds up what the lanes of a batch give, with other ranks if there are some.

    Parameters
    ----------
    ranks
        Who shares them.
    lanes : (most lanes, parameters), float32
        Where each lane's gradient lies.
    figures : (most lanes, figures), float64
        Where each lane's figures lie.
    threads
        How many add up long vectors.

    Attributes
    ----------
    total : (parameters,), float32
        The sum of the gradients.
    """

    def __init__(self, ranks: Ranks, lanes: Array, figures: Array, threads: int) -> None:
        self._ranks, self._lanes, self._figures, self._threads = ranks, lanes, figures, threads
        # Shared with helpers, though they do not use it: what a network card is to send must stay where it is
        # when a process is forked.
        self.total = shared_zeros(lanes.shape[1], np.float32)
        self._plan = cache(self._new_plan)
        self._scratch = FreeList(Workspace)
        self._buffers: dict[str, Array] = {}

    def held(self, lanes: int) -> range:
        """Return which of so many lanes are this rank's."""
        return self._plan(lanes).held[self._ranks.rank]

    def received(self, lanes: int) -> int:
        """Return how many bytes the others send this rank for a batch of so many lanes, meetings left out.

        Of a plain sum, whose way is MPI's own, it is what no way can do without.
        """
        rank, others = self._ranks.rank, [one for one in range(self._ranks.size) if one != self._ranks.rank]
        if self._ranks.plain:
            return 2 * len(others) * self._plain_size * 4 // self._ranks.size
        plan = self._plan(lanes)
        summed: int = self.total.nbytes - self.total[plan.parts[rank]].nbytes
        return summed + sum(plan.bytes_to(other, rank) for other in others)

    @property
    def _plain_size(self) -> int:
        """How many numbers a plain sum adds: of each figure two, and whether each rank is asked to stop."""
        size: int = self.total.size + 2 * self._figures.shape[1] + self._ranks.size
        return size

    def add(self, lanes: int, asked: int) -> tuple[Array, int]:
        """Put the sum of so many lanes' gradients into `total`.

        Parameters
        ----------
        asked
            The number of a signal that asks this rank to stop; 0 if there is none.

        Returns
        -------
        figures : (n, figures), float64
            Of each lane, or added up.
        stop
            The number of a signal that asks a rank to stop.
        """
        if self._ranks.size == 1:
            self._add_held([(range(lanes), slice(0, self.total.size), self.total)])
            return self._figures[:lanes], asked
        if self._ranks.plain:
            return self._add_plainly(lanes, asked)
        return self._add_in_tree(lanes, asked)

    def _of(self, lanes: range) -> Array:
        return self._figures[lanes.start : lanes.stop]

    def _new_plan(self, lanes: int) -> _Plan:
        return _Plan.of(lanes, self._ranks.size, self.total.size, self._figures.shape[1])

    def _add_in_tree(self, lanes: int, asked: int) -> tuple[Array, int]:
        plan, rank, everybody = self._plan(lanes), self._ranks.rank, range(self._ranks.size)
        sent = [plan.bytes_to(rank, other) for other in everybody]
        received = [plan.bytes_to(other, rank) for other in everybody]
        sending, receiving = self._buffer("send", sum(sent)), self._buffer("receive", sum(received))
        tasks = []
        for other, given in zip(everybody, _cut(sending, sent), strict=True):
            head, sums = plan.views(given, rank, other)
            head[0] = asked
            head[1:] = self._of(plan.held[rank]).ravel()
            tasks += [
                (tree, plan.parts[other], row) for tree, row in zip(plan.trees[rank], sums, strict=True)
            ]
        self._add_held(tasks)
        self._ranks.swap(sending, sent, receiving, received)
        stop, found = 0, list[Array]()
        for other, taken in zip(everybody, _cut(receiving, received), strict=True):
            head, sums = plan.views(taken, other, rank)
            stop = max(stop, int(head[0]))
            self._of(plan.held[other])[:] = head[1:].reshape(-1, self._figures.shape[1])
            found += list(sums)
        with np.errstate(all="ignore"):
            join(found, plan.order, self.total[plan.parts[rank]])
        self._ranks.collect(self.total, [part.stop - part.start for part in plan.parts])
        return self._figures[:lanes], stop

    def _add_plainly(self, lanes: int, asked: int) -> tuple[Array, int]:
        """Add all by one allreduce of float32; of a figure a second number has what the first rounds off."""
        size, figures, held = self.total.size, self._figures.shape[1], self.held(lanes)
        numbers = self._buffer("plain", 4 * self._plain_size).view(np.float32)
        numbers[:] = 0
        if held:
            self._add_held([(held, slice(0, size), numbers[:size])])
        with np.errstate(all="ignore"):
            own = self._of(held).sum(0)
            rounded, rest = numbers[size : size + 2 * figures].reshape(2, figures)
            rounded[:] = own
            rest[:] = np.where(np.isfinite(rounded), own - rounded, 0)
            numbers[size + 2 * figures + self._ranks.rank] = asked
            self._ranks.add(numbers)
            self.total[:] = numbers[:size]
            summed = rounded.astype(np.float64) + rest
        return summed[None], int(numbers[size + 2 * figures :].max())

    def _add_held(self, tasks: Sequence[tuple[range, slice, Array]]) -> None:
        """Write the sum of some lanes' part of the parameters to each array."""
        chunks = [
            (lanes, part.start + chunk.start, out[chunk])
            for lanes, part, out in tasks
            for chunk in slices(out.size, CHUNK)
        ]

        def run(task: tuple[range, int, Array]) -> None:
            lanes, start, out = task
            with self._scratch.lent() as scratch, np.errstate(all="ignore"):
                add_in_pairs(self._lanes[lanes.start : lanes.stop, start : start + out.size], out, scratch)

        spread(run, chunks, self._threads if self.total.size >= MANY_CHUNKS * CHUNK else 1)

    def _buffer(self, name: str, size: int) -> Array:
        """Return an array of bytes; what backs it grows as asked for."""
        found = self._buffers.get(name)
        if found is None or found.size < size:
            found = self._buffers[name] = shared_zeros(size, np.uint8)
        return found[:size]


def slices(count: int, size: int) -> list[slice]:
    """Return where blocks of `size` of `count` things lie; the last may be smaller."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _cut(buffer: Array, sizes: Sequence[int]) -> list[Array]:
    return np.split(buffer, list(accumulate(sizes))[:-1])
