"""Extremes under flat footprints, against SciPy, OpenCV and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.engine.ranks.extremes import extremes
from convcli.engine.ranks.footprints import SHAPES, checked_footprint, footprint
from convcli.engine.workspace import Workspace
from convcli.errors import ShapeError, UnknownNameError, UsageError

RNG = np.random.default_rng(15)


def found_by_us(plane, cells, of):
    rows, columns = ((n - 1) // 2 for n in cells.shape)
    sides = ((rows, cells.shape[0] - 1 - rows), (columns, cells.shape[1] - 1 - columns))
    out = np.empty_like(plane)
    extremes(np.pad(plane, sides, mode="symmetric"), cells, of, out, Workspace())
    return out


def found_by_scipy(plane, cells, of):
    name = "minimum_filter" if of is np.minimum else "maximum_filter"
    origin = [-1 if n % 2 == 0 else 0 for n in cells.shape]
    return getattr(ndimage, name)(plane, footprint=cells, mode="reflect", origin=origin)


@pytest.mark.parametrize("of", [np.minimum, np.maximum], ids=lambda of: of.__name__)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (70, 43)], ids=str)
def test_all_shapes_and_sizes_give_scipys_extremes(shape, dtype, of):
    plane = (RNG.random(shape) * 255).astype(dtype)
    for size in ((1, 1), (1, 4), (3, 3), (2, 5), (7, 6), (31, 15), (6, 1)):
        random = RNG.random(size) < 0.4
        random[0, 0] = True
        odd = size[0] % 2 and size[1] % 2
        names = SHAPES if odd else ("square", "cross", "ellipse")
        for cells in (random, *(footprint(name, size) for name in names)):
            np.testing.assert_array_equal(found_by_us(plane, cells, of), found_by_scipy(plane, cells, of))


def test_rows_and_strips_that_do_not_come_out_even_are_whole(monkeypatch):
    monkeypatch.setattr("convcli.engine.ranks.extremes.BAND_BYTES", 1000)
    monkeypatch.setattr("convcli.engine.ranks.extremes.LEAST_STRIP", 16)
    plane = RNG.random((50, 61), np.float32)
    for name in SHAPES:
        cells = footprint(name, (9, 5))
        expected = found_by_scipy(plane, cells, np.maximum)
        np.testing.assert_array_equal(found_by_us(plane, cells, np.maximum), expected)


def test_a_window_that_holds_a_nan_gives_nan_and_infinities_are_ordered():
    plane = RNG.random((12, 12))
    plane[4, 5], plane[9, 9], plane[0, 0] = np.nan, np.inf, -np.inf
    least = found_by_us(plane, np.ones((3, 3), bool), np.minimum)
    expected = np.zeros((12, 12), bool)
    expected[3:6, 4:7] = True
    np.testing.assert_array_equal(np.isnan(least), expected)
    assert least[1, 1] == -np.inf
    assert np.isfinite(least[9, 9])


def test_disks_and_diamonds_are_those_of_scikit_image():
    morphology = pytest.importorskip("skimage.morphology")
    for radius in range(25):
        size = (2 * radius + 1,) * 2
        np.testing.assert_array_equal(footprint("disk", size), morphology.disk(radius))
        np.testing.assert_array_equal(footprint("diamond", size), morphology.diamond(radius))


def test_ellipses_crosses_and_squares_are_those_of_opencv():
    cv2 = pytest.importorskip("cv2")
    named = {"ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS, "square": cv2.MORPH_RECT}
    for rows in range(1, 24):
        for columns in range(1, 24):
            for name, kind in named.items():
                expected = cv2.getStructuringElement(kind, (columns, rows))
                np.testing.assert_array_equal(footprint(name, (rows, columns)), expected)


def test_footprints_are_flat_and_not_empty():
    assert checked_footprint([[0, 1], [1, 1]]).tolist() == [[False, True], [True, True]]
    with pytest.raises(UsageError, match=r"0 and 1, found 2 in it"):
        checked_footprint([[0, 2]])
    with pytest.raises(UsageError, match="at least one 1, found none"):
        checked_footprint([[0, 0]])
    with pytest.raises(ShapeError, match=r"\(rows, columns\)"):
        checked_footprint([1, 1])
    with pytest.raises(UnknownNameError, match="square"):
        footprint("sqare", (3, 3))
    with pytest.raises(ShapeError, match="100001 × 100001 is too large"):
        footprint("square", (100001, 100001))
    with pytest.raises(ShapeError, match="A disk has odd sizes, found 2 × 3"):
        footprint("disk", (2, 3))
    with pytest.raises(ShapeError, match="at least 1 × 1"):
        footprint("disk", (0, 3))
