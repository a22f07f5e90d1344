"""Who makes a mistake is told of it, and nobody else: each model, right results, and unheard-of ones."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.grading.cases import Case, Outcome, cases
from convcli.grading.mistakes import MISTAKES, diagnose
from convcli.grading.mistakes.diagnosis import ways
from convcli.grading.operations import OPERATIONS

KINDS = sorted({operation for mistake in MISTAKES for operation in mistake.models})


def outcomes(operation, seed=0, change=lambda name, array, case: array):
    """Return the cases of an operation with results that `change` makes of the right ones."""
    return [
        Outcome(case, right, {name: change(name, array, case) for name, array in right.items()})
        for case in cases(operation, seed)
        for right in [case.expected()]
    ]


def told(found):
    return [diagnosis.mistake.name for diagnosis in found]


def test_names_and_operations_are_known():
    names = [mistake.name for mistake in MISTAKES]
    assert len(names) == len(set(names)) >= 60
    assert set(KINDS) <= set(OPERATIONS)
    for mistake in MISTAKES:
        assert not mistake.sentence.endswith(".")
        assert mistake.change.endswith(".")


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_right_results_are_diagnosed_with_nothing(operation):
    assert diagnose(outcomes(operation)) == []


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_rounded_results_are_right(operation):
    single = outcomes(operation, change=lambda name, array, case: array.astype(np.float32))
    assert diagnose(single) == []


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_what_nobody_has_thought_of_gets_no_name(operation):
    rng = np.random.default_rng(7)
    noisy = outcomes(operation, change=lambda name, array, case: array + rng.normal(size=array.shape))
    assert diagnose(noisy) == []
    one_cell = outcomes(operation, change=one_cell_off)
    assert diagnose(one_cell) == []


def one_cell_off(name, array, case):
    changed = array.copy()
    changed.reshape(-1)[-1:] += 0.37
    return changed


@pytest.mark.parametrize(
    "operation",
    [pytest.param(kind, marks=pytest.mark.long) if kind.startswith("conv_") else kind for kind in KINDS],
)
def test_each_model_is_diagnosed_as_its_mistake(operation):
    """Or as one that makes the same of these cases, which is then told with it."""
    right = outcomes(operation)[::3]
    for mistake in (mistake for mistake in MISTAKES if operation in mistake.models):
        for made_of in ways(mistake, operation):
            wrong = [
                Outcome(outcome.case, outcome.expected, {**outcome.expected, **made})
                for outcome in right
                for made in [made_of(outcome)]
                if made is not None
            ]
            shown = any(outcome.wrong for outcome in wrong)
            found = diagnose(wrong)
            assert bool(found) == shown, mistake.name
            for diagnosis in found:
                assert mistake in (diagnosis.mistake, *diagnosis.others), told(found)


def test_two_mistakes_in_two_results_are_both_told():
    def change(name, array, case):
        return array * 2 if name == "dx" else array / len(case.arrays["dz"])

    found = {
        output: diagnosis.mistake.name
        for diagnosis in diagnose(outcomes("conv_backward", change=change))
        for output in diagnosis.outputs
    }
    assert found == {"dx": "doubled", "dw": "mean-over-the-batch", "db": "mean-over-the-batch"}


def test_a_mistake_has_to_explain_the_cases_that_came_out_right():
    """A kernel that is flipped only where it is small is no kernel that is flipped."""
    given = [
        Outcome(outcome.case, outcome.expected, outcome.expected if n % 2 else {"z": flipped(outcome.case)})
        for n, outcome in enumerate(outcomes("conv_forward"))
    ]
    assert diagnose(given) == []
    assert told(diagnose(given[::2])) == ["kernel-flipped"]


def flipped(case):
    return Case("conv_forward", {**case.arrays, "w": case.arrays["w"][::-1, ::-1]}, case.options).expected()[
        "z"
    ]


def test_a_result_that_is_not_there_has_no_say():
    wrong = outcomes("conv_backward", change=lambda name, array, case: None if name == "dw" else -array)
    assert [(d.mistake.name, d.outputs) for d in diagnose(wrong)] == [("sign-turned", ("db", "dx"))]
    assert diagnose(outcomes("relu", change=lambda name, array, case: None)) == []


def test_the_sentence_can_be_read():
    [found] = diagnose(outcomes("conv_forward", change=lambda name, array, case: flipped(case)))
    assert str(found) == "This looks like the kernel turned by 180° before it is laid on the window."
