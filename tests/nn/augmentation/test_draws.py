"""Random numbers of images: known ones, spread evenly, and whoever asks for whatever others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from convcli.nn.augmentation import Draws
from convcli.nn.augmentation.draws import _mixed

ALL = np.arange(20_000)


def test_the_generator_is_splitmix64():
    # The first numbers of seed 1234567, as the authors' program prints them.
    states = np.uint64(1234567) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, 6, dtype=np.uint64)
    assert _mixed(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_an_image_draws_the_same_whatever_is_drawn_with_it():
    together = Draws(3, 5, ALL).uniform("shift", 2)
    alone = Draws(3, 5, ALL[77:78]).uniform("shift", 2)
    assert together.shape == (2, len(ALL))
    np.testing.assert_array_equal(together[:, 77:78], alone)


@pytest.mark.parametrize("other", [(4, 5, "shift"), (3, 6, "shift"), (3, 5, "flip")])
def test_seed_epoch_and_purpose_each_make_it_another(other):
    seed, epoch, purpose = other
    one, two = Draws(3, 5, ALL).uniform("shift", 1)[0], Draws(seed, epoch, ALL).uniform(purpose, 1)[0]
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_what_is_for_every_epoch_is_the_same_in_each():
    first, second = (Draws(3, epoch, ALL).bits("flip", 1, every_epoch=True) for epoch in (1, 2))
    np.testing.assert_array_equal(first, second)


def test_numbers_are_uniform_and_those_of_an_image_independent():
    one, two = Draws(0, 1, ALL).uniform("rotate", 2)
    assert stats.kstest(one, "uniform").pvalue > 0.01
    assert stats.kstest(two, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.02


def test_seeds_of_any_size_do():
    assert Draws(2**62, 10**6, ALL[-3:]).uniform("flip", 1).shape == (1, 3)
