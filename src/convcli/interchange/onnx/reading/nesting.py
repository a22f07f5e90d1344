"""Steps in any order as rows within rows: where branches fork, and where they meet again.

ONNX has a graph, networks here have layers that hold layers. What all branches that meet have gone through
last is where they forked: the dominator that their inputs share. Source: Cooper, Harvey and Kennedy, 2001,
"A simple, fast dominance algorithm".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from convcli.errors import InputError
from convcli.interchange.onnx.reading.steps import Meeting, Step

DEEPEST = 8  # branches within branches; a configuration has fewer


@dataclass(frozen=True, eq=False)
class Fork:
    """Branches that take the same and meet in a step; one without a step hands on what it takes."""

    step: Step
    branches: tuple[Row, ...]


Row: TypeAlias = "list[Step | Fork]"
"""Steps one after the other."""


def nested(steps: Sequence[Step], last: int, where: str) -> Row:
    """Return the steps that lead to the output of the `last` one, as a row.

    Raises InputError where branches do not meet as they have forked.
    """
    return _Nesting(_shared(steps), where).row(0, last, 0)


def _shared(steps: Sequence[Step]) -> list[Step]:
    """Return steps of which one that puts values side by side takes what another has put there already.

    So networks in which each layer takes all before it are rows: (a, b, c) is (a, b) and c.
    """
    known: dict[tuple[int, ...], int] = {}
    shared = []
    for number, step in enumerate(steps, 1):
        if step.does == Meeting("concatenate"):
            given = step.inputs
            most = next((k for k in range(len(given) - 1, 1, -1) if given[:k] in known), 0)
            known.setdefault(given, number)
            if most:
                step = replace(step, inputs=(known[given[:most]], *given[most:]))
        shared.append(step)
    return shared


class _Nesting:
    def __init__(self, steps: Sequence[Step], where: str) -> None:
        self.steps, self.where = steps, where
        self.used: set[int] = set()
        self.dominator, self.depth = [0], [0]
        for step in steps:
            fork = step.inputs[0]
            for other in step.inputs[1:]:
                fork = self._both(fork, other)
            self.dominator.append(fork)
            self.depth.append(self.depth[fork] + 1)

    def _both(self, one: int, other: int) -> int:
        """Return what all ways to either go through last."""
        while one != other:
            if self.depth[one] < self.depth[other]:
                one, other = other, one
            one = self.dominator[one]
        return one

    def row(self, first: int, last: int, level: int) -> Row:
        """Return what leads from one output to another, all of whose ways go through the first."""
        if level > DEEPEST:
            raise InputError(f"{self.where}: branches within branches, more than {DEEPEST} deep.")
        row: Row = []
        while last != first:
            step = self.steps[last - 1]
            if last in self.used:
                raise self._crossing(last)
            self.used.add(last)
            if isinstance(step.does, Meeting):
                fork = self.dominator[last]
                branches = tuple(self.row(fork, end, level + 1) for end in step.inputs)
                row.append(Fork(step, branches))
            else:
                row.append(step)
            last = self.dominator[last]
        return row[::-1]

    def _crossing(self, number: int) -> InputError:
        takers = [str(step.node) for step in self.steps if number in step.inputs]
        return InputError(
            f"{self.where}: its branches cross, and layers here hold each other as boxes do: what "
            f"{self.steps[number - 1].node} gives goes to {', '.join(takers[:6])}, which meet others first."
        )
