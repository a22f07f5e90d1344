"""A claimed size: judged by the formula, and what is said to make it right does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.errors import ShapeError
from convcli.shapes.claims import judge, output_of
from convcli.shapes.solving import Given

axes = st.builds(
    Given,
    n=st.integers(1, 20),
    f=st.integers(1, 5),
    padding=st.one_of(
        st.sampled_from(["valid", "same", "full"]), st.tuples(st.integers(0, 3), st.integers(0, 3))
    ),
    s=st.integers(1, 4),
    d=st.integers(1, 3),
)


def form(axis, ceil_mode, transposed, more):
    extra = more if transposed and more < max(axis.s, axis.d) else 0
    return replace(axis, ceil_mode=ceil_mode and not transposed, transposed=transposed, output_padding=extra)


@given(
    rows=axes,
    columns=axes,
    claimed=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    ceil_mode=st.booleans(),
    transposed=st.booleans(),
    more=st.integers(0, 2),
)
def test_every_change_that_is_offered_gives_the_claimed_size(
    rows, columns, claimed, ceil_mode, transposed, more
):
    both = form(rows, ceil_mode, transposed, more), form(columns, ceil_mode, transposed, more)
    judged = judge(both, claimed)
    assert judged.right == (judged.output == claimed)
    assert all(output_of(change.axes) == claimed for change in judged.changes)
    alone = [change for change in judged.changes if not change.with_stride]
    letters = [change.letter for change in alone] + [failure.letter for failure in judged.failures]
    assert len(letters) == len(set(letters))
    if not judged.right:
        assert {"p", "s", "f"} <= set(letters)
        fields = {"p": "padding", "output padding": "output_padding"}
        for change in alone:
            changed = fields.get(change.letter, change.letter)
            for before, after in zip(both, change.axes, strict=True):
                assert replace(after, **{changed: getattr(before, changed)}) == before


def test_a_stride_and_a_padding_together_are_offered_where_neither_does_it_alone():
    judged = judge((Given(28, f=5), Given(28, f=5)), (14, 14))
    [both] = [change for change in judged.changes if change.with_stride]
    assert (both.letter, both.axes[0].s, both.axes[0].padding) == ("p", 2, 2)  # ⌊(28 + 4 − 5) / 2⌋ + 1
    assert output_of(both.axes) == (14, 14)
    alone = judge((Given(28, f=5, s=2), Given(28, f=5, s=2)), (14, 14))
    assert not any(change.with_stride for change in alone.changes)


def test_an_axis_that_is_right_keeps_what_it_has():
    judged = judge((Given(28, f=5, padding=(1, 2)), Given(28, f=5, padding=2)), (27, 24))
    [padded] = [change for change in judged.changes if change.letter == "p"]
    assert (padded.axes[0].padding, padded.axes[1].padding) == ((1, 2), 0)


def test_the_nearest_of_many_answers_is_taken():
    judged = judge((Given(28, f=5),) * 2, (2,) * 2)
    assert {change.letter: getattr(change.axes[0], change.letter) for change in judged.changes} == {
        "s": 12,
        "f": 27,
    }


SLIPS = {
    "rounded up": (Given(28, f=5, s=2), 13),
    "without the + 1": (Given(28, f=5, s=2), 11),
    "with the stride left out": (Given(28, f=5, s=2), 24),
    "with the + 1 before dividing": (Given(28, f=5, s=3, padding=1), 8),
    "with the padding counted once": (Given(28, f=5, padding=2), 26),
    "with the padding left out": (Given(28, f=5, padding=2), 24),
    "with the dilation left out": (Given(28, f=5, d=2), 24),
    "with the window left out": (Given(28, f=5, s=2), 14),
    "rounded down": (Given(6, f=3, s=2, ceil_mode=True), 2),
    "of a convolution that is not transposed": (Given(7, f=4, padding=1, s=2, transposed=True), 3),
    "with the padding added": (Given(7, f=4, padding=1, s=2, transposed=True), 18),
    "with the output padding left out": (Given(7, 3, 1, 2, transposed=True, output_padding=1), 13),
    "with n·s for (n − 1)·s": (Given(7, f=4, padding=1, s=3, transposed=True), 23),
}


@pytest.mark.parametrize(("says", "case"), SLIPS.items(), ids=SLIPS)
def test_a_slip_is_known_by_its_result(says, case):
    axis, claimed = case
    assert says in [slip.says for slip in judge((axis, axis), (claimed, claimed)).slips]


def test_no_slip_is_told_of_a_letter_that_is_not_there():
    slips = judge((Given(6, f=3),) * 2, (6, 6)).slips
    assert [slip.says for slip in slips] == ["with the window left out"]


def test_where_no_window_fits_the_claim_is_wrong_and_says_why():
    judged = judge((Given(3, f=5),) * 2, (3, 3))
    assert (judged.right, judged.output) == (False, None)
    assert "does not fit 3 cells" in judged.refusal
    assert [change.letter for change in judged.changes] == ["p", "f"]
    assert [failure.near for failure in judged.failures] == [(), ()]


def test_a_pools_window_never_lies_on_padding_alone():
    judged = judge((Given(5, f=2, s=2, ceil_mode=True),) * 2, (9, 9))
    assert judged.changes == ()
    assert "padding alone" in judged.failures[0].because


def test_a_number_out_of_range_is_named():
    with pytest.raises(ShapeError, match="the claimed size must be at least 1"):
        judge((Given(5, f=3),) * 2, (0, 3))
    with pytest.raises(ShapeError, match="stride must be at least 1"):
        judge((Given(5, f=3, s=0),) * 2, (3, 3))
