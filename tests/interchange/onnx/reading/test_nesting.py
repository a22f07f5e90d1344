"""Graphs as rows within rows: where branches fork and meet, and what crosses."""

from __future__ import annotations

import pytest

from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Node
from convcli.interchange.onnx.reading.nesting import Fork, nested
from convcli.interchange.onnx.reading.steps import Formula, Meeting, Step


def steps(*described):
    """Return steps of names and the numbers that they take: "a 0", "+ 1 2" or ", 1 2"."""
    made = []
    for text in described:
        name, *given = text.split()
        does = {"+": Meeting("add"), ",": Meeting("concatenate")}.get(name) or Formula(abs)
        made.append(Step(Node(name, name, (), ()), does, tuple(map(int, given)), (1,), (1,)))
    return made


def written(row):
    """Return a row as text: branches in brackets."""
    return " ".join(
        f"[{f' {item.step.node.op} '.join(map(written, item.branches))}]"
        if isinstance(item, Fork)
        else item.node.op
        for item in row
    )


@pytest.mark.parametrize(
    ("described", "row"),
    [
        (["a 0", "b 1", "c 2"], "a b c"),
        (["a 0", "b 1", "+ 2 1", "c 3"], "a [b + ] c"),
        (["a 0", "b 0", ", 1 2 0"], "[a , b , ]"),
        (["a 0", "b 1", "+ 2 1", "c 3", "+ 4 3"], "a [b + ] [c + ]"),
        (["a 0", "b 1", "c 2", "+ 3 2", "d 1", ", 4 5"], "a [b [c + ] , d]"),
        (["a 0", "+ 1 1"], "a [ + ]"),
        # Each takes all before it: (0, 1), then (0, 1, 2), then (0, 1, 2, 3).
        (["a 0", ", 0 1", "b 2", ", 0 1 3", "c 4", ", 0 1 3 5"], "[ , a] [ , b] [ , c]"),
    ],
)
def test_branches_are_rows_in_rows(described, row):
    assert written(nested(steps(*described), len(described), "net.onnx")) == row


def test_branches_that_cross_are_named():
    crossing = steps("a 0", "b 1", "c 1", "+ 2 3", "d 2", "+ 4 5")
    with pytest.raises(InputError, match=r"its branches cross.* what b 'b' gives goes to \+ '\+', d 'd'"):
        nested(crossing, len(crossing), "net.onnx")


def test_branches_within_branches_have_an_end():
    down = [f"a {number}" for number in range(12)]
    up = [f"+ {12 + number} {11 - number}" for number in range(12)]
    with pytest.raises(InputError, match="more than 8 deep"):
        nested(steps(*down, *up), 24, "net.onnx")
