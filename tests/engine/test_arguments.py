"""What the public functions take and refuse: dtypes, empty batches, volumes of nothing."""

from __future__ import annotations

import datetime
import re
from fractions import Fraction

import numpy as np
import pytest

import convcli
from convcli.errors import ConvcliError, ShapeError, UsageError

KERNEL = np.ones((2, 2, 1, 1))
CALLS = {
    "conv2d x": lambda x: convcli.conv2d(x, KERNEL),
    "conv2d w": lambda w: convcli.conv2d(np.ones((1, 4, 4, 1)), np.reshape(w, (4, 4, 1, 1))),
    "conv2d b": lambda b: convcli.conv2d(np.ones((1, 4, 4, 1)), KERNEL, np.reshape(b, 16)[:1]),
    "conv2d_backward x": lambda x: convcli.conv2d_backward(np.ones((1, 3, 3, 1)), x, KERNEL),
    "conv2d_backward dy": lambda dy: convcli.conv2d_backward(dy, np.ones((1, 5, 5, 1)), KERNEL),
    "max_pool2d": lambda x: convcli.max_pool2d(x, 2),
    "max_pool2d_backward x": lambda x: convcli.max_pool2d_backward(np.ones((1, 2, 2, 1)), x, 2),
    "max_pool2d_backward dy": lambda dy: convcli.max_pool2d_backward(dy, np.ones((1, 8, 8, 1)), 2),
    "avg_pool2d": lambda x: convcli.avg_pool2d(x, 2),
    "avg_pool2d_backward x": lambda x: convcli.avg_pool2d_backward(np.ones((1, 2, 2, 1)), x, 2),
    "avg_pool2d_backward dy": lambda dy: convcli.avg_pool2d_backward(dy, np.ones((1, 8, 8, 1)), 2),
    "filter2d plane": lambda x: convcli.filter2d(np.reshape(x, (4, 4)), np.ones((3, 3))),
    "filter2d kernel": lambda x: convcli.filter2d(np.ones((4, 4)), np.reshape(x, (4, 4))),
}
UNREAL = {
    "complex numbers (complex128)": np.full((1, 4, 4, 1), 1j),
    "complex numbers (complex64)": np.zeros((1, 4, 4, 1), np.complex64),
    "Python's own objects": np.full((1, 4, 4, 1), Fraction(1, 3), object),
    "Python's own objects (object)": np.full((1, 4, 4, 1), 10**30, object),
    "text": np.full((1, 4, 4, 1), "1"),
    "bytes": np.full((1, 4, 4, 1), b"1"),
    "dates": np.full((1, 4, 4, 1), datetime.date(2020, 1, 1), "M8[D]"),
    "spans of time": np.ones((1, 4, 4, 1), "m8[s]"),
    "records": np.zeros((1, 4, 4, 1), [("a", "f4")]),
}
REAL = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">f4", ">i2", "g"]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", UNREAL)
def test_what_is_no_real_number_is_refused_by_its_name(name, kind):
    with pytest.raises(UsageError, match=f"of real numbers, found {re.escape(kind)}"):
        CALLS[name](UNREAL[kind])


@pytest.mark.parametrize("name", ["conv2d x", "max_pool2d", "avg_pool2d"])
def test_rows_of_different_lengths_are_refused(name):
    with pytest.raises(UsageError, match="of real numbers, found no array"):
        CALLS[name]([[[1, 2], [3]]])


@pytest.mark.parametrize("name", CALLS)
def test_masked_numbers_are_refused_and_a_mask_of_nothing_is_none(name):
    x = np.ma.masked_array(np.ones((1, 4, 4, 1)), mask=False)
    if "dy" not in name and name != "conv2d_backward x":
        CALLS[name](x)
    x[0, 0, 0, 0] = np.ma.masked
    with pytest.raises(UsageError, match=r"found masked ones: fill them first, with \.filled"):
        CALLS[name](x)


def test_an_image_and_a_kernel_that_are_no_real_numbers_are_refused():
    for pixels in (np.full((4, 4), 1j), np.full((4, 4), "1"), np.full((4, 4), None)):
        with pytest.raises(ConvcliError):
            convcli.filter_image(pixels, "box")
        with pytest.raises(ConvcliError):
            convcli.filter_image(np.ones((4, 4), np.float32), pixels)


@pytest.mark.parametrize("dtype", REAL)
def test_every_real_dtype_is_computed_in_the_floats_that_hold_it(dtype):
    x = np.arange(16).reshape(1, 4, 4, 1).astype(dtype)
    wide = x.astype(np.float64)
    floating = np.float32 if np.can_cast(x.dtype, np.float32) else np.float64
    unit = KERNEL.astype(np.float32)
    for ours, right in [
        (convcli.conv2d(x, unit), convcli.conv2d(wide, unit)),
        (convcli.avg_pool2d(x, 2), convcli.avg_pool2d(wide, 2)),
        (convcli.conv2d_backward(np.ones((1, 3, 3, 1), dtype), x, unit)[1], None),
        (
            convcli.avg_pool2d_backward(x, np.ones((1, 8, 8, 1)), 2),
            convcli.avg_pool2d_backward(wide, np.ones((1, 8, 8, 1)), 2),
        ),
        (
            convcli.max_pool2d_backward(x, np.ones((1, 8, 8, 1)), 2),
            convcli.max_pool2d_backward(wide, np.ones((1, 8, 8, 1)), 2),
        ),
    ]:
        assert ours.dtype == floating
        if right is not None:
            np.testing.assert_array_equal(ours, right)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_maximum_keeps_its_dtype_and_every_digit(dtype, stride):
    largest = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    x = np.full((1, 4, 4, 1), 0, dtype)
    x[0, 0, 1, 0] = largest
    y = convcli.max_pool2d(x, 2, stride)
    assert y.dtype == x.dtype
    assert y[0, 0, 0, 0] == x[0, 0, 1, 0]
    dx = convcli.max_pool2d_backward(np.ones(y.shape, np.float32), x, 2, stride)
    assert (dx.dtype, dx[0, 0, 1, 0]) == (np.float32, 1 if stride == 2 else 2)


def test_integers_beyond_2_to_53_are_told_apart():
    x = np.array([2**53, 2**53 + 1]).reshape(1, 1, 2, 1)
    assert convcli.max_pool2d(x, (1, 2)).item() == 2**53 + 1
    assert convcli.max_pool2d_backward(np.ones((1, 1, 1, 1)), x, (1, 2)).ravel().tolist() == [0, 1]


@pytest.mark.parametrize("channels", [1, 33])
@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 1), (3, 2), (5, 4)])
def test_pools_of_no_volumes_give_no_volumes(kind, size, stride, channels):
    x = np.zeros((0, 9, 8, channels), np.float32)
    y = getattr(convcli, f"{kind}_pool2d")(x, size, stride)
    full = getattr(convcli, f"{kind}_pool2d")(np.zeros((1, 9, 8, channels)), size, stride)
    assert y.shape == (0, *full.shape[1:])
    dx = getattr(convcli, f"{kind}_pool2d_backward")(y, x, size, stride)
    assert (dx.shape, dx.dtype) == (x.shape, np.float32)


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": "same"}, {"dilation": 2, "groups": 2}])
@pytest.mark.parametrize("channels", [2, 32])
def test_convolutions_of_no_volumes_give_no_volumes_and_zero_gradients(options, channels):
    w = np.ones((3, 3, channels // options.get("groups", 1), 32), np.float32)
    x = np.zeros((0, 9, 8, channels), np.float32)
    y = convcli.conv2d(x, w, np.ones(32), **options)
    assert y.shape == (0, *convcli.conv2d(np.zeros((1, 9, 8, channels)), w, **options).shape[1:])
    dx, dw, db = convcli.conv2d_backward(y, x, w, **options)
    assert (dx.shape, dw.shape, db.shape) == (x.shape, w.shape, (32,))
    assert not dw.any()
    assert not db.any()


@pytest.mark.parametrize("shape", [(1, 0, 4, 1), (1, 4, 0, 1), (1, 4, 4, 0), (0, 0, 0, 0)])
@pytest.mark.parametrize("name", ["conv2d x", "max_pool2d", "avg_pool2d", "max_pool2d_backward x"])
def test_volumes_of_nothing_are_refused(name, shape):
    with pytest.raises(ShapeError, match="with at least one row, column and channel"):
        CALLS[name](np.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0)])
def test_planes_and_kernels_of_nothing_are_refused(shape):
    with pytest.raises(ShapeError, match="Expected a plane"):
        convcli.filter2d(np.zeros(shape), np.ones((3, 3)))
    with pytest.raises(ShapeError, match="Expected a kernel"):
        convcli.filter2d(np.ones((4, 4)), np.zeros(shape))


STEP = np.ones((1, 4, 4, 1))
WRONG = {
    "fill of text": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], fill="1"),
    "fill of nothing": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], fill=None),
    "complex fill": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], fill=np.complex64(1)),
    "fill beyond floats": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], fill=10**400),
    "two fills": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], fill=[1, 2]),
    "border of no name": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], border=3),
    "borders": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], border=["edge"]),
    "op of no name": lambda: convcli.filter2d(np.ones((4, 4)), KERNEL[..., 0, 0], op=None),
    "half a group": lambda: convcli.conv2d(STEP, KERNEL, groups=0.5),
    "group of text": lambda: convcli.conv2d(STEP, KERNEL, groups="1"),
    "true groups": lambda: convcli.conv2d(STEP, KERNEL, groups=True),
    "no groups": lambda: convcli.conv2d(STEP, KERNEL, groups=0),
    "size of an array": lambda: convcli.max_pool2d(STEP, np.array([2, 2])),
    "half a stride": lambda: convcli.avg_pool2d(STEP, 2, 1.5),
    "kernel of no name": lambda: convcli.kernel(3),
    "kernel of nothing": lambda: convcli.kernel(None),
    "kernel of weights": lambda: convcli.kernel(np.ones((3, 3))),
    "complex parameter": lambda: convcli.kernel("gaussian", sigma=1j),
    "ragged image": lambda: convcli.filter_image([[1, 2], [3]], "box"),
}


@pytest.mark.parametrize("name", WRONG)
def test_arguments_of_a_wrong_kind_are_refused_in_words(name):
    with pytest.raises(ConvcliError):
        WRONG[name]()


def test_numpys_integers_are_integers():
    assert convcli.conv2d(STEP, KERNEL, groups=np.int64(1), stride=np.uint8(2)).shape == (1, 2, 2, 1)
    assert (
        convcli.filter2d(np.ones((4, 4)), np.ones((3, 3)), border="constant", fill=np.float16(2))[0, 0] == 14
    )
