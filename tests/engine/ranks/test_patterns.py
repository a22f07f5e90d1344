"""Local binary patterns, against scikit-image."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from convcli.engine.ranks.patterns import METHODS, local_binary_pattern
from convcli.engine.workspace import Workspace

RNG = np.random.default_rng(18)
CIRCLES = ((8, 1), (8, 2), (16, 2), (24, 3), (6, 2.5), (1, 1))


def found(plane, points, radius, method, seen=None):
    out = np.empty(plane.shape)
    beyond = math.ceil(radius)
    shown = None if seen is None else np.pad(seen, beyond, constant_values=True)
    local_binary_pattern(np.pad(plane, beyond), points, radius, method, out, Workspace(), shown)
    return out


def found_by_scikit_image(plane, points, radius, method):
    texture = pytest.importorskip("skimage.feature")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return texture.local_binary_pattern(plane, points, radius, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("points", "radius"), CIRCLES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (50, 33)], ids=str)
def test_patterns_are_scikit_images(shape, points, radius, method):
    plane = RNG.random(shape)
    expected = found_by_scikit_image(plane, points, radius, method)
    if method == "var":
        np.testing.assert_allclose(found(plane, points, radius, method), np.nan_to_num(expected), atol=1e-12)
    else:
        np.testing.assert_array_equal(found(plane, points, radius, method), expected)


def test_where_all_is_flat_every_point_counts_wherever_that_is():
    plane = np.full((40, 40), 7)
    for points, radius in CIRCLES:
        inner = slice(3, -3)
        assert (found(plane, points, radius, "default")[inner, inner] == 2**points - 1).all()
        assert (found(plane, points, radius, "var")[inner, inner] == 0).all()


def test_what_is_not_seen_is_as_bright_as_the_centre():
    plane, seen = RNG.random((20, 20)), np.ones((20, 20), bool)
    plane[10, 11], seen[10, 11] = np.nan, False
    ours = found(plane, 8, 1, "default", seen)
    assert not np.isnan(ours[seen]).any()
    assert ours[10, 10] % 2 == 1  # the first point is right of the centre
    assert np.isnan(found(plane, 8, 1, "default")[9:12, 10:13]).all()
