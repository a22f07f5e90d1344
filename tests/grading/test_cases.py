"""Cases: what comes out of them is what the paper says, differences agree, and limits are kept."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.grading.cases import Case, Limits, Outcome, cases, same
from convcli.grading.operations import OPERATIONS


@pytest.mark.parametrize("operation", OPERATIONS)
def test_cases_begin_small_with_integers_and_have_what_the_operation_takes(operation):
    found = list(cases(operation))
    assert found[0].origin == "hand"
    assert found[0].size <= 24
    assert {case.origin for case in found} >= {"hand", "random"}
    for case in found:
        assert set(case.arrays) == set(case.what.takes)
        assert set(case.options) <= set(case.what.options)
        assert all(array.dtype == np.float64 for array in (*case.arrays.values(), *case.expected().values()))
        assert set(case.expected()) == set(case.what.gives)


@pytest.mark.parametrize("operation", [name for name, what in OPERATIONS.items() if what.backward])
def test_references_of_gradients_agree_with_differences(operation):
    for case in cases(operation, seed=3):
        if case.origin != "hand":
            numeric = case.what.numeric(case.arrays, case.options)
            reference = case.what.reference(case.arrays, case.options)
            for name, array in numeric.items():
                assert same(array, reference[name]), name


def test_what_has_no_place_is_not_drawn():
    limits = Limits(
        batch=False, channels=False, filters=False, bias=False, strides=False, paddings=False, size=3
    )
    for case in cases("conv_forward", limits=limits):
        assert case.arrays["w"].shape == (3, 3, 1, 1)
        assert "b" not in case.arrays
        assert case.arrays["x"].shape[0] == 1
        assert case.options == {"stride": 1, "padding": 0}


def test_seeds_change_the_random_cases_only():
    one, other = (list(cases("conv_forward", seed=seed)) for seed in (0, 1))
    for a, b in zip(one, other, strict=False):
        if a.origin == "hand":
            assert np.array_equal(a.arrays["x"], b.arrays["x"])
    assert not np.array_equal(one[-1].arrays["x"], other[-1].arrays["x"])


def test_the_first_wrong_cell_is_in_the_order_of_memory():
    case = Case("relu", {"x": np.array([[-1.0, 2, -3]])}, {})
    expected = case.expected()
    right = Outcome(case, expected, {"y": np.array([[0.0, 2, 0]], np.float32)})
    wrong = Outcome(case, expected, {"y": np.array([[0.0, 1, 5]])})
    shape = Outcome(case, expected, {"y": np.zeros(3)})
    missing = Outcome(case, expected, {"y": None})
    assert (right.holds, right.first_wrong()) == (True, None)
    assert (wrong.wrong, wrong.first_wrong()) == (("y",), ("y", (0, 1)))
    assert shape.first_wrong() == missing.first_wrong() == ("y", None)


def test_not_a_number_is_wrong():
    case = Case("relu", {"x": np.array([[1.0]])}, {})
    assert not Outcome(case, case.expected(), {"y": np.array([[np.nan]])}).holds
