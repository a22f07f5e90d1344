"""Layers in which channels see their neighbours, against the words of their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import ShapeError
from convcli.nn.layers import ChannelShuffle, LocalResponseNorm
from convcli.nn.tape import Tape, Weights


def passed(layer, x):
    return layer.forward(x, Weights(), Tape())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_of_an_even_size_the_larger_half_is_behind(size):
    x = np.random.default_rng(0).standard_normal((2, 3, 2, 6))
    layer = LocalResponseNorm(size=size, alpha=0.5, beta=0.6, k=2.0)
    expected = np.empty_like(x)
    for c in range(6):  # as ONNX has it: max(0, c − ⌊(size−1)/2⌋) … min(5, c + ⌈(size−1)/2⌉)
        near = x[..., max(0, c - (size - 1) // 2) : c + -(-(size - 1) // 2) + 1]
        expected[..., c] = x[..., c] / (2 + 0.5 / size * (near**2).sum(-1)) ** 0.6
    np.testing.assert_allclose(passed(layer, x), expected, rtol=1e-12)


def test_channels_of_all_groups_come_in_turn():
    x = np.arange(6.0).reshape(1, 1, 1, 6)
    assert passed(ChannelShuffle(groups=2), x).ravel().tolist() == [0, 3, 1, 4, 2, 5]
    assert passed(ChannelShuffle(groups=3), x).ravel().tolist() == [0, 2, 4, 1, 3, 5]


def test_groups_have_to_divide_the_channels():
    with pytest.raises(ShapeError, match="groups = 4 does not divide the input's 6 channels"):
        ChannelShuffle(groups=4).output_shape((2, 2, 6))
