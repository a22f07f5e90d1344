"""One order statistic of all cells of a small rectangle, by minima and maxima of whole blocks.

A sorting network compares two places, always the same, whatever stands there: so one comparison is done for
all windows of a block at once. What windows share is sorted once. The columns of a window are sorted lists of
its rows, and the list of one column is that of every window which has the column; that of two columns is made
of one column's and the same moved by one; and so on, until two lists cover the window, of which the one
number wanted is taken. On the way it is forgotten what cannot be that number: in a sorted list of n out of
the window's N cells, the i-th is less than n − 1 − i others.

Sources: K. E. Batcher, Sorting networks and their applications, 1968 (doi:10.1145/1468075.1468121), for
merging; A. Adams, Fast median filters using separable sorting networks, 2021 (doi:10.1145/3450626.3459773),
for sorting columns first and forgetting early.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from convcli.engine.ranks.extremes import put_lines
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair

AT_ONCE = 2**16  # windows: to call for fewer takes longer than to compute
STRIP = 1024  # columns of them
SCRATCH_BYTES = 2**24  # of all numbers that are kept at once: a third-level cache holds them

Place: TypeAlias = tuple[int, int, int]  # which number, moved by how many rows and columns
LOW, HIGH = (-1, 0, 0), (-2, 0, 0)  # beyond all numbers


@dataclass
class Network:
    """Comparisons, in order: number i + 1 is the lesser (False) or the greater (True) of two places.

    Number 0 is the cells themselves. What was made once is not made again.
    """

    steps: list[tuple[bool, Place, Place]] = field(default_factory=list)
    _known: dict[tuple[bool, Place, Place], int] = field(default_factory=dict)

    def compare(self, greater: bool, a: Place, b: Place) -> Place:
        """Return where the lesser or the greater of two stands."""
        for one, other in ((a, b), (b, a)):
            if one == LOW:
                return other if greater else LOW
            if one == HIGH:
                return HIGH if greater else other
        if a == b:
            return a
        a, b = sorted((a, b))
        down, across = min(a[1], b[1]), min(a[2], b[2])
        key = greater, (a[0], a[1] - down, a[2] - across), (b[0], b[1] - down, b[2] - across)
        if key not in self._known:
            self.steps.append(key)
            self._known[key] = len(self.steps)
        return self._known[key], down, across

    def merge(self, a: list[Place], b: list[Place]) -> list[Place]:
        """Return two sorted lists as one, by Batcher's odd-even merge."""
        if not a or not b:
            return a + b
        if len(a) == len(b) == 1:
            return [self.compare(False, a[0], b[0]), self.compare(True, a[0], b[0])]
        even, odd = self.merge(a[::2], b[::2]), self.merge(a[1::2], b[1::2])
        merged = [even[0]]
        for at in range(max(len(odd), len(even) - 1)):
            if at >= len(odd):
                merged.append(even[at + 1])
            elif at + 1 >= len(even):
                merged.append(odd[at])
            else:
                merged += [self.compare(greater, odd[at], even[at + 1]) for greater in (False, True)]
        return merged

    def nth(self, a: list[Place], b: list[Place], n: int) -> Place:
        """Return the n-th, from 0, of two sorted lists: the least of the greater ones of all shares."""
        found = HIGH
        for taken in range(max(0, n + 1 - len(b)), min(len(a), n + 1) + 1):
            rest = n + 1 - taken
            greater = self.compare(True, a[taken - 1] if taken else LOW, b[rest - 1] if rest else LOW)
            found = self.compare(False, found, greater)
        return found


def _moved(places: list[Place], down: int, across: int) -> list[Place]:
    return [one if one in (LOW, HIGH) else (one[0], one[1] + down, one[2] + across) for one in places]


class _Sorted:
    """Sorted lists of ever more cells, each made of two shorter ones, without what cannot be wanted."""

    def __init__(self, network: Network, size: Pair, rank: int, split: Callable[[int], int]) -> None:
        self.network, self.size, self.rank, self.split = network, size, rank, split
        self.lists: dict[Pair, list[Place]] = {(1, 1): [(0, 0, 0)]}

    def of(self, rows: int, columns: int) -> list[Place]:
        """Return the list of rows × columns: whole columns, or a part of one."""
        if (rows, columns) not in self.lists:
            whole = columns if columns > 1 else rows
            first = self.split(whole)
            if columns > 1:
                a, b = self.of(rows, first), _moved(self.of(rows, whole - first), 0, first)
            else:
                a, b = self.of(first, 1), _moved(self.of(whole - first, 1), first, 0)
            self.lists[rows, columns] = self._joined(a, b)
        return self.lists[rows, columns]

    def _joined(self, a: list[Place], b: list[Place]) -> list[Place]:
        """Merge two lists and forget."""
        count, total = len(a) + len(b), self.size[0] * self.size[1]
        first, last = max(0, count - (total - self.rank)), min(count - 1, self.rank)
        if last - first < 2:
            kept = [self.network.nth(a, b, n) for n in range(first, last + 1)]
        else:
            kept = self.network.merge(a, b)[first : last + 1]
        return [LOW] * first + kept + [HIGH] * (count - 1 - last)


def _halves(n: int) -> int:
    return (n + 1) // 2


def _doubles(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def _evens(n: int) -> int:
    return n - 1 if n % 2 else n // 2


@dataclass(frozen=True, eq=False)
class Selection:
    """A network that gives one number of each window.

    Attributes
    ----------
    steps
        Comparisons in order, of which all are needed: (greater, place, place, place for the result); what is
        at a place of numbers is overwritten when it is needed no more.
    reach
        Rows and columns beyond a block that are needed of each step's result.
    buffers
        How many numbers are kept at once; 0 are the cells.
    """

    steps: tuple[tuple[bool, Place, Place, int], ...]
    reach: tuple[Pair, ...]
    buffers: int
    result: Place

    @property
    def cost(self) -> int:
        """How many minima and maxima."""
        return len(self.steps)


@lru_cache(maxsize=32)
def selection(size: Pair, rank: int) -> Selection:
    """Return the network for the number at `rank`, from 0, of the cells of a rectangle: the best of three."""
    return min(
        (_selection(size, rank, split) for split in (_halves, _doubles, _evens)), key=lambda one: one.cost
    )


def _selection(size: Pair, rank: int, split: Callable[[int], int]) -> Selection:
    network = Network()
    result = _Sorted(network, size, rank, split).of(*size)[rank]
    # What is needed, and how far beyond a block.
    reach: dict[int, Pair] = {result[0]: (result[1], result[2])}
    last: dict[int, int] = {}
    for number in range(len(network.steps), 0, -1):
        if number not in reach:
            continue
        for source, down, across in network.steps[number - 1][1:]:
            known, own = reach.get(source, (0, 0)), reach[number]
            reach[source] = max(known[0], own[0] + down), max(known[1], own[1] + across)
            last.setdefault(source, number)
    free, buffers, held = list[int](), 1, {0: 0}
    steps, reaches = [], []
    for number, (greater, a, b) in enumerate(network.steps, 1):
        if number not in reach:
            continue
        if free:
            held[number] = free.pop()
        else:
            held[number], buffers = buffers, buffers + 1
        steps.append((greater, (held[a[0]], *a[1:]), (held[b[0]], *b[1:]), held[number]))
        reaches.append(reach[number])
        for source in {a[0], b[0]}:
            if last[source] == number and source:
                free.append(held[source])
    return Selection(tuple(steps), tuple(reaches), buffers, (held[result[0]], *result[1:]))


def select(cells: Array, size: Pair, rank: int, out: Array, workspace: Workspace) -> None:
    """Put the number at `rank`, from 0, of the cells of a rectangle at every position into `out`.

    Parameters
    ----------
    cells
        (h + f_h − 1, w + f_w − 1), of any real dtype, border included. A window that holds a NaN gives NaN.
    size, rank
        f_h and f_w; rank from 0 to f_h · f_w − 1.
    out
        (h, w) of the same dtype.
    """
    network, (rows, columns) = selection(size, rank), out.shape
    for left in range(0, columns, STRIP):
        strip = cells[:, left : left + STRIP + size[1] - 1]
        width = strip.shape[1]
        fitting = SCRATCH_BYTES // (network.buffers * cells.itemsize * width) - size[0]
        band = max(min(AT_ONCE // width, fitting), size[0])  # beyond each band as much is sorted again
        for first in range(0, rows, band):
            some = out[first : first + band, left : left + STRIP]
            own = strip[first : first + len(some) + size[0] - 1]
            lines = workspace.array("network 0", own.shape, cells.dtype)
            np.copyto(lines, own)
            if first == 0 or len(some) < band:
                calls, found = _prepared(network, lines.reshape(-1), some.shape, width, workspace)
            for of, one, other, target in calls:
                of(one, other, out=target)
            put_lines(found, width, some)


def _prepared(
    network: Selection, cells: Array, shape: tuple[int, ...], width: int, workspace: Workspace
) -> tuple[list[tuple[Any, Array, Array, Array]], Array]:
    """Return the calls that compare for all windows of a block, and where the result will be."""
    (rows, columns), buffers = shape, {0: cells}
    for number in range(1, network.buffers):
        buffers[number] = workspace.array(f"network {number}", cells.shape, cells.dtype)

    def line(place: Place, reach: Pair = (0, 0)) -> Array:
        count = (rows - 1 + reach[0]) * width + columns + reach[1]
        return buffers[place[0]][place[1] * width + place[2] :][:count]

    calls = []
    for (greater, a, b, target), reach in zip(network.steps, network.reach, strict=True):
        of = np.maximum if greater else np.minimum
        calls.append((of, line(a, reach), line(b, reach), line((target, 0, 0), reach)))
    return calls, line(network.result)
