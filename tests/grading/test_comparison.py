"""A result beside ours: what is wrong, where, by how much, and what of it is shown."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.grading.comparison import Comparison

IMAGES = ("image", "row", "column", "channel")


def test_right_is_right_but_for_rounding():
    expected = np.arange(6.0).reshape(2, 3)
    assert Comparison("Z", expected, expected + 1e-7, ("row", "column")).right
    assert Comparison("Z", expected, expected, ("row", "column")).summary() == "Z: 2 × 3, all 6 cells right"
    assert not Comparison("Z", expected, expected + 1e-4, ("row", "column")).right
    assert Comparison("Z", expected, expected + 1e-4, ("row", "column"), 1e-3).right


def test_no_number_is_wrong_unless_it_is_expected():
    expected = np.array([[1.0, np.nan], [np.inf, 2.0]])
    assert Comparison("Z", expected, expected.copy(), ("row", "column")).right
    found = Comparison("Z", np.ones((2, 2)), expected, ("row", "column"))
    assert (found.count, found.first, found.largest) == (3, (0, 1), np.inf)
    [step] = found.steps()
    assert step.data["found"] == [[1, "nan"], ["inf", 2]]


def test_planes_with_a_wrong_cell_are_shown_three_at_most():
    expected = np.zeros((2, 3, 3, 4))
    found = expected.copy()
    found[:, 1, 1, :3] = 1
    titles = [step.title for step in Comparison("Z", expected, found, IMAGES).steps()]
    assert titles == ["Z, image 1, channel 1", "Z, image 1, channel 2", "Z, image 1, channel 3", ""]


def test_of_a_large_plane_what_lies_around_the_first_wrong_cell_is_shown():
    expected = np.zeros((1, 40, 30, 1))
    found = expected.copy()
    found[0, 35, 2, 0] = 1
    [step] = Comparison("Z", expected, found, IMAGES).steps()
    (shown, _, other), (words,) = step.rows
    assert shown.shape == other.shape == (12, 12)
    assert words.text == "Rows 29–40, columns 1–12 of 40 × 30."
    assert [cell for cell, role in other.marks.items() if role == "chosen"] == [(7, 2)]


def test_wrong_and_right_cells_are_marked():
    [step] = Comparison("dW", np.zeros((2, 2)), np.eye(2), ("row", "column")).steps()
    assert step.rows[0][2].marks == {
        (0, 0): "chosen", (0, 1): "done", (1, 0): "done", (1, 1): "chosen",
    }  # fmt: skip


@pytest.mark.parametrize(("found", "steps"), [(np.zeros((2, 2)), 1), (np.zeros((2, 20, 20)), 0)])
def test_other_shapes_are_told_and_small_ones_shown(found, steps):
    one = Comparison("Z", np.zeros((3, 3)), found, ("row", "column"))
    assert (one.right, one.first) == (False, None)
    assert "found, 3 × 3 expected (row, column)" in one.summary()
    assert len(list(one.steps())) == steps


def test_one_number_is_no_matrix():
    assert Comparison("loss", np.asarray(1.0), np.asarray(1.0), ()).summary() == "loss: one number, right"
