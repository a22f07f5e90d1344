"""Batch normalisation: each term of the way back, and PyTorch's word on all of it."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import UsageError
from convcli.explaining.elements import Words
from explaining.cases import made
from explaining.test_topics import typed


def asked():
    rng = np.random.default_rng(4)
    x, dy = rng.normal(3, 2, (3, 4, 2)), rng.normal(size=(3, 4, 2))
    request = {
        "input": typed(x),
        "gradient": typed(dy),
        "gamma": (1.5, -0.5),
        "bias": (0.25, 2),
        "momentum": 0.8,
    }
    return x, dy, request


def test_all_of_it_is_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    x, dy, request = asked()
    document = made("batch-norm", **request).document()
    plane = torch.tensor(np.moveaxis(x, 2, 0)[None], requires_grad=True)
    gamma, beta = (
        torch.tensor(request[name], dtype=torch.float64, requires_grad=True) for name in ("gamma", "bias")
    )
    mean, variance = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    y = torch.nn.functional.batch_norm(plane, mean, variance, gamma, beta, True, 1 - 0.8, 1e-5)
    y.backward(torch.tensor(np.moveaxis(dy, 2, 0)[None]))
    expected = {
        "output": y.detach()[0],
        "running_mean": mean,
        "running_variance": variance,
        "dX": plane.grad[0],
        "dgamma": gamma.grad,
        "dbeta": beta.grad,
    }
    for name, theirs in expected.items():
        np.testing.assert_allclose(document[name], theirs, atol=1e-12, err_msg=name)
    later = torch.nn.functional.batch_norm(plane, mean, variance, gamma, beta, False, 0, 1e-5)
    np.testing.assert_allclose(document["steps"][4]["predicted"], later.detach()[0], atol=1e-12)
    assert max(document["relative_errors"].values()) < 1e-6


def test_the_three_terms_make_the_gradient():
    _, _, request = asked()
    document = made("batch-norm", **request).document()
    for c, (dy, by_mean, by_variance) in enumerate(np.array(document["steps"][6]["terms"])):
        scale = document["gamma"][c] / np.sqrt(document["variance"][c] + 1e-5)
        np.testing.assert_allclose(scale * (dy - by_mean - by_variance), document["dX"][c], atol=1e-12)
        assert np.sum(document["dX"][c]) == pytest.approx(0, abs=1e-12)


def test_the_running_variance_takes_in_the_unbiased_one():
    document = made("batch-norm", input="0 8; 8 0", momentum=0.5).document()
    assert document["running_variance"] == pytest.approx([0.5 + 0.5 * 64 / 3])


def test_a_single_value_becomes_beta():
    document = made("batch-norm", input="7", bias=(3,)).document()
    assert (document["output"], document["variance"], document["dX"]) == ([[[3]]], [0], [[[0]]])


@pytest.mark.parametrize(("input_", "expected"), [("7 7", False), ("1 2 | 7 7", False), ("1 2 | 7 8", True)])
def test_only_what_varies_is_said_to_have_the_variance_1(input_, expected):
    normalised = made("batch-norm", input=input_).steps[1]
    said = [element.text for row in normalised.rows for element in row if isinstance(element, Words)]
    assert any("the variance 1" in text for text in said) == expected


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"gamma": (1,)}, "--gamma: expected a number for each of 2 channels, found 1"),
        ({"bias": (1, 2, 3)}, "--bias: expected a number for each of 2 channels, found 3"),
        ({"momentum": 2.0}, "momentum: should be less than or equal to 1, not 2"),
        ({"epsilon": 0.0}, "epsilon: expected at least 1e-30"),
        ({"input": "|".join("12345")}, "5 channels; at most 4"),
        ({"gradient": "1"}, "--gradient: expected the output's size 2 × 2 × 2, found 1 × 1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(request_, words):
    with pytest.raises(UsageError, match=words):
        made("batch-norm", **request_)
