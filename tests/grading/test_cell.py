"""What a cell is made of: the formula that is told, computed, is the cell."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

from convcli.explaining.elements import Formula
from convcli.grading.cases import Case, cases
from convcli.grading.cell import drawn

COMPUTED = (
    "conv_forward",
    "conv_backward",
    "conv_single_step",
    "max_pool",
    "avg_pool",
    "max_pool_backward",
    "avg_pool_backward",
    "dense",
    "dense_backward",
)


def told(case, output, index, value):
    """Return the last line of what is drawn of a cell: `name = terms = value`."""
    step = drawn(case, output, index, value)
    [*_, line] = [element.text for row in step.rows for element in row if isinstance(element, Formula)]
    return line


def computed(terms):
    """Return what a sum of products as it is told comes to; not of one with terms left out."""
    text = terms.replace("−", "-").replace("·", "*")
    assert re.fullmatch(r"[-\d\s.+*/(),max]*", text), text
    return float(Fraction(eval(text)))  # numbers and operators alone, as the line before makes sure


@pytest.mark.parametrize("operation", COMPUTED)
def test_the_terms_that_are_told_make_the_cell(operation):
    for case in cases(operation):
        if case.origin != "hand":
            continue
        for output, array in case.expected().items():
            for index in list(np.ndindex(array.shape))[:6] or [()]:
                line = told(case, output, index, float(array[index]))
                _, *middle, _ = line.split(" = ")
                if "nothing saw it" in line or "no window saw it" in line:
                    assert array[index] == 0
                elif "…" not in line:
                    assert computed(middle[0]) == pytest.approx(float(array[index])), line


def test_what_has_no_terms_is_told_in_words():
    case = Case("relu_backward", {"x": np.array([[1.0, -2.0]]), "dz": np.array([[3.0, 4.0]])}, {})
    assert told(case, "dx", (0, 1), 0.0) == "Z is −2 ≤ 0: 4·0 = 0"
    assert told(Case("relu", {"x": np.array([[-2.0]])}, {}), "y", (0, 0), 0.0) == "max(−2, 0) = 0"
    assert (
        drawn(Case("zero_pad", {"x": np.ones((1, 1, 1, 1))}, {"padding": 1}), "y", (0, 0, 0, 0), 0.0) is None
    )


def test_what_somebody_else_has_there_is_told_too():
    case = Case("relu", {"x": np.array([[5.0]])}, {})
    step = drawn(case, "y", (0, 0), 5.0, float("nan"))
    assert step.rows[-1][0].text == "max(5, 0) = 5, found nan"


def test_of_many_channels_four_are_drawn_and_all_are_summed():
    case = Case("conv_forward", {"x": np.ones((1, 2, 2, 6)), "w": np.ones((2, 2, 6, 1))}, {})
    step = drawn(case, "z", (0, 0, 0, 0), 24.0)
    assert len(step.rows) == 5
    assert step.rows[-1][0].text == "Z[1, 1] = 4 + 4 + 4 + 4 + 4 + 4 = 24"
