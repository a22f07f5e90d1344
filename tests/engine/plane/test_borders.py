"""Gathering parts of a padded plane, against NumPy's own padding."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.plane.borders import BORDERS
from convcli.engine.plane.planes import ArrayPlane, Frame

RNG = np.random.default_rng(3)


def padded_by_numpy(plane, sides, border, fill):
    if border in ("zero", "constant"):
        return np.pad(plane, sides, constant_values=fill if border == "constant" else 0)
    return np.pad(plane, sides, mode=border)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", [(1, 1), (4, 5), (30, 41)], ids=str)
@pytest.mark.parametrize("sides", [((0, 0), (0, 0)), ((1, 2), (3, 0)), ((9, 8), (7, 11))], ids=str)
def test_any_part_is_what_numpy_pads(border, shape, sides):
    plane = RNG.random(shape)
    whole = padded_by_numpy(plane, sides, border, 2.5)
    frame, source = Frame.of(shape, sides, border, 2.5), ArrayPlane(plane)
    for _ in range(40):
        rows, columns = (slice(*sorted(RNG.choice(n + 1, 2, replace=False))) for n in whole.shape)
        out = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan)
        frame.gather(source, rows, columns, out)
        np.testing.assert_array_equal(out, whole[rows, columns])


def test_cells_are_converted_as_they_are_gathered():
    plane = RNG.integers(0, 256, (6, 7), np.uint8)
    out = np.empty((8, 9), np.float32)
    Frame.of((6, 7), ((1, 1), (1, 1)), "reflect", 0).gather(ArrayPlane(plane), slice(0, 8), slice(0, 9), out)
    np.testing.assert_array_equal(out, np.pad(plane, 1, mode="reflect"))
