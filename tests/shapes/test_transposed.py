"""Transposed convolution against PyTorch, and as the way back of a convolution."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcli.errors import ShapeError
from convcli.shapes import Window
from convcli.shapes.transposed import Transposed


@given(
    n=st.integers(1, 9),
    f=st.integers(1, 4),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    data=st.data(),
)
def test_a_convolution_takes_its_output_back(n, f, padding, stride, dilation, data):
    extra = data.draw(st.integers(0, stride - 1))
    window = Window.of(f, stride=stride, padding=(padding, padding), dilation=dilation)
    assume((n - 1) * stride + window.span[0] + extra > sum(padding))
    output = Transposed(window, (extra, extra)).output_shape((n, n))
    assert window.output_shape(output) == (n, n)


def test_the_size_is_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    grid = itertools.product((1, 4), (1, 2, 3), (0, 1, 2), (1, 2, 3), (1, 2), (0, 1, 2))
    agreed = 0
    for n, f, p, s, d, extra in grid:
        options = {"stride": (s, 1), "padding": (p, 0), "dilation": (d, 1), "output_padding": (extra, 0)}
        x, w = torch.zeros(1, 1, n, 3), torch.zeros(1, 1, f, 2)
        try:
            theirs = tuple(torch.nn.functional.conv_transpose2d(x, w, **options).shape[2:])
        except RuntimeError:
            theirs = None
        window = Window.of((f, 2), stride=(s, 1), padding=(p, 0), dilation=(d, 1))
        try:
            ours = Transposed(window, (extra, 0)).output_shape((n, 3))
        except ShapeError:
            ours = None
        assert ours == theirs, (n, f, options)
        agreed += ours is not None
    assert agreed > 100


def test_each_axis_has_its_own_numbers():
    window = Window.of((3, 5), stride=(2, 3), padding=((1, 0), (2, 2)), dilation=(1, 2))
    assert Transposed(window, (1, 0)).output_shape((4, 6)) == (3 * 2 - 1 + 2 + 1 + 1, 5 * 3 - 4 + 8 + 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Transposed(Window.of(3, stride=2), (2, 0)), "output padding 2 of the rows must be smaller"),
        (lambda: Transposed(Window.of(3), (0, -1)), "output padding must be at least 0"),
        (
            lambda: Transposed(Window.of(2, padding=1)).output_shape((1, 1)),
            r"of 1 rows makes 2, and padding 1 \+ 1 crops all of them",
        ),
    ],
)
def test_a_mistake_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
