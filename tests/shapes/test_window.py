"""The size formula against counted positions, and the receptive field against what really depends on what."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.engine.batch.conv import conv2d
from convcli.errors import ShapeError
from convcli.shapes import ReceptiveField, Window, axis_padding, output_size, pair

sizes = st.integers(1, 12)
windows = st.integers(1, 5)
strides = st.integers(1, 4)
dilations = st.integers(1, 3)
amounts = st.integers(0, 4)


def counted_positions(cells, f, stride, dilation):
    """Lay the window down, step by step, for as long as its last cell is still on the axis."""
    count, first = 0, 0
    while first + dilation * (f - 1) < cells:
        count, first = count + 1, first + stride
    return count


@given(n=sizes, f=windows, before=amounts, after=amounts, stride=strides, dilation=dilations)
def test_formula_counts_the_positions_of_the_window(n, f, before, after, stride, dilation):
    expected = counted_positions(n + before + after, f, stride, dilation)
    call = {"padding": (before, after), "stride": stride, "dilation": dilation}
    if expected:
        assert output_size(n, f, **call) == expected
    else:
        with pytest.raises(
            ShapeError, match=rf"spanning {dilation * (f - 1) + 1} cells? does not fit {n} cells? with"
        ):
            output_size(n, f, **call)


@given(n=sizes, f=windows, stride=strides, dilation=dilations)
def test_same_gives_the_size_divided_by_the_stride_rounded_up(n, f, stride, dilation):
    assert output_size(n, f, padding="same", stride=stride, dilation=dilation) == math.ceil(n / stride)


@given(n=sizes, f=windows, dilation=dilations)
def test_full_grows_and_valid_shrinks_by_the_reach_of_the_window(n, f, dilation):
    reach = dilation * (f - 1)
    assert output_size(n, f, padding="full", dilation=dilation) == n + reach
    assert output_size(n + reach, f, padding="valid", dilation=dilation) == n


@given(n=sizes, f=windows)
def test_valid_takes_back_what_full_adds(n, f):
    assert output_size(output_size(n, f, padding="full"), f, padding="valid") == n


@given(f=st.integers(1, 9).filter(lambda f: f % 2))
def test_same_is_symmetric_for_odd_windows(f):
    assert axis_padding("same", f) == ((f - 1) // 2, (f - 1) // 2)


def test_same_puts_the_smaller_half_before():
    assert axis_padding("same", 4) == (1, 2)


@given(n=sizes, f=windows, amount=amounts, stride=strides, dilation=dilations)
def test_remainder_is_what_lies_behind_the_last_window(n, f, amount, stride, dilation):
    count = counted_positions(n + 2 * amount, f, stride, dilation)
    if count:
        window = Window.of(f, stride=stride, padding=amount, dilation=dilation)
        last_cell = (count - 1) * stride + dilation * (f - 1)
        assert window.remainder((n, n)) == (n + 2 * amount - 1 - last_cell,) * 2


def test_each_axis_has_its_own_numbers():
    window = Window.of((3, 5), stride=(1, 2), padding=((1, 0), (2, 2)), dilation=(2, 1))
    assert window.span == (5, 5)
    assert window.output_shape((9, 10)) == (
        output_size(9, 3, padding=(1, 0), dilation=2),
        output_size(10, 5, padding=2, stride=2),
    )


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        (1, ((1, 1), (1, 1))),
        ((1, 2), ((1, 1), (2, 2))),
        ([1, 2], ((1, 1), (2, 2))),
        (((0, 1), (2, 3)), ((0, 1), (2, 3))),
        ("same", ((1, 1), (2, 2))),
        (("same", "valid"), ((1, 1), (0, 0))),
        ("full", ((2, 2), (4, 4))),
    ],
)
def test_every_way_to_write_a_padding(padding, sides):
    assert Window.of((3, 5), padding=padding).padding == sides


def test_numpy_integers_are_integers():
    assert pair(np.int64(3), "kernel") == (3, 3)
    assert output_size(np.int32(6), 3) == 4


CHAINS = {
    "one window": [Window.of(3)],
    "rectangle": [Window.of((1, 4)), Window.of((3, 1))],
    "pooling between": [Window.of(3), Window.of(2, stride=2), Window.of(3)],
    "gaps between windows": [Window.of(2, stride=3), Window.of(2)],
    "dilation": [Window.of(3, dilation=2), Window.of((3, 2), dilation=(1, 3))],
    "strides everywhere": [Window.of(3, stride=2), Window.of(2, stride=(1, 2)), Window.of(2)],
}


def dependency(chain, cell):
    """Return which pixels of a 20×20 image change output `cell`: each is set alone, and seen through ones."""
    x = np.eye(400).reshape(400, 20, 20, 1)
    for window in chain:
        x = conv2d(x, np.ones((*window.size, 1, 1)), stride=window.stride, dilation=window.dilation)
    rows, columns = np.nonzero(x[:, cell[0], cell[1], 0].reshape(20, 20))
    return (rows.min(), columns.min()), (np.ptp(rows) + 1, np.ptp(columns) + 1)


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_receptive_field_is_what_the_output_depends_on(chain):
    field = ReceptiveField()
    for window in chain:
        field = field.through(window)
    corner, size = dependency(chain, (0, 0))
    next_corner, _ = dependency(chain, (1, 1))
    assert field.size == size
    assert field.jump == (next_corner[0] - corner[0], next_corner[1] - corner[1])
    assert field.start == corner


def test_padding_moves_the_field_outwards_in_steps_of_the_jump():
    field = ReceptiveField().through(Window.of(2, stride=2)).through(Window.of(3, padding=((1, 1), (0, 2))))
    assert (field.size, field.jump, field.start) == ((6, 6), (2, 2), (-2, 0))
    assert field.centre == (0.5, 2.5)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_same_keeps_the_first_field_centred_on_the_first_pixel(size):
    field = ReceptiveField().through(Window.of(size, padding="same")).through(Window.of(3, padding="same"))
    assert field.centre == (0, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: output_size(0, 3), "n must be an integer of at least 1, not 0"),
        (lambda: output_size(6, 0), "f must be an integer of at least 1, not 0"),
        (lambda: output_size(6.0, 3), r"n must be an integer of at least 1, not 6\.0"),
        (lambda: output_size(6, 3, stride=0), "stride must be an integer of at least 1, not 0"),
        (lambda: output_size(6, 3, dilation=True), "dilation must be an integer of at least 1, not True"),
        (lambda: output_size(6, 3, padding=-1), "padding must be at least 0, not -1"),
        (
            lambda: output_size(6, 3, padding="sane"),
            "padding must be valid, same, full, or integers, not 'sane'",
        ),
        (lambda: output_size(2, 5, padding=1), r"padding 1 \+ 1: .* padding of at least 3 in all"),
        (
            lambda: Window.of((3, 3, 3)),
            r"kernel size must be an integer or \(rows, columns\), not \(3, 3, 3\)",
        ),
        (lambda: Window.of("33"), r"kernel size must be an integer or \(rows, columns\), not '33'"),
        (lambda: Window.of(3, stride=(1, 0)), r"stride must be at least 1, not \(1, 0\)"),
        (lambda: Window.of(3, stride=1.5), r"stride must be an integer or \(rows, columns\), not 1\.5"),
        (lambda: Window.of(3, padding=(1, 2, 3)), "padding must be valid, same, full, an integer"),
        (lambda: Window.of(3, padding=1.5), "padding must be valid, same, full, an integer"),
        (lambda: Window.of(3, padding=((1, 2), (3,))), "padding must be an integer or"),
        (lambda: Window.of(5).output_shape((9, 3)), "spanning 5 cells does not fit 3 cells"),
    ],
)
def test_a_mistake_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
