"""The formula turned round, against trying every value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.errors import ShapeError
from convcli.shapes import output_size
from convcli.shapes.solving import Given, Unknown, solve

TRIED = 60
paddings = st.one_of(
    st.sampled_from(["valid", "same", "full"]), st.tuples(st.integers(0, 3), st.integers(0, 3))
)
axes = st.builds(
    Given,
    n=st.integers(1, 20),
    f=st.integers(1, 5),
    padding=paddings,
    s=st.integers(1, 5),
    d=st.integers(1, 3),
)


def size(unknown, axis, value):
    """Return the size with `value` for the unknown, None where nothing fits."""
    f, padding, s, d = axis.f, axis.padding, axis.s, axis.d
    if unknown is Unknown.f:
        f = value
    elif unknown is Unknown.d:
        d = value
    elif unknown is Unknown.s:
        s = value
    else:
        padding = value
    try:
        return output_size(axis.n, f, padding=padding, stride=s, dilation=d)
    except ShapeError:
        return None


@pytest.mark.parametrize("unknown", list(Unknown))
@given(axis=axes, wanted=st.integers(1, 30))
def test_the_answers_are_those_that_trying_every_value_finds(unknown, axis, wanted):
    values = range(0 if unknown is Unknown.p else 1, TRIED)
    tried = [value for value in values if size(unknown, axis, value) == wanted]
    found = solve(unknown, axis, wanted)
    if found.first is None:
        assert tried == []
        assert all(size(unknown, axis, value) == gives for value, gives in found.near)
    else:
        last = TRIED - 1 if found.last is None else min(found.last, TRIED - 1)
        assert tried == list(range(found.first, last + 1))


@given(axis=axes, wanted=st.integers(1, 30))
def test_where_no_even_padding_answers_an_uneven_one_does(axis, wanted):
    found = solve(Unknown.p, axis, wanted)
    if found.uneven is not None:
        assert output_size(axis.n, axis.f, padding=found.uneven, stride=axis.s, dilation=axis.d) == wanted
        assert found.uneven[1] - found.uneven[0] == 1


def test_the_nearest_values_stand_on_both_sides():
    assert solve(Unknown.s, Given(28, f=3, padding="same"), 20).near == ((1, 28), (2, 14))
    assert solve(Unknown.p, Given(28, f=4), 28).near == ((1, 27), (2, 29))
    assert solve(Unknown.p, Given(28, f=4), 28).uneven == (1, 2)


def test_one_output_is_what_every_large_stride_gives():
    found = solve(Unknown.s, Given(10, f=3), 1)
    assert (found.first, found.last) == (8, None)


def test_with_same_the_window_does_not_matter():
    assert solve(Unknown.f, Given(9, padding="same"), 9).last is None
    assert solve(Unknown.f, Given(9, padding="same"), 8).near == ((1, 9),)


def test_nothing_is_near_where_no_window_fits():
    assert solve(Unknown.s, Given(2, f=9), 3).near == ()


@pytest.mark.parametrize(
    ("axis", "wanted", "message"),
    [
        (Given(0), 3, "n must be at least 1"),
        (Given(5), 0, "the wanted output must be at least 1"),
        (Given(5, s=0), 1, "stride must be at least 1"),
        (Given(5, padding="sane"), 1, "padding must be valid"),
    ],
)
def test_a_mistake_is_named(axis, wanted, message):
    with pytest.raises(ShapeError, match=message):
        solve(Unknown.p, axis, wanted)
