"""Views: what ONNX does to axes, against NumPy doing it to numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcli.interchange.onnx.reading.views import axis, row, volume

BATCH = axis(2)


def pair(shape=(3, 4, 6)):
    """Return a view, and numbers as ONNX has them."""
    view = volume(shape, BATCH)
    return view, np.arange(2 * np.prod(shape)).reshape(view.shape)


def test_a_volume_has_its_channels_first_there():
    view, x = pair()
    assert view.shape == (2, 6, 3, 4)
    assert view.own_shape == (3, 4, 6)
    assert view.is_volume
    np.testing.assert_array_equal(view.ours(x), x.transpose(0, 2, 3, 1))


def test_there_and_back_is_where_it_was():
    view, x = pair()
    turned = view.transposed((0, 2, 3, 1)).reshaped((2, 12, 2, 3))
    np.testing.assert_array_equal(turned.theirs(turned.ours(x.reshape(turned.shape))).ravel(), x.ravel())


def test_flat_rows_know_the_order_of_ours():
    view, x = pair()
    flat = view.reshaped((2, 72))
    assert flat.is_flat
    assert not flat.in_order
    ours = view.ours(x).reshape(2, 72)
    np.testing.assert_array_equal(ours[:, flat.order()], x.reshape(2, 72))


def test_channels_last_are_in_the_order_of_ours():
    view, _ = pair()
    flat = view.transposed((0, 2, 3, 1)).reshaped((2, 72))
    assert flat.in_order


def test_what_cuts_across_axes_is_none():
    view, _ = pair((3, 5, 4))
    assert view.reshaped((2, 6, 10)) is None
    assert view.reshaped((2, 4, 15)) is not None


def test_cutting_and_joining_again_is_the_same_view():
    view, _ = pair()
    again = view.reshaped((2, 2, 3, 3, 4)).reshaped((2, 6, 3, 4))
    assert again.lies_as(view)
    assert not view.reshaped((2, 2, 3, 3, 4)).transposed((0, 2, 1, 3, 4)).reshaped((2, 6, 3, 4)).lies_as(view)


@pytest.mark.parametrize("shape", [(6, 1, 1), (1, 6, 1, 1), (1,), (), (6, 1, 4)])
def test_constants_go_along_channels_or_nowhere(shape):
    view, x = pair()
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape) + 1
    along = view.along_channels(numbers)
    if shape == (6, 1, 4):
        assert along is None
    else:
        np.testing.assert_array_equal(view.ours(x * numbers), view.ours(x) * along)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_row_of_reshapes_and_transposes_moves_as_numpy_does(data):
    sizes = data.draw(st.tuples(*[st.sampled_from([1, 2, 3, 4, 6])] * 3))
    view, x = pair(sizes)
    begun = x
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            order = data.draw(st.permutations(range(x.ndim)))
            view, x = view.transposed(order), x.transpose(order)
            continue
        left, shape = x.size, []
        while left > 1:
            divisors = [size for size in range(2, left + 1) if left % size == 0]
            shape.append(data.draw(st.sampled_from(divisors)))
            left //= shape[-1]
        other = view.reshaped(shape or [1])
        if other is not None:
            view, x = other, x.reshape(shape or [1])
    assert view.shape == x.shape
    np.testing.assert_array_equal(view.ours(x), pair(sizes)[0].ours(begun))
    np.testing.assert_array_equal(view.theirs(view.ours(x)), x)


def test_a_row_is_flat():
    view = row(5, BATCH)
    assert view.is_flat
    assert view.in_order
    assert view.shape == (2, 5)
