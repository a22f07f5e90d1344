"""Activations: values by hand, derivatives by differences and by PyTorch, large arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from convcli.nn.activations import ACTIVATIONS

# name: g(−2), g(0), g(3)
VALUES = {
    "none": (-2, 0, 3),
    "relu": (0, 0, 3),
    "leaky_relu": (-0.02, 0, 3),
    "sigmoid": (1 / (1 + math.e**2), 0.5, 1 / (1 + math.e**-3)),
    "tanh": (math.tanh(-2), 0, math.tanh(3)),
}
each = pytest.mark.parametrize("name", list(ACTIVATIONS))


def applied(name, z):
    a = np.array(z, copy=True)
    ACTIVATIONS[name].apply(a)
    return a


def derived(name, z):
    da = np.ones_like(z)
    ACTIVATIONS[name].derive(da, applied(name, z))
    return da


def test_every_activation_has_values():
    assert set(VALUES) == set(ACTIVATIONS)


@each
def test_values_by_hand(name):
    np.testing.assert_allclose(applied(name, np.array([-2.0, 0.0, 3.0])), VALUES[name], rtol=1e-15)


@each
def test_derivative_agrees_with_differences(name):
    z = np.array([-3.0, -0.7, -0.01, 0.02, 0.5, 2.0])
    slope = (applied(name, z + 1e-6) - applied(name, z - 1e-6)) / 2e-6
    np.testing.assert_allclose(derived(name, z), slope, rtol=1e-8)


@each
def test_agrees_with_pytorch_also_at_the_kink(name):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    theirs = {
        "none": lambda z: z * 1,
        "relu": torch.relu,
        "leaky_relu": torch.nn.functional.leaky_relu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
    }[name]
    z = np.linspace(-5, 5, 101)
    leaf = torch.tensor(z, requires_grad=True)
    a = theirs(leaf)
    a.sum().backward()
    np.testing.assert_allclose(applied(name, z), a.detach().numpy(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(derived(name, z), leaf.grad.numpy(), rtol=1e-12, atol=1e-15)


@each
def test_large_arguments_neither_overflow_nor_lose_the_dtype(name):
    z = np.array([-1e4, 1e4], np.float32)
    a = applied(name, z)
    assert a.dtype == derived(name, z).dtype == np.float32
    limits = {"none": z, "relu": (0, 1e4), "leaky_relu": (-100, 1e4), "sigmoid": (0, 1), "tanh": (-1, 1)}
    np.testing.assert_allclose(a, np.asarray(limits[name]))


@each
def test_formula_is_written_out(name):
    assert ACTIVATIONS[name].formula.startswith("g(z) = ")


def test_what_rectifies_begins_with_he():
    assert [name for name in ACTIVATIONS if ACTIVATIONS[name].rectifies] == ["relu", "leaky_relu"]


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
    ACTIVATIONS["tanh"].derive(dz, a)
    np.testing.assert_allclose(dz, 1 - a.astype(np.float64) ** 2, rtol=1e-6)
