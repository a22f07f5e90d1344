"""Which axis of an array is which: channels last unless it is said, and nothing guessed in silence."""

from __future__ import annotations

import re

import numpy as np
import pytest

from convcli.arrays import Given
from convcli.errors import UsageError
from convcli.explaining.layouts import as_filters, as_list, as_volume

PICTURE = np.arange(75.0).reshape(5, 5, 3)
CHANNELS_FIRST = PICTURE.transpose(2, 0, 1)
WEIGHTS = np.arange(54.0).reshape(3, 3, 3, 2)


def given(array, name="x.npy"):
    return Given(np.asarray(array, np.float64), name)


@pytest.mark.parametrize(
    ("array", "layout", "read"),
    [
        (PICTURE, None, "(5, 5, 3) read as hwc: 3 channels of 5 × 5 (--layout chw: 5 channels of 5 × 3)"),
        (PICTURE, "hwc", "(5, 5, 3) read as hwc: 3 channels of 5 × 5"),
        (PICTURE, "nhwc", "(5, 5, 3) read as hwc: 3 channels of 5 × 5"),
        (PICTURE[None], "nhwc", "(1, 5, 5, 3) read as nhwc: 3 channels of 5 × 5"),
        (CHANNELS_FIRST, "chw", "(3, 5, 5) read as chw: 3 channels of 5 × 5"),
        (CHANNELS_FIRST[None], "nchw", "(1, 3, 5, 5) read as nchw: 3 channels of 5 × 5"),
    ],
)
def test_a_picture_is_read_as_its_layout_says(array, layout, read):
    volume, notes = as_volume(given(array), "--input", layout)
    np.testing.assert_array_equal(volume, PICTURE)
    assert notes == (f"input: x.npy {read}",)


@pytest.mark.parametrize("layout", [None, "nchw", "hw", "hwc"])
def test_a_plane_is_a_plane_in_every_layout(layout):
    volume, notes = as_volume(given(PICTURE[..., 0]), "--input", layout)
    np.testing.assert_array_equal(volume, PICTURE[..., :1])
    assert notes == ()


@pytest.mark.parametrize(
    ("shape", "layout", "said"),
    [
        ((3, 5, 5), None, "--layout hwc (5 channels of 3 × 5) or --layout chw (3 channels of 5 × 5)"),
        ((1, 1, 6, 6), None, "--layout nhwc (6 channels of 1 × 6) or --layout nchw (1 channel of 6 × 6)"),
        ((8, 5, 5), None, "two ways"),
        ((2, 3, 5, 5), None, "two ways"),
        (
            (1, 3, 5, 5),
            "chw",
            "--layout chw names 3 axes, and x.npy (1, 3, 5, 5) has 4; expected nhwc or nchw",
        ),
        ((5, 5, 3), "hw", "--layout hw names 2 axes, and x.npy (5, 5, 3) has 3; expected hwc or chw"),
        ((2, 5, 5, 3), None, "holds 2 pictures, and one is shown: take x.npy[0], or another one"),
    ],
)
def test_what_may_be_read_in_two_ways_or_does_not_fit_is_refused(shape, layout, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        as_volume(given(np.zeros(shape)), "--input", layout)


@pytest.mark.parametrize(
    ("array", "layout", "read"),
    [
        (WEIGHTS, "nhwc", "(3, 3, 3, 2) read as f_h, f_w, c, k: 2 filters of 3 × 3 × 3"),
        (
            WEIGHTS.transpose(3, 2, 0, 1),
            "nchw",
            "(2, 3, 3, 3) read as k, c, f_h, f_w: 2 filters of 3 × 3 × 3",
        ),
        (WEIGHTS.transpose(3, 2, 0, 1), "chw", "(2, 3, 3, 3) read as k, c, f_h, f_w: 2 filters of 3 × 3 × 3"),
    ],
)
def test_weights_are_read_as_the_layout_says(array, layout, read):
    weights, notes = as_filters(given(array), "--kernel", layout)
    np.testing.assert_array_equal(weights, WEIGHTS)
    assert notes == (f"kernel: x.npy {read}",)


def test_three_axes_are_one_filter_with_its_channels():
    last, told = as_filters(given(WEIGHTS[..., 0]), "--kernel", None)
    first, _ = as_filters(given(WEIGHTS[..., 0].transpose(2, 0, 1)), "--kernel", "nchw")
    np.testing.assert_array_equal(last, WEIGHTS[..., :1])
    np.testing.assert_array_equal(first, last)
    assert "f_h, f_w, c: 1 filter of 3 × 3 × 3 (--layout nchw: c, f_h, f_w: 1 filter" in told[0]


def test_weights_whose_window_would_be_odd_are_refused_with_both_readings():
    with pytest.raises(
        UsageError, match=r"nhwc \(f_h, f_w, c, k: 3 filters of 2 × 1 × 3\) or --layout nchw \(k, c"
    ):
        as_filters(given(np.zeros((2, 1, 3, 3))), "--kernel", None)


@pytest.mark.parametrize("shape", [(), (2,), (1, 2), (2, 1), (1, 1, 1, 2)])
def test_a_bias_has_one_long_axis_in_any_place(shape):
    assert as_list(given(np.ones(shape)), "--bias").ndim == 1
    with pytest.raises(UsageError, match=r"expected a number for each filter, found x\.npy \(2, 2\)"):
        as_list(given(np.ones((2, 2))), "--bias")
