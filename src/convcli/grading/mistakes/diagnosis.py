"""Which usual mistake explains what a program returned, in every case that it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.cases import same
from convcli.grading.comparison import differing
from convcli.grading.mistakes.mistake import MISTAKES, Distortion, Mistake, Model, Results

if TYPE_CHECKING:
    from convcli.grading.cases import Outcome


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A mistake that explains wrong results, of one operation.

    Attributes
    ----------
    mistake
        The one that is told.
    outputs
        The names of the results that it explains.
    others
        Further mistakes that explain the same: the cases do not tell them apart.
    """

    mistake: Mistake
    outputs: tuple[str, ...]
    others: tuple[Mistake, ...] = ()

    def __str__(self) -> str:
        return f"This looks like {self.mistake.sentence}."


def diagnose(
    outcomes: Sequence[Outcome],
    finish: Callable[[Array], Array] | None = None,
    tolerance: float | None = None,
) -> list[Diagnosis]:
    """Return what explains the wrong results of one operation, the least number of mistakes that does.

    A mistake explains a result if its model makes what was found, in all cases, also in those that came out
    right. So there is none for a program that makes a mistake nobody here has thought of.

    Parameters
    ----------
    outcomes
        Cases of one operation with what was expected and found; those that raised an error have no say.
    finish
        What is done to results before they are compared, such as an activation.
    tolerance
        By which part of a result's largest number cells may differ; as `cases.same` has it if not given.
    """
    known = [outcome for outcome in outcomes if any(array is not None for array in outcome.found.values())]
    left = sorted(wrong_outputs(known, tolerance))
    if not left:
        return []
    operation = known[0].case.operation
    own_first = sorted(MISTAKES, key=lambda mistake: operation not in mistake.models)
    candidates = [
        (mistake, _explained(mistake, known, left, finish or _as_it_is, tolerance)) for mistake in own_first
    ]
    found = []
    while left:
        reach = max((len(names & set(left)) for _, names in candidates), default=0)
        if reach == 0:
            break
        first, *others = [
            (mistake, names) for mistake, names in candidates if len(names & set(left)) == reach
        ]
        told = first[1] & set(left)
        alike = tuple(mistake for mistake, names in others if told <= names)
        found.append(Diagnosis(first[0], tuple(name for name in left if name in told), alike))
        left = [name for name in left if name not in told]
    return found


def _as_it_is(array: Array) -> Array:
    return array


def wrong_outputs(outcomes: Sequence[Outcome], tolerance: float | None = None) -> set[str]:
    """Return the names of the results that are wrong in some case."""
    return {
        name
        for outcome in outcomes
        for name, array in outcome.found.items()
        if name in outcome.expected
        and array is not None
        and not agree(array, outcome.expected[name], tolerance)
    }


def agree(found: Array, expected: Array, tolerance: float | None = None) -> bool:
    """Return whether two results are the same but for rounding: shapes and numbers, not a number included."""
    if tolerance is None or found.shape != expected.shape:
        return same(found, expected)
    return not differing(found, expected, tolerance).any()


def _explained(
    mistake: Mistake,
    outcomes: Sequence[Outcome],
    names: Sequence[str],
    finish: Callable[[Array], Array],
    tolerance: float | None,
) -> set[str]:
    """Return which of the named results a mistake explains in all cases, one model at least for each."""
    explained: set[str] = set()
    for made_of in ways(mistake, outcomes[0].case.operation, finish):
        left = set(names) - explained
        for outcome in outcomes:
            if not left:
                break
            made = made_of(outcome)
            left = {name for name in left if _tells(made, outcome, name, tolerance)}
        explained |= left
    return explained


def _tells(made: Results | None, outcome: Outcome, name: str, tolerance: float | None) -> bool:
    """Return whether a model makes what was found; one that comes to no end, what came to none."""
    found = outcome.found.get(name)
    if found is None:
        return True
    return made is not None and agree(found, made.get(name, outcome.expected[name]), tolerance)


def ways(
    mistake: Mistake, operation: str, finish: Callable[[Array], Array] = _as_it_is
) -> Iterator[Callable[[Outcome], Results | None]]:
    """Yield what a mistake makes of a case, a way a model; None where such a program would break."""
    for model in mistake.models.get(operation, ()):
        yield partial(_modelled, model, finish)
    for distortion in mistake.distortions:
        yield partial(_distorted, distortion)


def _modelled(model: Model, finish: Callable[[Array], Array], outcome: Outcome) -> Results | None:
    try:
        with np.errstate(all="ignore"):
            made = model(outcome.case)
    except (ValueError, IndexError, ZeroDivisionError):
        return None
    by_name = made if isinstance(made, Mapping) else dict.fromkeys(outcome.expected, made)
    return {name: finish(np.asarray(array)) for name, array in by_name.items()}


def _distorted(distortion: Distortion, outcome: Outcome) -> Results:
    return {name: np.asarray(distortion(np.asarray(array))) for name, array in outcome.expected.items()}
