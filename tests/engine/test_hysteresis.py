"""Weak edges joined to strong ones, beside SciPy's connected components."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.engine.hysteresis import connected_to_strong


def by_scipy(classes):
    labels, count = ndimage.label(classes, np.ones((3, 3)))
    strong = np.zeros(count + 1, bool)
    strong[labels[classes == 2]] = True
    strong[0] = False
    return strong[labels]


@pytest.mark.parametrize(
    "shares", [(0.7, 0.28, 0.02), (0.5, 0.49, 0.01), (0.9, 0.09, 0.01), (0.2, 0.79, 0.01)]
)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (60, 80)])
def test_what_hangs_together_is_what_scipy_says(shape, shares):
    rng = np.random.default_rng(0)
    for _ in range(20):
        classes = rng.choice(3, shape, p=shares).astype(np.uint8)
        expected = by_scipy(classes)
        connected_to_strong(classes)
        np.testing.assert_array_equal(classes, expected)


def test_a_spiral_hangs_together_from_its_middle_to_its_end():
    spiral = np.zeros((101, 101), np.uint8)
    row, column, (down, across) = 50, 50, (0, 1)
    for length in range(2, 100, 2):
        for _ in range(2):
            for _ in range(length):
                spiral[row, column] = 1
                row, column = min(row + down, 100), min(max(column + across, 0), 100)
            down, across = across, -down
    spiral[50, 50] = 2
    edges = spiral > 0
    connected_to_strong(spiral)
    np.testing.assert_array_equal(spiral, edges)


def test_nothing_strong_leaves_nothing():
    classes = np.ones((5, 7), np.uint8)
    connected_to_strong(classes)
    assert not classes.any()
