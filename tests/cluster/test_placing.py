"""Ranks share the processors of their machine, and what is odd about it is said."""

import os

import pytest

from convcli.cluster import placing
from convcli.cluster.placing import Place, notes_on, placed
from convcli.engine.threads import threads_each


@pytest.mark.parametrize(
    ("sets", "limit", "expected"),
    [
        ([range(8)], None, [8]),
        ([range(8)] * 2, None, [4, 4]),
        ([range(2)] * 4, None, [1, 1, 1, 1]),  # never none
        ([range(4), range(4, 8)], None, [4, 4]),
        ([{0}, {1}], None, [1, 1]),
        ([range(8)] * 2, 3.0, [1, 2]),
        ([range(8)] * 2, 0.5, [1, 1]),
        ([range(4), range(4), range(4, 8)], None, [2, 2, 4]),
        ([range(4), range(2, 6)], None, [3, 3]),
    ],
)
def test_processors_are_shared_by_those_that_may_be_put_on_them(sets, limit, expected):
    assert threads_each(sets, limit) == expected


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.setattr(placing, "cgroup_cores", lambda: None)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


@pytest.mark.usefixtures("machine")
def test_a_rank_takes_its_share_or_what_it_is_told():
    sets = [frozenset(range(8))] * 2
    assert placed("a", 0, sets, None) == Place("a", 4, 8, kept=False)
    assert placed("a", 1, sets, 2).threads == 2


@pytest.mark.usefixtures("machine")
def test_ranks_that_open_mpi_keeps_on_few_processors_are_said(monkeypatch):
    sets = [frozenset({0}), frozenset({1})]
    assert notes_on([placed("a", place, sets, None) for place in range(2)]) == []  # a scheduler may want that
    monkeypatch.setattr(placing, "launcher", lambda: "Open MPI")
    places = [placed("a", place, sets, None) for place in range(2)]
    (note,) = notes_on(places)
    assert note == (
        "mpiexec keeps 2 ranks on 2 of the machine's processors; with --bind-to none they use all"
    )


def test_too_many_ranks_or_threads_are_said_by_machine():
    place = Place("a", 1, 4, kept=False)
    assert notes_on([place] * 4) == []
    assert notes_on([place] * 5) == ["5 rank(s) take turns on 4 processor(s), no faster than fewer"]
    many = place._replace(host="b", threads=8)
    assert notes_on([place, many]) == [
        "b: 1 rank(s) of 8 threads take turns on 4 processor(s), no faster than fewer"
    ]
