"""A dense layer: PyTorch's gradients, a trained layer of very many inputs, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import stripes
from convcli.errors import UsageError
from convcli.explaining.alone import Alone
from explaining.cases import made
from explaining.test_topics import typed


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_the_steps_of_a_dense_layer_add_up_to_its_products_and_its_gradients_to_pytorchs(activation):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(3)
    x, w, b, da = (rng.normal(size=size) for size in (5, (4, 5), 4, 4))
    shown = made(
        "dense",
        input=typed(x[None, :, None]),
        kernels=(typed(w[:, :, None]),),
        bias=tuple(b.tolist()),
        gradient=typed(da[None, :, None]),
        activation=activation,
    ).document()
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, w, b)]
    z = leaves[1] @ leaves[0] + leaves[2]
    a = getattr(torch.nn.functional, activation)(z)
    (a * torch.tensor(da)).sum().backward()
    np.testing.assert_allclose(shown["a"], a.detach().numpy(), atol=1e-12)
    for name, leaf in zip(("dx", "dW", "db"), leaves, strict=True):
        np.testing.assert_allclose(shown[name], leaf.grad.numpy(), atol=1e-12)
    assert max(shown["relative_errors"].values()) < 1e-6
    for step in shown["steps"]:
        if "products" in step and "neuron" in step:
            assert sum(step["products"]) + b[step["neuron"] - 1] == pytest.approx(step["z"])
        elif "products" in step:
            assert sum(step["products"]) == pytest.approx(step["dx"])


def test_a_wrong_gradient_does_not_pass_the_check(monkeypatch):
    right = Alone.gradients
    monkeypatch.setattr(Alone, "gradients", lambda *a: {k: 1.01 * v for k, v in right(*a).items()})
    for topic in ("dense", "activation"):
        assert min(made(topic).data["relative_errors"].values()) > 1e-3


def test_a_trained_dense_layer_shows_what_weighs_most_and_sums_all(tmp_path):
    model = stripes.training([{"type": "flatten"}, {"type": "dense"}]).model
    Image.fromarray(stripes.dataset(1, 3).images[0, :, :, 0]).save(tmp_path / "stripe.png")
    trained = {"model": model, "image": tmp_path / "stripe.png"}
    shown = made("dense", **trained, filter=2)
    outputs = model.outputs(stripes.dataset(1, 3).images[:1])[0]
    np.testing.assert_allclose(shown.data["z"], outputs, atol=1e-5)
    x, w = np.array(shown.data["input"]), np.array(shown.data["kernel"])[1]
    inputs = [step.data["input"] - 1 for step in shown.steps if "dx" in step.data]
    assert len(inputs) == 10
    assert np.abs(x * w)[inputs].min() >= np.abs(np.delete(x * w, inputs)).max()
    assert max(shown.data["relative_errors"].values()) < 1e-6
    assert ["neuron 2 of 3" in shown.notes[0], "10 of 64 inputs" in shown.notes[1]] == [True, True]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"kernels": ("1 2; 3 4",)}, "--kernel: expected rows of 3 weights, one for each input, found 2"),
        ({"bias": (1.0,)}, "--bias: expected a number for each of 3 neurons, found 1"),
        ({"gradient": "1 2"}, "--gradient: expected the output's size 1 × 3 × 1, found 1 × 2 × 1"),
        ({"filter": 4}, "--filter 4: there are 3"),
        ({"input": "1 2 3; 4 5 6; 7 8 9 | 1 1 1; 1 1 1; 1 1 1"}, "--input: 18 numbers; at most 16 inputs"),
        ({"activation": "softmax"}, "It has a topic of its own: explain softmax"),
        ({"stride": 2}, "dense takes no --stride; it takes --input, --kernel, --bias"),
    ],
)
def test_what_a_dense_layer_cannot_be_asked_is_refused(request_, words):
    with pytest.raises(UsageError, match=words):
        made("dense", **request_)
