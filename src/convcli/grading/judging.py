"""A learner's file judged: what is recognised, how it is meant, what it makes of every case, and how fast."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.cases import Case, Outcome, cases
from convcli.grading.comparison import differing
from convcli.grading.conventions import Call, Subject, Unlike
from convcli.grading.conventions.layouts import canonical, laid
from convcli.grading.operations import NOTATION
from convcli.grading.process import Answer, Trouble
from convcli.grading.speed import Speed, large_case, measured
from convcli.wording import counted

MARGIN = 0.25
"""By how much (2 is all right, 1 all shapes) a less likely reading of a wrong function must be better."""
LASTING = ("time", "crash", "whole")
"""Troubles after which the function is not asked again."""


class Asked(Protocol):
    """Whoever calls a learner's functions: a process of its own, or a test."""

    def perform(self, steps: Sequence[dict[str, Any]], seconds: float) -> Answer:
        """Return what a plan tells, or raise Trouble."""


@dataclass(frozen=True)
class Failure:
    """The smallest case that a function fails, and how.

    Attributes
    ----------
    kind
        wrong (numbers), shape, none (nothing that can be compared is returned), unsteady; or a trouble's:
        error, exit, memory, time, crash, whole.
    message
        What happened, in a line.
    outcome
        What was expected and found, where there was an answer.
    """

    kind: str
    message: str
    case: Case
    outcome: Outcome | None = None
    line: int | None = None


@dataclass(frozen=True)
class Judgement:
    """What was found of one function.

    Attributes
    ----------
    call
        How it was understood.
    fits
        Whether that made right results in some case.
    passed, tried
        Cases.
    outcomes
        Those with an answer, for whoever looks for the mistake behind them.
    notes
        What makes no result wrong, and is to be known: that an argument is changed in place, that cases were
        left out.
    """

    subject: Subject
    call: Call
    fits: bool
    passed: int
    tried: int
    outcomes: tuple[Outcome, ...] = ()
    failure: Failure | None = None
    speed: Speed | None = None
    notes: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether all cases came out right."""
        return self.failure is None


@dataclass
class _Budget:
    """The seconds that a function has, for all of its cases."""

    seconds: float
    begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.begun)


def judge(
    subjects: Sequence[Subject], asked: Asked, *, seed: int = 0, seconds: float = 10.0, timed: bool = True
) -> Iterator[Judgement]:
    """Yield the judgement on each subject, in the order in which they come.

    Parameters
    ----------
    seed
        Of the random cases.
    seconds
        That each function has for all of its cases.
    timed
        Whether what is right is timed on a larger case as well.
    """
    chosen: dict[str, Call] = {}
    for subject in subjects:
        judgement = _judged(subject, chosen.get(subject.forward), asked, seed, _Budget(seconds), timed)
        chosen[subject.name] = judgement.call
        yield judgement


def _judged(
    subject: Subject, forward: Call | None, asked: Asked, seed: int, budget: _Budget, timed: bool
) -> Judgement:
    candidates: Sequence[Any] = [
        call for call in subject.calls if forward is None or _same_way(call, forward)
    ] or subject.calls
    try:
        call, fits = _understood(subject, candidates, asked, budget)
    except _Stopped as stopped:
        trouble = stopped.trouble
        ended = Failure(trouble.kind, trouble.message, stopped.case, line=trouble.line)
        return Judgement(subject, stopped.call, False, 0, 1, failure=ended)
    outcomes: list[Outcome] = []
    failures: list[Failure] = []
    changed: set[str] = set()
    before: list[Failure] = []
    tried = 0
    for case in cases(subject.operation, seed, call.limits):
        outcome: Outcome | None
        failure: Failure | None
        try:
            outcome, failure = _tried(call, case, asked, budget, changed)
        except Trouble as trouble:
            if _of_another(subject, trouble):
                message = f"{subject.forward}, which comes before it, fails: {trouble.message}"
                before.append(Failure(trouble.kind, message, case, line=trouble.line))
                continue
            outcome, failure = None, Failure(trouble.kind, trouble.message, case, line=trouble.line)
        tried += 1
        outcomes += [outcome] if outcome is not None else []
        failures += [failure] if failure is not None else []
        if failure is not None and failure.kind in LASTING:
            break
    if not tried:
        return Judgement(subject, call, fits, 0, len(before), failure=before[0])
    left_out = f"{subject.forward} fails in {counted(len(before), 'more case')}, which are left out here"
    if not failures and (unsteady := _unsteady(call, outcomes, asked, budget)):
        failures.append(unsteady)
    speed = None
    if not failures and timed:
        speed = _timed(call, asked, budget)
    first = min(failures, key=_seriousness) if failures else None
    passed = tried - len({id(failure.case) for failure in failures})
    notes = [f"it changes its argument {name} in place: work on a copy" for name in sorted(changed)]
    notes += [left_out] if before else []
    return Judgement(subject, call, fits, passed, tried, tuple(outcomes), first, speed, tuple(notes))


def _of_another(subject: Subject, trouble: Trouble) -> bool:
    """Whether it is the forward pass before it that failed, or the making of its layer."""
    return bool(subject.forward and trouble.of) and trouble.of != subject.name.split(".")[-1]


def _seriousness(failure: Failure) -> tuple[bool, int]:
    """Order failures: cases by hand before others, the smallest first."""
    return failure.case.origin != "hand", failure.case.size


def _same_way(call: Call, forward: Call) -> bool:
    return call.layout == forward.layout and call.limits == forward.limits


@dataclass(frozen=True)
class _Stopped(Exception):  # noqa: N818
    """A function ended its process, or did not end, before it was clear how it is meant."""

    trouble: Trouble
    case: Case
    call: Call


def _understood(
    subject: Subject, candidates: Sequence[Call], asked: Asked, budget: _Budget
) -> tuple[Call, bool]:
    """Return the way in which most hand cases come out right, or at least in shape, and whether any did."""
    best, most = candidates[0], 0.0
    for call in candidates:
        marks: list[int] = []
        for case in cases(subject.operation, 0, call.limits):
            if case.origin != "hand":
                continue
            try:
                marks.append(_mark(call, case, asked, budget))
            except Trouble as trouble:
                if trouble.kind in LASTING:
                    raise _Stopped(trouble, case, candidates[0]) from None
                if not _of_another(subject, trouble):
                    marks.append(0)
            if not any(marks) and len(marks) >= 3:
                break
        mean = sum(marks) / max(1, len(marks))
        told = _hinted(candidates[0]) and not _hinted(call)
        if told and (mean < 2 or subject.operation == "zero_pad"):
            continue  # a text that says how it is meant is believed; np.pad(x, p) would be right for planes
        if mean > most and (mean == 2 or not most or mean > most + MARGIN):
            best, most = call, mean
        if mean == 2 or (most and _hinted(call) and not _hinted(_after(candidates, call))):
            break
    return best, most > 0


def _hinted(call: Call | None) -> bool:
    """Whether a file's own text says how a function is meant: others are tried only if that fails."""
    return call is not None and getattr(call, "hinted", False)


def _after(candidates: Sequence[Call], call: Call) -> Call | None:
    place = next(n for n, one in enumerate(candidates) if one is call) + 1
    return candidates[place] if place < len(candidates) else None


def _mark(call: Call, case: Case, asked: Asked, budget: _Budget) -> int:
    """Return 2 for right results, 1 for the right shapes."""
    try:
        answer = asked.perform(call.plan(case), _left(budget))
        found = call.results(case, answer.told)
    except Unlike:
        return 0
    outcome = Outcome(case, case.expected(), found)
    if outcome.holds:
        return 2
    shapes = all(
        array is not None and array.shape == outcome.expected[name].shape for name, array in found.items()
    )
    return 1 if shapes else 0


def _left(budget: _Budget) -> float:
    if budget.left <= 0:
        raise Trouble("time", f"no end of its cases after {budget.seconds:g} s")
    return budget.left


def _tried(
    call: Call, case: Case, asked: Asked, budget: _Budget, changed: set[str]
) -> tuple[Outcome | None, Failure | None]:
    """Return what came out and what is wrong; add to `changed` the arguments that are no more the same."""
    answer = asked.perform(call.plan(case), _left(budget))
    try:
        found = call.results(case, answer.told)
    except Unlike as unlike:
        return None, Failure("none", str(unlike), case)
    outcome = Outcome(case, case.expected(), found)
    if not outcome.holds:
        return outcome, Failure(*_how(outcome, call), case, outcome)
    stepped = ("w", "b") if getattr(call, "rate", False) else ()
    changed.update(call.own_name(name) for name in answer.changed if name not in stepped)
    return outcome, None


def _how(outcome: Outcome, call: Call) -> tuple[str, str]:
    """Return what is wrong with the first wrong result, in the learner's own layout."""
    name = outcome.wrong[0]
    found, expected = outcome.found[name], outcome.expected[name]
    told = NOTATION.get(name, name)
    if found is None:
        return "none", f"{told} is None"
    if found.shape != expected.shape:
        ours, theirs = canonical(outcome.case.operation, name), call.layout.axes(name)
        shapes = [_shape(array, ours, theirs) for array in (found, expected)]
        return "shape", f"{told} has the shape {shapes[0]}, not {shapes[1]}"
    if np.isnan(found).any() and not np.isnan(expected).any():
        return "wrong", f"{told} has NaN in it, which is no number"
    if np.isinf(found).any():
        return "wrong", f"{told} has infinity in it"
    cells = int(differing(found, expected, outcome.tolerance(name)).sum())
    return "wrong", f"{told} is wrong in {cells} of {counted(expected.size, 'cell')}"


def _shape(array: Array, ours: str, theirs: str) -> tuple[int, ...]:
    """Return a shape with somebody's own axes, as far as it has ours."""
    gone = [axis for axis in ours if axis not in theirs]
    if array.ndim != len(ours) or any(array.shape[ours.index(axis)] != 1 for axis in gone):
        return array.shape
    return laid(array, ours, theirs).shape


def _unsteady(call: Call, outcomes: Sequence[Outcome], asked: Asked, budget: _Budget) -> Failure | None:
    """Return a failure if the first case comes out another way now than at first."""
    first = outcomes[0]
    try:
        again = call.results(first.case, asked.perform(call.plan(first.case), _left(budget)).told)
    except (Trouble, Unlike):
        again = {}
    if all(name in again and _equal(array, again[name]) for name, array in first.found.items()):
        return None
    message = "the same input gives other results the second time: it draws numbers, or keeps something"
    return Failure("unsteady", message, first.case, Outcome(first.case, first.expected, again))


def _equal(one: Array | None, other: Array | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other, equal_nan=True)


def _timed(call: Call, asked: Asked, budget: _Budget) -> Speed | None:
    case = large_case(call.operation, call.limits)
    if case is None:
        return None

    def theirs() -> float:
        return asked.perform(call.plan(case), _left(budget)).seconds

    try:
        return measured(case, theirs)
    except (Trouble, Unlike):
        return None


def in_process(names: Mapping[str, Any]) -> Asked:
    """Return a way to call functions that are at hand, without a process: for tests."""
    from convcli.grading.inside import Bench, described

    bench = Bench(dict(names))

    class Here:
        def perform(self, steps: Sequence[dict[str, Any]], seconds: float) -> Answer:
            try:
                answer = bench.perform(list(steps))
            except Exception as error:
                told = described(error, "")
                raise Trouble("error", f"{told['type']}: {told['message']}", of=bench.at) from None
            return Answer(
                {name: _plain(value) for name, value in answer["told"].items()},
                answer["seconds"],
                answer["changed"],
            )

    return Here()


def _plain(value: Any) -> Any:
    """Return a value as it would have come through a pipe."""
    from convcli.grading.inside import decoded, encoded

    return decoded(encoded(value))
