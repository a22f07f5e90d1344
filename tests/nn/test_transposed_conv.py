"""Transposed convolution as a layer: sizes, first weights, and what a cell sees."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import ConfigError, ShapeError
from convcli.nn.layers import Conv, TransposedConv
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights
from convcli.shapes import ReceptiveField


def test_padding_same_and_an_output_padding_below_the_stride_make_so_many_times_the_size():
    for stride in (1, 2, 3, 4):
        layer = TransposedConv(filters=2, kernel=5, padding="same", stride=stride, output_padding=stride - 1)
        assert layer.output_shape((7, 6, 1)) == (7 * stride, 6 * stride, 2)


def test_its_forward_pass_is_the_backward_pass_of_the_convolution():
    conv = Network([Conv(filters=3, stride=2, padding=1, bias=False)], (7, 6, 2))
    layer = Network(
        [TransposedConv(filters=2, stride=2, padding=1, output_padding=(0, 1), bias=False)], (4, 3, 3)
    )
    rng = np.random.default_rng(0)
    weights = NetworkWeights.initial(conv, rng, np.float64)
    x, dy = rng.standard_normal((2, 7, 6, 2)), rng.standard_normal((2, 4, 3, 3))
    tape = conv.tape()
    tape.input_gradient = True
    tape.add_to(conv.trained.views(np.zeros_like(weights.trained)))
    conv.forward(x, weights, tape)
    dx = conv.backward(dy.copy(), weights, tape)
    np.testing.assert_allclose(layer.forward(dy, weights, layer.tape()), dx, rtol=1e-12)


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (6, 3), (3, 1)])
def test_first_weights_keep_the_variance_at_any_stride(kernel, stride):
    layer = TransposedConv(filters=64, kernel=kernel, stride=stride, init="he", bias=False)
    network = Network([layer], (12, 12, 32))
    rng = np.random.default_rng(0)
    weights = NetworkWeights.initial(network, rng)
    y = network.forward(rng.standard_normal((4, 12, 12, 32)).astype(np.float32), weights, network.tape())
    inside = y[:, kernel:-kernel, kernel:-kernel]
    assert abs(inside.var() / 2 - 1) < 0.1


def test_at_stride_1_a_cell_sees_what_a_convolution_would_show_it():
    layer = TransposedConv(filters=1, kernel=(3, 5), padding=((1, 0), (0, 2)), dilation=(2, 1))
    assert layer.sees(ReceptiveField(), (9, 9, 1)) == ReceptiveField((5, 5), (1, 1), (-3, -4))
    assert TransposedConv(filters=1, stride=2).sees(ReceptiveField(), (9, 9, 1)) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_padding": 1}, "output padding 1 of the rows must be smaller than the stride 1"),
        ({"output_padding": -1}, "output_padding must be at least 0"),
        ({"filters": 3, "groups": 2}, "groups = 2 does not divide filters = 3"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises((ValueError, ShapeError), match=message):
        TransposedConv(**{"filters": 2, **options})


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (TransposedConv(filters=1, padding=3), "of 2 rows makes 4, and padding 3 \\+ 3 crops all of them"),
        (TransposedConv(filters=2, groups=2), "groups = 2 does not divide the input's 3 channels"),
        (TransposedConv(filters=10**9, stride=10**6), "It would have 28,000,000,000 weights"),
        (TransposedConv(filters=1, stride=10**6), "outputs for each image; at most"),
    ],
)
def test_what_cannot_be_is_named(layer, message):
    with pytest.raises(ConfigError, match=r"\[\[layers\]\] 1 \(transposed_conv\) cannot take .*" + message):
        Network([layer], (2, 2, 3))
