"""Answers: what is read from a line, and what counts as right."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import UsageError
from convcli.learn import LESSONS, Attempt
from convcli.learn.answers import Choice, Matrix, Number, Numbers, Sizes


@pytest.mark.parametrize("text", ["1/9", "0.111", "0.1111", " 1/9 ", "0.11111111"])
def test_a_fraction_and_three_decimals_are_right(text):
    answer = Number(1 / 9)
    assert answer.right(answer.read(text))


@pytest.mark.parametrize("text", ["0.11", "1/8", "-1/9"])
def test_what_is_rounded_further_is_not(text):
    assert not Number(1 / 9).right(Number(1 / 9).read(text))


@pytest.mark.parametrize(("text", "value"), [("-3", -3), ("−3", -3), ("3.0", 3), ("6/2", 3), ("1,216", 1216)])
def test_a_whole_number_may_be_written_in_many_ways(text, value):
    assert Number(value).right(Number(value).read(text))


def test_a_whole_number_is_exact():
    assert not Number(3).right(3.0004)
    assert not Number(1216).right(1216.5)


@pytest.mark.parametrize("text", ["", "abc", "1 2", "3*2", "nan", "1e999", "x" * 500, "[[["])
def test_what_is_no_number_is_told_what_is_expected(text):
    with pytest.raises(UsageError, match="Expected a whole number such as 12 or -3") as caught:
        Number(3).read(text)
    assert len(str(caught.value)) < 200


def test_a_decimal_comma_is_told_apart():
    with pytest.raises(UsageError, match=r"decimal point: 0\.111"):
        Number(1 / 9).read("0,111")


@pytest.mark.parametrize(
    "text", ["1 2; 3 4", "[[1, 2], [3, 4]]", "1, 2; 3, 4", "array([[1., 2.], [3., 4.]])"]
)
def test_a_matrix_is_read_as_explain_reads_it(text):
    answer = Matrix(np.array([[1.0, 2], [3, 4]]), "out")
    assert answer.right(answer.read(text))


def test_a_matrix_of_another_size_or_with_some_wrong_cells_is_told_so():
    answer = Matrix(np.array([[1.0, 2], [3, 4]]), "out")
    assert answer.nearly(np.ones((3, 3))) == "the size of out is not 3 × 3"
    assert answer.nearly(np.array([[1.0, 2], [3, 5]])) == "3 of 4 numbers are right; look again at [2, 2]"
    assert not answer.nearly(np.zeros((2, 2)))
    with pytest.raises(UsageError, match="parted by ;"):
        answer.read("1 2 3 4")


@pytest.mark.parametrize("text", ["5x5x2", "5 × 5 × 2", "5 5 2", "(5, 5, 2)", "[5, 5, 2]", "5*5*2"])
def test_sizes_are_read_however_they_are_parted(text):
    assert Sizes((5, 5, 2)).right(Sizes((5, 5, 2)).read(text))


@pytest.mark.parametrize("text", ["5x5", "5", "five", "", "5x5x2x1"])
def test_too_few_sizes_are_no_answer(text):
    with pytest.raises(UsageError, match="Expected"):
        Sizes((5, 5, 2)).read(text)


def test_any_number_that_fits_is_right():
    answer = Numbers(2, lambda p: p in (2, 3))
    assert [p for p in range(-1, 6) if answer.right(p)] == [2, 3]
    assert not answer.right(2.5)


def test_the_beginning_of_a_word_is_enough():
    answer = Choice("vertical", ("vertical", "horizontal", "neither"))
    assert answer.right(answer.read("V"))
    assert not answer.right(answer.read("hor"))
    with pytest.raises(UsageError, match="vertical, horizontal or neither"):
        answer.read("diagonal")


@pytest.mark.parametrize(
    "text",
    ["1 1 1; 0 0 0; -1 -1 -1", "1 2 1; 0 0 0; -1 -2 -1", "0 3 0; 0 0 0; 0 -3 0", "2 1 2; -1 0 -1; -1 -1 -1"],
)
def test_every_kernel_that_finds_the_edge_is_right(text):
    exercise = LESSONS["edges"].draw("write", 1)
    assert Attempt(exercise).answer(text).verdict == "right"


@pytest.mark.parametrize("text", ["1 0 -1; 1 0 -1; 1 0 -1", "-1 -1 -1; 0 0 0; 1 1 1", "1 1 1; 1 1 1; 1 1 1"])
def test_a_kernel_that_does_not_is_wrong(text):
    exercise = LESSONS["edges"].draw("write", 1)
    assert Attempt(exercise).answer(text).verdict == "wrong"


def test_a_hint_comes_first_and_the_solution_second():
    exercise = LESSONS["convolution"].draw("one-cell", 3)
    attempt = Attempt(exercise)
    assert attempt.answer("no idea").verdict == "unreadable"
    first = attempt.answer("12345")
    assert (first.verdict, first.lines) == ("wrong", (exercise.hint,))
    assert attempt.answer("12345").verdict == "told"
    assert attempt.over


def test_a_flipped_kernel_is_recognised():
    exercise = LESSONS["convolution"].draw("one-cell", 3)
    flipped = exercise.mistakes[0][0]
    assert "kernel flipped" in Attempt(exercise).answer(repr(float(flipped))).lines[0]
