"""Ranks that share a batch's lanes come to what one process comes to: to the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.pairs import add_in_pairs, join, joins, subtrees
from convcli.engine.workspace import Workspace
from convcli.nn.ranks import ALONE
from convcli.nn.sharing import Sharing, shares
from threaded_ranks import on_ranks


def lanes_of(count, width=37, figures=3):
    """Return gradients of very different sizes, so that their sum depends on the order, and figures."""
    rng = np.random.default_rng(count)
    sizes = 10.0 ** rng.integers(-3, 4, (count, width))
    return (rng.standard_normal((count, width)) * sizes).astype(np.float32), rng.standard_normal(
        (count, figures)
    )


@pytest.mark.parametrize("count", range(1, 35))
def test_however_lanes_are_divided_their_subtrees_join_to_the_sum_of_one_process(count):
    rows, _ = lanes_of(count)
    alone, joined = np.empty(37, np.float32), np.empty(37, np.float32)
    add_in_pairs(rows, alone, Workspace())
    for ranks in range(1, count + 3):
        trees = [tree for held in shares(count, ranks) for tree in subtrees(held, count)]
        assert [lane for tree in trees for lane in tree] == list(range(count))
        sums = np.empty((len(trees), 37), np.float32)
        for tree, out in zip(trees, sums, strict=True):
            add_in_pairs(rows[tree.start : tree.stop], out, Workspace())
        join(list(sums), joins(trees, count), joined)
        assert joined.tobytes() == alone.tobytes()


@pytest.mark.parametrize("ranks", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("lanes", [16, 64])
def test_a_power_of_two_of_ranks_hold_one_subtree_each(lanes, ranks):
    assert all(len(subtrees(held, lanes)) == 1 for held in shares(lanes, ranks))


def summed(ranks, lanes, figures, asked=0):
    """Return what one rank finds, that knows its own lanes alone."""
    own = shares(len(lanes), ranks.size)[ranks.rank]
    mine, told = np.full_like(lanes, np.nan), np.full_like(figures, np.nan)
    mine[own.start : own.stop], told[own.start : own.stop] = (
        lanes[own.start : own.stop],
        figures[own.start : own.stop],
    )
    sharing = Sharing(ranks, mine, told, 1)
    assert sharing.held(len(lanes)) == own
    found, stop = sharing.add(len(lanes), asked)
    return sharing.total.tobytes(), found.tobytes(), stop


@pytest.mark.parametrize("ranks", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 16])
def test_every_rank_has_the_bytes_of_one_process(count, ranks):
    lanes, figures = lanes_of(count)
    alone = summed(ALONE, lanes, figures)
    assert set(on_ranks(ranks, lambda own: summed(own, lanes, figures))) == {alone}


@pytest.mark.parametrize("width", [0, 1, 2])
def test_there_may_be_fewer_parameters_than_ranks(width):
    lanes, figures = lanes_of(4, width)
    alone = summed(ALONE, lanes, figures)
    assert set(on_ranks(3, lambda own: summed(own, lanes, figures))) == {alone}


@pytest.mark.parametrize("plain", [False, True])
def test_all_hear_of_a_signal_that_one_has_heard(plain):
    lanes, figures = lanes_of(4)
    found = on_ranks(3, lambda own: summed(own, lanes, figures, 15 * (own.rank == 1))[2], plain=plain)
    assert found == [15, 15, 15]


@pytest.mark.parametrize("count", [1, 7, 8])
def test_a_plain_sum_is_the_same_but_for_rounding(count):
    lanes, figures = lanes_of(count)
    total, rows, _ = summed(ALONE, lanes, figures)
    for found, added, _ in on_ranks(3, lambda own: summed(own, lanes, figures), plain=True):
        largest = np.abs(lanes).sum(0)
        difference = np.frombuffer(found, np.float32) - np.frombuffer(total, np.float32)
        assert (np.abs(difference) <= 1e-6 * largest).all()
        one, all_of_them = np.frombuffer(added), np.frombuffer(rows).reshape(count, -1)
        np.testing.assert_allclose(one, all_of_them.sum(0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("plain", [False, True])
def test_what_is_no_number_on_one_rank_is_none_on_all_and_without_a_warning(plain):
    lanes, figures = lanes_of(4)
    lanes[3] = np.inf
    figures[3, 0] = np.inf
    for total, found, _ in on_ranks(2, lambda own: summed(own, lanes, figures), plain=plain):
        assert np.isinf(np.frombuffer(total, np.float32)).all()
        assert np.isinf(np.frombuffer(found).reshape(-1, 3)[:, 0].sum())
