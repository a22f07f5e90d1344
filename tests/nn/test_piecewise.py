"""Smooth functions by straight pieces against themselves in float64: on all of float32, in any block."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.workspace import Workspace
from convcli.nn.piecewise import BLOCK, FAR, Piecewise
from nn.cases import activation_of

SMOOTH = {
    "gelu": "gelu",
    "gelu, tanh": {"type": "gelu", "approximate": "tanh"},
    "silu": "silu",
}
each = pytest.mark.parametrize("g", list(map(activation_of, SMOOTH.values())), ids=SMOOTH.keys())


def looked_up(g, z):
    """Return values and slopes of float32 numbers."""
    a, slopes = np.empty((2, *z.shape), np.float32)
    Piecewise(g.value_at, g.slope_at).apply(z, a, slopes, Workspace())
    return a, slopes


def some(count=300_000):
    """Return numbers of all sizes: even, normal, near 0 and at the ends of pieces."""
    rng = np.random.default_rng(0)
    sizes = np.logspace(-45, 38, 50_000)
    edges = 2.0 ** np.arange(-30, 10)
    z = np.concatenate(
        [np.linspace(-150, 150, count), rng.standard_normal(count), sizes, edges, edges * 0.99999]
    )
    return np.concatenate([z, -z]).astype(np.float32)


@each
@np.errstate(over="ignore", under="ignore", invalid="ignore")
def test_values_and_slopes_are_right_to_the_last_digits(g):
    z = some()
    a, slopes = looked_up(g, z)
    wide = z.astype(np.float64)
    value, slope = g.value_at(wide), g.slope_at(wide)
    assert (np.abs(a - value) < np.maximum(1e-6, 3 * 2.0**-23 * np.abs(value))).all()
    right = np.abs(slopes - slope) < 1e-6
    far = np.abs(z) > 1e18  # where z³ is beyond float64, and the formula's 0 · ∞ no number
    assert (right | far).all()
    some_digits = (np.abs(z) < 2) & (np.abs(value) > 1e-37)
    assert (np.abs(a - value) < 4e-6 * np.abs(value))[some_digits].all()


@each
def test_zero_is_exact_and_beyond_it_all_is_a_line(g):
    a, slopes = looked_up(g, np.array([0, -0.0, FAR, 3e38, -FAR, -1e30], np.float32))
    np.testing.assert_array_equal(a, np.array([0, 0, FAR, 3e38, 0, 0], np.float32))
    np.testing.assert_array_equal(slopes[2:], [1, 1, 0, 0])
    np.testing.assert_allclose(slopes[:2], g.slope_at(np.zeros(2)))


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_any_number_of_numbers_in_place_and_elsewhere(count):
    g = activation_of("gelu")
    z = np.random.default_rng(1).standard_normal(count).astype(np.float32)
    expected, slopes = looked_up(g, z)
    both, alone = z.copy(), z.copy()
    pieces, again = Piecewise(g.value_at, g.slope_at), np.empty_like(z)
    pieces.apply(both, both, again, Workspace())
    pieces.apply(alone, alone, None, Workspace())
    np.testing.assert_array_equal(both, expected)
    np.testing.assert_array_equal(alone, expected)
    np.testing.assert_array_equal(again, slopes)
