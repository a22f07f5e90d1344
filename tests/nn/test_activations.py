"""Activations: values by hand, derivatives by differences and by PyTorch, large arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from convcli.nn.layers import Conv
from convcli.nn.tape import Pass, Tape
from nn.cases import ACTIVATED, activated, activation_of

# label: g(−2), g(0), g(3)
VALUES = {
    "none": (-2, 0, 3),
    "relu": (0, 0, 3),
    "leaky_relu": (-0.02, 0, 3),
    "leaky_relu, slope": (-0.5, 0, 3),
    "elu": (math.exp(-2) - 1, 0, 3),
    "elu, alpha": ((math.exp(-2) - 1) / 2, 0, 3),
    "clip": (0, 0, 3),
    "clip, limits": (-0.25, 0, 0.75),
    "sigmoid": (1 / (1 + math.e**2), 0.5, 1 / (1 + math.e**-3)),
    "tanh": (math.tanh(-2), 0, math.tanh(3)),
    "softmax": tuple(math.exp(z) / (math.exp(-2) + 1 + math.exp(3)) for z in (-2, 0, 3)),
    "silu": (-2 / (1 + math.e**2), 0, 3 / (1 + math.e**-3)),
    "gelu": (-math.erfc(math.sqrt(2)), 0, 1.5 * (1 + math.erf(3 / math.sqrt(2)))),
    "gelu, tanh": tuple(
        z / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) for z in (-2, 0, 3)
    ),
}
each = pytest.mark.parametrize("label", list(ACTIVATED))
alone = pytest.mark.parametrize("label", [label for label in ACTIVATED if label != "softmax"])


def applied(label, z):
    a = np.empty_like(z)
    activation_of(ACTIVATED[label]).apply(z, a, Tape())
    return a


def derived(label, z):
    g, da, tape = activation_of(ACTIVATED[label]), np.ones_like(z), Tape()
    g.apply(z, np.empty_like(z), tape)
    g.derive(da, tape)
    return da


def test_every_activation_has_values():
    assert set(VALUES) == set(ACTIVATED)


@each
def test_values_by_hand(label):
    np.testing.assert_allclose(applied(label, np.array([-2.0, 0.0, 3.0])), VALUES[label], rtol=1e-14)


@alone
def test_derivative_agrees_with_differences(label):
    z = np.array([-3.0, -0.7, -0.01, 0.02, 0.5, 2.0])
    slope = (applied(label, z + 1e-6) - applied(label, z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derived(label, z), slope, rtol=1e-8)


@each
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_agrees_with_pytorch_also_at_the_kink(label, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    z = np.linspace(-5, 5, 101).astype(dtype)
    z[50] = 0
    leaf = torch.tensor(z, requires_grad=True)
    a = activated(torch, activation_of(ACTIVATED[label]), leaf)
    a.backward(torch.ones(101, dtype=leaf.dtype))
    rtol, atol = (1e-12, 1e-15) if dtype == np.float64 else (2e-6, 1e-6)
    np.testing.assert_allclose(applied(label, z), a.detach().numpy(), rtol=rtol, atol=atol)
    np.testing.assert_allclose(derived(label, z), leaf.grad.numpy(), rtol=rtol, atol=atol)


@each
def test_in_place_and_with_no_backward_pass_to_follow_it_gives_the_same(label):
    g, z = activation_of(ACTIVATED[label]), np.random.default_rng(0).standard_normal((50, 700), np.float32)
    expected, tape, ahead = applied(label, z), Tape(), Tape(Pass(forward_only=True))
    there, here = np.empty_like(z), z.copy()
    g.apply(z, there, ahead)
    np.testing.assert_array_equal(there, expected)
    g.apply(here, here, tape)
    np.testing.assert_array_equal(here, expected)
    g.apply(z, there, other := Tape())
    slopes = np.ones((2, *z.shape), np.float32)
    g.derive(slopes[0], tape)
    g.derive(slopes[1], other)
    np.testing.assert_array_equal(*slopes)


@alone
def test_large_arguments_neither_overflow_nor_lose_the_dtype(label):
    z = np.array([-1e4, 1e4], np.float32)
    a = applied(label, z)
    assert a.dtype == derived(label, z).dtype == np.float32
    below = {"none": -1e4, "leaky_relu": -100, "leaky_relu, slope": -2500}
    below |= {"elu": -1, "elu, alpha": -0.5, "tanh": -1, "clip, limits": -0.25}
    above = {"sigmoid": 1, "tanh": 1, "clip": 6, "clip, limits": 0.75}
    np.testing.assert_allclose(a, (below.get(label, 0), above.get(label, 1e4)))


def test_softmax_gives_shares_of_each_cells_channels():
    z = np.random.default_rng(0).standard_normal((2, 3, 4, 5), np.float32) * 100
    np.testing.assert_allclose(applied("softmax", z).sum(-1), 1, rtol=1e-6)
    assert applied("softmax", np.array([1e4, 0, -1e4], np.float32)).tolist() == [1, 0, 0]


@each
def test_formula_is_written_out(label):
    assert activation_of(ACTIVATED[label]).formula.startswith("g(z) = ")


def test_a_formula_has_the_options_in_it():
    assert activation_of({"type": "leaky_relu", "slope": 0.2}).formula == "g(z) = max(z, 0.2 z)"


def test_what_rectifies_begins_with_he():
    rectifying = [label for label, option in ACTIVATED.items() if activation_of(option).rectifies]
    names = {label.partition(",")[0] for label in rectifying}
    assert names == {"relu", "leaky_relu", "elu", "clip", "silu", "gelu"}


def test_an_option_is_a_bare_name_or_a_table_and_is_written_so():
    layers = [Conv(filters=1, activation=option) for option in ACTIVATED.values()]
    for layer in layers:
        assert Conv(**layer.model_dump(exclude_none=True)) == layer
    written = {
        label: layer.model_dump()["activation"] for label, layer in zip(ACTIVATED, layers, strict=True)
    }
    assert written["relu"] == "relu"
    assert written["leaky_relu"] == {"type": "leaky_relu", "slope": 0.01}
    assert str(layers[-1].activation) == "gelu approximate=tanh"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("swish", "unknown activation 'swish'. That is called 'silu' here"),
        ("relu6", "type = 'clip', low = 0, high = 6"),
        ({"type": "clip", "low": 1, "high": 1}, "a lower limit below the upper one, not 1 … 1"),
        ("log_softmax", "belongs to the loss"),
        ("prelu", "a layer of its own"),
        ("geluu", "Did you mean 'gelu'"),
        ({"slope": 0.1}, "expected a table with the key type, one of none, relu"),
        ({"type": "relu", "slope": 0.1}, "slope"),
        ({"type": "leaky_relu", "slope": -0.1}, "greater than or equal to 0"),
        ({"type": "leaky_relu", "slope": 1.5}, "less than or equal to 1"),
        ({"type": "elu", "alpha": 0}, "greater than 0"),
        ({"type": "elu", "alpha": 1e39}, "less than or equal to 1000000"),
        ({"type": "gelu", "approximate": "erf"}, "'none' or 'tanh'"),
        (3, "expected a table"),
    ],
)
def test_an_option_that_is_none_is_refused(option, message):
    with pytest.raises(ValidationError, match=message):
        Conv(filters=1, activation=option)


RIGHT: dict[str, tuple[Any, Any]] = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RIGHT)
def test_small_values_keep_their_digits(name, dtype):
    """Against extended precision, from the largest to the smallest numbers with all their digits."""
    z = np.concatenate([np.linspace(-700, 700, 50_001), -np.logspace(-30, 2, 999), np.logspace(-30, 2, 999)])
    wide = z.astype(dtype).astype(np.longdouble)
    exact = RIGHT[name][0](wide)
    normal = np.abs(exact) >= np.finfo(dtype).tiny
    found = applied(name, z.astype(dtype))
    tolerance = 5 * np.finfo(dtype).eps
    np.testing.assert_allclose(found[normal], exact[normal].astype(dtype), rtol=tolerance)
    np.testing.assert_allclose(
        found[~normal], exact[~normal].astype(dtype), rtol=0, atol=np.finfo(dtype).tiny
    )


def test_sigmoid_of_minus_17_and_minus_20_and_their_gradients():
    z = np.array([-17, -20, -87, -103, -1000], np.float32)
    expected = [4.1399374e-08, 2.0611537e-09, 1.6458115e-38, 1.4e-45, 0]
    np.testing.assert_allclose(applied("sigmoid", z), expected, rtol=1e-6, atol=1e-45)
    np.testing.assert_allclose(derived("sigmoid", z), expected, rtol=1e-6, atol=1e-45)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_slope_of_sigmoid_keeps_its_digits_where_sigmoid_is_small(dtype):
    z = np.linspace(-80, 0, 1001).astype(dtype)
    exact = RIGHT["sigmoid"][1](z.astype(np.longdouble)).astype(dtype)
    np.testing.assert_allclose(derived("sigmoid", z), exact, rtol=1e-6 if dtype == np.float32 else 1e-13)


def test_the_slope_of_tanh_keeps_the_digits_that_tanh_has():
    """Near 1, where a² is rounded by as much as it differs from 1."""
    a = (1 - np.arange(1, 200) * np.finfo(np.float32).epsneg).astype(np.float32)
    dz = np.ones_like(a)
    tape = Tape()
    tape.saved["g"] = a
    activation_of("tanh").derive(dz, tape)
    np.testing.assert_allclose(dz, 1 - a.astype(np.float64) ** 2, rtol=1e-6)
