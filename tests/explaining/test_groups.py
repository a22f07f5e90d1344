"""Grouped convolution: PyTorch's numbers, found in a trained network, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from convcli import conv2d_backward
from convcli.errors import UsageError
from convcli.explaining import explain, gradients
from convcli.nn.layers import Conv
from explaining.cases import made
from explaining.test_topics import through, typed


@pytest.mark.parametrize(("groups", "seed"), [(1, 0), (2, 1), (2, 2), (4, 3), (4, 4)])
def test_the_steps_of_a_grouped_convolution_add_up_to_pytorchs(groups, seed):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(seed)
    x, w, b = (rng.normal(size=size) for size in ((4, 3, 4), (2, 2, 4 // groups, 4), 4))
    options = {"stride": seed % 2 + 1, "padding": seed % 2}
    kernels = tuple(typed(w[..., k]) for k in range(4))
    ask = {"input": typed(x), "kernels": kernels, "bias": tuple(b.tolist()), "groups": groups, **options}
    leaves = [torch.tensor(np.moveaxis(x, 2, 0), requires_grad=True)]
    leaves += [torch.tensor(array, requires_grad=True) for array in (np.transpose(w, (3, 2, 0, 1)), b)]
    y = torch.nn.functional.conv2d(*leaves, groups=groups, **options)
    y.sum().backward()
    shown = made("groups", **ask).document()
    np.testing.assert_allclose(shown["output"], y.detach().numpy(), atol=1e-12)
    for name, leaf in zip(("dA_prev", "dW", "db"), leaves, strict=True):
        np.testing.assert_allclose(shown[name], leaf.grad.numpy(), atol=1e-12)
    assert max(shown["relative_errors"].values()) < 1e-6
    for step in shown["steps"]:
        if "channel_sums" in step:
            assert len(step["channel_sums"]) == 4 // groups
            assert sum(step["channel_sums"]) + step["bias"] == pytest.approx(step["output"])
        elif "parts" in step:
            np.testing.assert_allclose(np.sum(step["parts"], axis=0), step["dA_prev"], atol=1e-12)


def test_a_wrong_gradient_does_not_pass_the_check(monkeypatch):
    right = conv2d_backward
    monkeypatch.setattr(
        gradients, "conv2d_backward", lambda *a, **k: tuple(1.01 * one for one in right(*a, **k))
    )
    errors = made("groups").data["relative_errors"]
    assert min(errors[name] for name in ("dW", "db", "dA_prev")) > 1e-3


def test_groups_of_a_trained_network_are_found_and_shown_filter_by_filter(tmp_path):
    ask = through(tmp_path, Conv(filters=8, groups=4, padding="same", activation="relu"))
    shown = explain("groups", ask(filter=5))
    assert (shown.data["layer"], shown.data["groups"]) == (2, 4)
    assert {step.data["filter"] for step in shown.steps if "channel_sums" in step.data} == {5}
    assert [step.data["channel"] for step in shown.steps if "parts" in step.data] == [3]
    assert max(shown.data["relative_errors"].values()) < 1e-6
    with pytest.raises(UsageError, match="--layer 2 has groups = 4: explain groups shows it"):
        explain("layer", ask(layer="2"))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"groups": 3}, "--groups 3 does not divide the input's 4 channels"),
        ({"groups": 0}, "--groups 0 does not divide"),
        ({"groups": 2, "kernels": ("1", "2", "3")}, "--groups 2 does not divide 3 filters"),
        (
            {"groups": 4, "kernels": ("1 | 2", "3 | 4")},
            "expected 1 channel of one size, as each group has, found 2",
        ),
    ],
)
def test_what_groups_cannot_be_is_refused(request_, words):
    with pytest.raises(UsageError, match=words):
        made("groups", **request_)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_an_input_of_any_depth_has_groups_without_a_kernel(channels):
    numbers = " | ".join(["1 2 3; 4 5 6; 7 8 9"] * channels)
    shown = made("groups", input=numbers)
    assert channels % shown.data["groups"] == 0
    depthwise = made("groups", input=numbers, groups=channels, kernels=("1 0; 0 1",))
    assert depthwise.data["output"] == [[[6, 8], [12, 14]]] * channels
    assert bool(depthwise.notes) == (channels > 1)
