"""Which strategy is chosen: facts about kernels, planes and strides, not times."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from convcli import kernels
from convcli.engine.plane.planes import Frame
from convcli.engine.plane.strategies import STRATEGIES, choose, folded
from convcli.engine.plane.strategies.bands import ACROSS, DOWN
from convcli.engine.plane.strategies.spectral import fast_length
from convcli.engine.plane.strategies.stacked import Stacked
from convcli.engine.plane.strategy import PRODUCT_SIZE, Task
from convcli.shapes import Window

RNG = np.random.default_rng(0)


def task_for(kernel, shape=(4000, 6000), dtype=np.float32, **window):
    kernel = np.asarray(kernel, float)
    moving = Window.of(kernel.shape, padding="same", **window)
    return Task(kernel, moving, Frame.of(shape, moving.padding, "reflect", 0), np.dtype(dtype))


def picked(kernel, shape=(4000, 6000), **window):
    return type(choose(task_for(kernel, shape, **window)).make()).__name__.lower()


@pytest.mark.parametrize(
    ("kernel", "name"),
    [
        (np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), "direct"),
        (np.zeros((5, 5)), "direct"),
        (np.pad(RNG.random((1, 2)), 20), "direct"),
        (RNG.normal(size=(3, 3)), "direct or stacked"),  # with AVX2, with AVX-512
        (RNG.normal(size=(7, 7)), "stacked"),
        (np.outer(RNG.random(25), RNG.random(25)), "separable"),
        (kernels.kernel("gaussian", sigma=4), "separable"),
        (RNG.normal(size=(31, 31)), "spectral"),
        (RNG.normal(size=(200, 150)), "spectral"),
    ],
    ids=[
        "laplacian",
        "zeros",
        "two taps",
        "3 × 3",
        "7 × 7",
        "outer product",
        "gaussian",
        "31 × 31",
        "200 × 150",
    ],
)
def test_strategy_follows_the_kernel(kernel, name):
    assert picked(kernel) in name.split(" or ")


def test_a_large_box_costs_hardly_more_than_a_small_one():
    small, large = (choose(task_for(np.ones((side, side)), (1600, 1200))).cost for side in (101, 801))
    assert large < 1.5 * small


def test_a_wide_stride_makes_the_fourier_domain_not_worth_it():
    kernel = RNG.normal(size=(17, 17))
    assert picked(kernel) == "spectral"
    assert picked(kernel, stride=8) != "spectral"


def test_two_equal_columns_are_one_product():
    sobel = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert picked(sobel) in ("stacked", "separable", "direct")
    assert choose(task_for(sobel)).cost < choose(task_for(RNG.normal(size=(3, 3)))).cost


@pytest.mark.parametrize("name", STRATEGIES)
def test_cost_grows_with_the_kernel_less_than_with_its_cells(name, monkeypatch):
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    costs = []
    for side in (5, 10, 20, 40):
        kernel = np.outer(RNG.normal(size=side), RNG.normal(size=side))
        if name in ("direct", "stacked"):
            kernel = RNG.normal(size=(side, side))
        if (offer := STRATEGIES[name](task_for(kernel))) is not None:
            costs.append(offer.cost)
    if name != "spectral":  # whose tiles are as expensive for small kernels as for large ones
        assert all(later >= earlier for earlier, later in pairwise(costs))
    best = [choose(task_for(RNG.normal(size=(side, side)))).cost for side in (5, 10, 20, 40, 80)]
    assert best[-1] < best[0] * (80 / 5) ** 2 / 8


@pytest.mark.parametrize("shape", [(1, 1), (3, 5000), (5000, 3), (40, 40), (10_000, 10_000)], ids=str)
@pytest.mark.parametrize("side", [1, 3, 15, 60])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("name", STRATEGIES)
def test_blocks_are_never_empty_nor_larger_than_the_output(name, stride, side, shape, monkeypatch):
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    kernel = np.outer(RNG.normal(size=side), RNG.normal(size=side))
    task = task_for(kernel, shape, stride=stride)
    offer = STRATEGIES[name](task)
    if offer is None:
        assert name == "stacked"
        assert side == 60
        return
    block = offer.block
    assert all(n >= 1 for n in block)
    assert name == "spectral" or all(n <= most for n, most in zip(block, task.output, strict=True))


@pytest.mark.parametrize("side", [3, 7, 11])
def test_products_stay_below_what_openblas_spreads_over_threads(side):
    task = task_for(RNG.normal(size=(side, side)))
    offer = STRATEGIES["stacked"](task)
    stacked = offer.make()
    assert isinstance(stacked, Stacked)
    assert stacked.product * stacked.columns(offer.block[0] + side - 1) <= PRODUCT_SIZE
    task = task_for(np.outer(RNG.normal(size=side), RNG.normal(size=side)))
    narrow = task_for(np.outer(RNG.normal(size=side), RNG.normal(size=side)), shape=(100_000, 50))
    for one in (task, narrow):
        rows, columns = STRATEGIES["separable"](one).block
        assert DOWN * (DOWN - 1 + side) * (columns + side - 1) <= PRODUCT_SIZE
        assert rows * (ACROSS + side - 1) * ACROSS <= PRODUCT_SIZE


@pytest.mark.parametrize("n", [1, 7, 97, 1021, 5003])
def test_fast_lengths_are_products_of_small_primes(n):
    length = fast_length(n)
    assert length >= n
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1
    assert fast_length(n) <= 2 ** math.ceil(math.log2(n))
