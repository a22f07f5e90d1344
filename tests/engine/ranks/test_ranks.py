"""Order statistics, against SciPy, OpenCV, scikit-image, and against sorting where not all is seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.engine.ranks.counting import count_to
from convcli.engine.ranks.networks import select, selection
from convcli.engine.ranks.order import MEDIAN, Order
from convcli.engine.ranks.ranks import ranked
from convcli.engine.ranks.windows import sort_some
from convcli.engine.workspace import Workspace
from convcli.errors import UsageError

RNG = np.random.default_rng(16)
ORDERS = (MEDIAN, Order(rank=0), Order(rank=-1), Order(percentile=20))


def by_network(cells, size, order, out, workspace):
    select(cells, size, order.of(size[0] * size[1]), out, workspace)


def by_sorting(cells, size, order, out, workspace):
    sort_some(cells, np.ones(size, bool), order, np.arange(out.size), out, workspace)


def by_choice(cells, size, order, out, workspace):
    ranked(cells, np.ones(size, bool), order, out, workspace)


WAYS = {"network": by_network, "counting": count_to, "sorting": by_sorting, "choice": by_choice}


def padded(plane, size):
    return np.pad(plane, [((n - 1) // 2, n // 2) for n in size], mode="symmetric")


def planes(shape):
    """Yield planes of many and of few values, of each dtype."""
    for dtype, most in ((np.uint8, 255), (np.uint16, 60000), (np.float32, 255), (np.float64, 2)):
        yield (RNG.random(shape) * most).astype(dtype)
    yield RNG.integers(0, 3, shape).astype(np.float32)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (41, 33)], ids=str)
def test_every_way_gives_scipys_number(way, shape):
    for plane in planes(shape):
        for size in ((1, 1), (1, 4), (3, 3), (2, 5), (7, 6), (5, 5)):
            for order in ORDERS:
                out = np.empty_like(plane)
                WAYS[way](padded(plane, size), size, order, out, Workspace())
                origin = [-1 if n % 2 == 0 else 0 for n in size]
                place = order.of(size[0] * size[1])
                expected = ndimage.rank_filter(plane, place, size=size, mode="reflect", origin=origin)
                np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("size", [(9, 9), (13, 13), (15, 15), (35, 33)], ids=str)
def test_large_windows_give_scipys_median(size):
    for plane in planes((30, 37)):
        out = np.empty_like(plane)
        ranked(padded(plane, size), np.ones(size, bool), MEDIAN, out, Workspace())
        np.testing.assert_array_equal(out, ndimage.median_filter(plane, size=size, mode="reflect"))


@pytest.mark.parametrize("size", [(131, 7), (201, 5), (7, 260), (300, 300)], ids=str)
def test_counts_beyond_8_and_16_bits_do_not_wrap(size):
    plane = RNG.integers(0, 256, (12, 14), np.uint8)
    cells = np.pad(plane, [((n - 1) // 2, n // 2) for n in size], mode="edge")
    out = np.empty_like(plane)
    count_to(cells, size, MEDIAN, out, Workspace())
    origin = [-1 if n % 2 == 0 else 0 for n in size]
    expected = ndimage.median_filter(plane, size=size, mode="nearest", origin=origin)
    np.testing.assert_array_equal(out, expected)


def test_tiles_and_bands_that_do_not_come_out_even_are_whole(monkeypatch):
    monkeypatch.setattr("convcli.engine.ranks.counting.TILE", 16)
    monkeypatch.setattr("convcli.engine.ranks.networks.AT_ONCE", 200)
    monkeypatch.setattr("convcli.engine.ranks.networks.STRIP", 16)
    monkeypatch.setattr("convcli.engine.ranks.windows.AT_ONCE", 500)
    plane = RNG.random((50, 61), np.float32)
    expected = ndimage.median_filter(plane, size=(5, 7), mode="reflect")
    for way in WAYS.values():
        out = np.empty_like(plane)
        way(padded(plane, (5, 7)), (5, 7), MEDIAN, out, Workspace())
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_any_footprint_gives_scipys_percentile(order):
    cells = RNG.random((5, 5)) < 0.5
    cells[2, 2] = True
    for plane in planes((30, 37)):
        out = np.empty_like(plane)
        ranked(padded(plane, (5, 5)), cells, order, out, Workspace())
        place = order.of(int(cells.sum()))
        expected = ndimage.rank_filter(plane, place, footprint=cells, mode="reflect")
        np.testing.assert_array_equal(out, expected)


def test_medians_of_8_bits_are_opencvs_and_scikit_images():
    cv2 = pytest.importorskip("cv2")
    rank = pytest.importorskip("skimage.filters.rank")
    plane = RNG.integers(0, 256, (60, 71), np.uint8)
    for size in (3, 5, 7, 15, 21):
        out = np.empty_like(plane)
        cells = np.pad(plane, size // 2, mode="edge")
        ranked(cells, np.ones((size, size), bool), MEDIAN, out, Workspace())
        np.testing.assert_array_equal(out, cv2.medianBlur(plane, size))
        inner = slice(size // 2, -(size // 2))  # scikit-image leaves out what is beyond the image
        theirs = rank.median(plane, np.ones((size, size), np.uint8))
        np.testing.assert_array_equal(out[inner, inner], theirs[inner, inner])


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("size", [(3, 3), (4, 5), (35, 31)], ids=str)
def test_what_is_not_seen_has_no_say(size, order, monkeypatch):
    monkeypatch.setattr("convcli.engine.ranks.ranks.TILE", 12)
    plane = (RNG.random((20, 23)) * 9).astype(np.float32)
    seen = RNG.random((20, 23)) < 0.3
    seen[:8, :9] = False
    plane[~seen] = np.where(RNG.random(plane[~seen].shape) < 0.5, np.nan, 1e9)
    cells, shown = padded(plane, size), padded(seen, size)
    some = RNG.random(size) < 0.6
    some[0, 0] = True
    for footprint in (np.ones(size, bool), some):
        out = np.empty_like(plane)
        ranked(cells, footprint, order, out, Workspace(), shown)
        windows = np.lib.stride_tricks.sliding_window_view(cells, size)
        sights = np.lib.stride_tricks.sliding_window_view(shown, size)
        for at in np.ndindex(plane.shape):
            values = np.sort(windows[at][sights[at] & footprint])
            assert out[at] == (values[order.of(values.size)] if values.size else 0)


@pytest.mark.parametrize("size", [(3, 3), (15, 15), (35, 35)], ids=str)
def test_a_window_that_holds_a_nan_gives_nan_and_infinities_are_ordered(size):
    plane = RNG.random((80, 80))
    plane[40, 41], plane[0, 0], plane[70:, 70:] = np.nan, -np.inf, np.inf
    out = np.empty_like(plane)
    ranked(padded(plane, size), np.ones(size, bool), MEDIAN, out, Workspace())
    expected = np.zeros(plane.shape, bool)
    r = size[0] // 2
    expected[40 - r : 41 + r, 41 - r : 42 + r] = True
    np.testing.assert_array_equal(np.isnan(out), expected)
    without = np.where(np.isnan(plane), 0, plane)
    theirs = ndimage.median_filter(without, size=size, mode="reflect")
    np.testing.assert_array_equal(out[~expected], theirs[~expected])


def test_networks_have_no_more_comparisons_than_they_need():
    costs = {n: selection((n, n), n * n // 2).cost for n in (3, 5, 7, 9, 13)}
    assert costs[3] <= 22
    assert costs[5] <= 88
    assert costs[7] < 260
    assert costs[9] < 400
    assert costs[13] < 1400


def test_places_are_checked():
    with pytest.raises(UsageError, match="a rank or a percentile"):
        Order()
    with pytest.raises(UsageError, match="0 to 100, found 101"):
        Order(percentile=101)
    with pytest.raises(UsageError, match="0 to 8, or −1 to −9"):
        Order(rank=9).check(9)
    Order(rank=-9).check(9)
