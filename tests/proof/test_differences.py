"""Numeric derivatives: exact to many digits, kinks or not, and single wrong entries found among thousands."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.proof.differences import (
    QUICK,
    Points,
    derivative,
    gradient_error,
    numeric_gradient,
    relative_error,
)


def test_differences_give_the_derivative_and_leave_the_array_as_it_was():
    array = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = array.copy()
    gradient = numeric_gradient(lambda: float((array**3).sum()), array)
    np.testing.assert_allclose(gradient, 3 * before**2, rtol=1e-8)
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [([1, 2], [1, 2], 0), ([0, 0], [0, 0], 0), ([0, 0], [0, 3], 1), ([1, 4], [2, 4], 0.25), ([], [], 0)],
)
def test_error_is_relative_to_the_largest_entry(one, other, error):
    assert relative_error(np.array(one, float), np.array(other, float)) == error


@pytest.mark.parametrize("distance", [3e-4, 1e-5, 1e-6, -1e-6])
def test_a_kink_beside_the_point_does_not_matter(distance):
    found = derivative(lambda step: 2.0 * max(step + distance, 0.0), settled=1e-9)
    assert found.value == pytest.approx(2.0 * (distance > 0), abs=1e-8)
    assert found.uncertainty < 1e-8


def test_a_jump_has_no_derivative():
    assert derivative(lambda step: float(step > 0)).uncertainty > 1


def test_a_function_that_jumps_everywhere_it_is_asked_is_not_passed():
    rng = np.random.default_rng(0)
    array = rng.standard_normal(50)

    def noisy():
        return float(rng.standard_normal())

    assert gradient_error(noisy, array, np.zeros(50), rng) == np.inf


def test_a_gradient_that_is_nearly_nothing_is_measured_by_the_floor():
    array = np.ones(4)
    rng = np.random.default_rng(0)
    assert gradient_error(lambda: 0.0, array, np.full(4, 1e-12), rng) >= 1
    assert gradient_error(lambda: 0.0, array, np.full(4, 1e-12), rng, floor=1e-3) < 1e-8


def test_no_number_is_no_derivative():
    array = np.ones(3)
    rng = np.random.default_rng(0)
    assert gradient_error(lambda: float(array.sum()), array, np.full(3, np.nan), rng) == np.inf


@pytest.mark.parametrize("entry", [0, 4711, -1])
def test_along_directions_one_wrong_entry_of_many_is_found_wherever_it_is(entry):
    rng = np.random.default_rng(0)
    array = rng.standard_normal(10_000)
    slopes = rng.choice([-1.0, 1.0], 10_000) * rng.uniform(0.5, 2, 10_000)
    spoiled = slopes.copy()
    spoiled[entry] *= 1.01
    directions = Points(coordinates=0, directions=2)

    def error(analytic):
        return gradient_error(lambda: float(array @ slopes), array, analytic, rng, directions)

    assert error(slopes) < 1e-8
    assert error(spoiled) > 1e-5


def test_the_quick_check_looks_at_few_points_of_large_arrays():
    calls = 0
    array = np.ones(10_000)

    def count():
        nonlocal calls
        calls += 1
        return float(array.sum())

    gradient_error(count, array, np.ones(10_000), np.random.default_rng(0), QUICK)
    assert calls < 20 * (QUICK.coordinates + QUICK.directions)
