"""Kernels as the weights that a convolution begins with, and what is wrong with those that cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stripes
from convcli import kernels
from convcli.engine.plane.filter import filter2d
from convcli.errors import ConfigError
from convcli.nn.layers import Conv
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights

RNG = np.random.default_rng(0)
SOBEL_X = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]


def weights(channels=1, size=(9, 9), **options):
    """Return W and b of a conv layer as they begin, and the network."""
    network = Network([Conv(**options)], (*size, channels))
    begun = NetworkWeights.initial(network, np.random.default_rng(0), np.float64)
    return begun.arrays.inner[0]["W"], begun.arrays.inner[0].get("b"), (network, begun)


def test_a_kernel_is_the_filter_and_the_bias_is_0():
    w, b, _ = weights(filters=1, init="sobel-x")
    np.testing.assert_array_equal(w[:, :, 0, 0], SOBEL_X)
    np.testing.assert_array_equal(b, [0])


def test_kernels_follow_one_another_and_are_repeated_in_order():
    texts = ["sobel-x", "gaussian:sigma=0.8,size=3", "1 0 -1; 2 0 -2; 1 0 -1"]
    w, _, _ = weights(filters=6, init=texts)
    for number in range(6):
        np.testing.assert_array_equal(w[:, :, 0, number], kernels.parse(texts[number % 3]).weights)


@pytest.mark.parametrize(("name", "parts"), [("sobel", ["sobel-x", "sobel-y"]), ("kirsch", None)])
def test_a_kernel_of_several_parts_makes_as_many_filters(name, parts):
    expected = [kernels.kernel(part) for part in parts] if parts else list(kernels.kernel(name))
    w, _, _ = weights(filters=2 * len(expected), init=name)
    np.testing.assert_array_equal(np.moveaxis(w[:, :, 0], 2, 0), expected * 2)


def test_a_smaller_kernel_lies_in_the_middle():
    w, _, _ = weights(filters=1, kernel=[3, 5], init="1 2 3")
    np.testing.assert_array_equal(w[:, :, 0, 0], [[0, 0, 0, 0, 0], [0, 1, 2, 3, 0], [0, 0, 0, 0, 0]])
    w, _, _ = weights(filters=1, kernel=4, init="1 2; 3 4")
    np.testing.assert_array_equal(w[:, :, 0, 0], np.pad([[1, 2], [3, 4]], 1))


def test_with_several_channels_the_result_is_the_mean_of_the_channels_results():
    w, _, (network, begun) = weights(channels=3, size=(7, 8), filters=2, padding="same", init="sobel")
    x = RNG.standard_normal((1, 7, 8, 3))
    y = network.forward(x, begun, network.tape())[0]
    for number, name in enumerate(("sobel-x", "sobel-y")):
        planes = [filter2d(x[0, :, :, c], kernels.kernel(name), border="zero") for c in range(3)]
        np.testing.assert_allclose(y[:, :, number], np.mean(planes, axis=0), atol=1e-12)
    np.testing.assert_allclose(w.sum(axis=2)[:, :, 0], SOBEL_X)


def test_depthwise_every_channel_gets_every_kernel():
    _, _, (network, begun) = weights(
        channels=3, size=(6, 6), filters=6, groups=3, padding="same", init="sobel"
    )
    x = RNG.standard_normal((1, 6, 6, 3))
    y = network.forward(x, begun, network.tape())[0]
    for c in range(3):
        for number, name in enumerate(("sobel-x", "sobel-y")):
            expected = filter2d(x[0, :, :, c], kernels.kernel(name), border="zero")
            np.testing.assert_allclose(y[:, :, 2 * c + number], expected, atol=1e-12)


def test_the_usual_initialisations_are_drawn_as_before():
    for options, variance in (
        ({"init": "he"}, 2 / 800),
        ({"init": "glorot"}, 2 / (800 + 25 * 64)),
        ({"activation": "relu"}, 2 / 800),
    ):
        w, _, _ = weights(channels=32, filters=64, kernel=5, **options)
        assert abs(w.var() / variance - 1) < 4 * math.sqrt(2 / w.size)


def test_dirac_hands_on_as_many_channels_as_it_can_and_draws_the_rest():
    _, _, (network, begun) = weights(
        channels=4, size=(5, 6), filters=10, groups=2, padding="same", init="dirac", bias=False
    )
    x = RNG.standard_normal((2, 5, 6, 4))
    y = network.forward(x, begun, network.tape())
    for filters, channels in (([0, 1], [0, 1]), ([5, 6], [2, 3])):
        np.testing.assert_allclose(y[..., filters], x[..., channels], rtol=1e-6)
    drawn = begun.arrays.inner[0]["W"][..., [2, 3, 4, 7, 8, 9]]
    assert (drawn != 0).all()


@pytest.mark.parametrize("filters", [2, 3, 5])
def test_dirac_is_that_of_pytorch(filters):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    w, _, _ = weights(channels=3, filters=filters, kernel=(3, 4), init="dirac")
    theirs = torch.nn.init.dirac_(torch.empty(filters, 3, 3, 4)).numpy().transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(w[..., :3], theirs[..., :3])


def test_kernels_take_no_random_numbers_from_other_layers():
    layers = [Conv(filters=2), Conv(filters=2, init="sobel"), Conv(filters=2)]
    plain = [layers[0], Conv(filters=2, init="roberts"), layers[2]]
    one, other = (
        NetworkWeights.initial(Network(some, (9, 9, 1)), np.random.default_rng(3)).arrays.inner[2]["W"]
        for some in (layers, plain)
    )
    np.testing.assert_array_equal(one, other)


WRONG = {
    "unknown": ({"init": "sobl"}, "init: Unknown initialisation 'sobl'. Did you mean 'sobel'?"),
    "unknown in a list": (
        {"init": ["sobel-x", "sobel_y"]},
        "init: Unknown initialisation 'sobel_y'. Did you mean 'sobel-y'?",
    ),
    "misspelt scheme": (
        {"init": "gloriot"},
        "init: Unknown initialisation 'gloriot'. Did you mean 'glorot'?",
    ),
    "unknown parameter": (
        {"init": "gaussian:sigm=1"},
        "init: Unknown gaussian parameter 'sigm'. Did you mean 'sigma'?",
    ),
    "value out of range": (
        {"init": "box:size=0"},
        "init: box: size: expected an integer from 1 to 4096 (cells per side), found 0.",
    ),
    "no number": (
        {"init": "1 0; 0 x"},
        "init: kernel: row 2, column 2: expected a finite number, found 'x'.",
    ),
    "scheme in a list": (
        {"init": ["sobel", "he"]},
        "init: he is for all filters; it cannot stand in a list of kernels.",
    ),
    "no text": (
        {"init": 3},
        'init: expected "he", "glorot", "dirac", "whiten", a kernel or a list of kernels, not 3',
    ),
    "no kernels": (
        {"init": []},
        'init: expected "he", "glorot", "dirac", "whiten", a kernel or a list of kernels, not []',
    ),
    "numbers": (
        {"init": [[1, 2]]},
        'init: expected "he", "glorot", "dirac", "whiten", a kernel or a list of kernels, not [[1, 2]]',
    ),
    "a file": (
        {"init": "@mine.csv"},
        (
            "init: @mine.csv: a run keeps its configuration, but not other files; type the weights in, "
            'such as "1 0 -1; 2 0 -2; 1 0 -1".'
        ),
    ),
    "too large": (
        {"init": "farid-x"},
        "init: farid-x is 5 × 5, larger than the filters of 3 × 3: set kernel = 5 or take a smaller one.",
    ),
    "too wide": (
        {"init": "1 2 3 4"},
        "init: custom is 1 × 4, larger than the filters of 3 × 3: set kernel = [3, 4] or take a smaller one.",
    ),
    "too large, with a size": (
        {"init": "gaussian:sigma=1.5"},
        (
            "init: gaussian is 13 × 13, larger than the filters of 3 × 3: set kernel = 13 or "
            "write gaussian:size=3."
        ),
    ),
    "does not come out even": (
        {"init": ["sobel", "sharpen"]},
        (
            "init gives 3 kernels (sobel counts for 2) for filters = 4. They are repeated in order and "
            "have to come out even: set filters = 3 or 6."
        ),
    ),
    "more kernels than filters": (
        {"init": "kirsch"},
        (
            "init gives 8 kernels (kirsch counts for 8) for filters = 4. They are repeated in order and "
            "have to come out even: set filters = 8."
        ),
    ),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_one_mistake_of_the_configuration(options, message):
    layers = [{"type": "conv", "filters": 4, **options}, {"type": "flatten"}, {"type": "dense"}]
    with pytest.raises(ConfigError) as caught:
        stripes.config(layers)
    assert str(caught.value) == f"stripes.toml: 1 mistake(s).\n  [[layers]] 1 (conv): {message}"
