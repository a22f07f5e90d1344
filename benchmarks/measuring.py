"""What is measured and what is made of it: interleaved rounds, medians, ratios run by run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Reading: TypeAlias = Mapping[str, float]
"""What one run of one side gave: quantity → value."""

Measure: TypeAlias = Callable[[], Reading]
Rounds: TypeAlias = Sequence[Mapping[str, Reading]]
"""For each round, what each side gave."""

MORE_IS_BETTER = ("images/s", "steps/s", "GFLOP/s", "%")
"""The units of which more is better; of all others (ms, s, MB) less is."""

LONG_ENOUGH = 0.1
"""Seconds that a run should take, so that the clock and a passing disturbance do not matter."""


@dataclass(frozen=True)
class Series:
    """One side's values, in the order they were measured."""

    side: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half the distance from the lowest to the highest value, as a share of the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True)
class Case:
    """One quantity, measured on convcli and its peers in the same rounds.

    Attributes
    ----------
    at, line
        Where the case is a point of a curve: its place on the section's axis, and which curve.
    """

    name: str
    unit: str
    ours: Series
    peers: tuple[Series, ...]
    at: float | None = None
    line: str = ""

    def advantage(self, peer: Series) -> Series:
        """Return how many times better convcli was than `peer`, round by round: 2 is twice as good.

        >>> case = Case("filter", "ms", Series("convcli", (2.0, 4.0)), (Series("peer", (6.0, 4.0)),))
        >>> case.advantage(case.peers[0]).values
        (3.0, 1.0)
        """
        pairs = zip(self.ours.values, peer.values, strict=True)
        if self.unit in MORE_IS_BETTER:
            return Series(peer.side, tuple(ours / theirs for ours, theirs in pairs))
        return Series(peer.side, tuple(theirs / ours for ours, theirs in pairs))


@dataclass(frozen=True)
class Axis:
    """What a section's cases are plotted over. `scale` is "linear", "log x" or "log both"."""

    label: str
    scale: str = "linear"


@dataclass(frozen=True)
class Section:
    """The result of one comparison.

    Attributes
    ----------
    about
        What stands beside what, and how, in a few sentences.
    notes
        What was left out, and why.
    """

    title: str
    about: str
    cases: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()
    axis: Axis | None = None


@dataclass(frozen=True)
class Quantity:
    """One of the quantities that the sides of a match give, and the case that becomes of it.

    Attributes
    ----------
    key
        What it is called in a reading.
    ours, peers
        The side that is ours, and those beside it; all others that have the quantity if not named.
    """

    name: str
    unit: str
    key: str
    ours: str = "convcli"
    peers: tuple[str, ...] | None = None
    at: float | None = None
    line: str = ""

    def case(self, rounds: Rounds) -> Case:
        """Return the case."""
        peers = [
            side
            for side, reading in rounds[0].items()
            if self.key in reading and side != self.ours and (self.peers is None or side in self.peers)
        ]

        def series(side: str) -> Series:
            return Series(side, tuple(one[side][self.key] for one in rounds))

        return Case(self.name, self.unit, series(self.ours), tuple(map(series, peers)), self.at, self.line)


def interleave(
    sides: Mapping[str, Measure], *, warm_ups: int, runs: int, fewest: int, seconds: float
) -> list[dict[str, Reading]]:
    """Run all sides in turn, again and again, so that whatever disturbs the machine disturbs all of them.

    Ends after `runs` rounds, or after `seconds` if there have been at least `fewest` by then. The rounds
    before, `warm_ups`, are not counted.
    """
    for _ in range(warm_ups):
        for measure in sides.values():
            measure()
    rounds: list[dict[str, Reading]] = []
    started = time.perf_counter()
    while len(rounds) < runs and (len(rounds) < fewest or time.perf_counter() - started < seconds):
        rounds.append({name: measure() for name, measure in sides.items()})
    return rounds


def seconds_per_call(function: Callable[[], object]) -> float:
    """Return the time of one call, from as many as it takes to fill `LONG_ENOUGH` seconds."""
    calls, started = 0, time.perf_counter()
    while True:
        function()
        calls += 1
        elapsed = time.perf_counter() - started
        if elapsed >= LONG_ENOUGH:
            return elapsed / calls
