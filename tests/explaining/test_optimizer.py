"""Steps of optimizers: each rule's numbers lead from the gradient to the weight, as PyTorch's does."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import UnknownNameError, UsageError
from convcli.explaining.optimizing import optimizer_of, quantities, walk
from convcli.nn.optimizers import OPTIMIZERS
from explaining.cases import made

WEIGHTS, GRADIENTS = np.array([1.0, -2.0, 0.5]), np.random.default_rng(3).normal(size=(4, 3))
RULES = {
    "sgd": ("SGD", {}),
    "sgd momentum=0.9": ("SGD", {"momentum": 0.9}),
    "sgd momentum=0.9 nesterov=true weight_decay=0.2": (
        "SGD",
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.2},
    ),
    "rmsprop momentum=0.5": ("RMSprop", {"momentum": 0.5}),
    "adam weight_decay=0.1": ("Adam", {"weight_decay": 0.1}),
    "adamw beta1=0.8": ("AdamW", {"betas": (0.8, 0.999)}),
    "adamw weight_decay=0": ("AdamW", {"weight_decay": 0}),
}


def test_every_rule_is_told():
    assert {rule.split()[0] for rule in RULES} == set(OPTIMIZERS)


@pytest.mark.parametrize("rule", RULES)
def test_the_weights_are_pytorchs(rule):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    name, options = RULES[rule]
    weights = torch.tensor(WEIGHTS, requires_grad=True)
    theirs = getattr(torch.optim, name)([weights], lr=0.1, **options)
    for gradient, taken in zip(GRADIENTS, walk(optimizer_of(rule, 0.1), WEIGHTS, GRADIENTS), strict=True):
        weights.grad = torch.tensor(gradient)
        theirs.step()
        np.testing.assert_allclose(taken.after, weights.detach().numpy(), rtol=1e-7)


@pytest.mark.parametrize("rule", RULES)
def test_what_stands_between_leads_from_one_weight_to_the_next(rule):
    for taken in walk(optimizer_of(rule, 0.1), WEIGHTS, GRADIENTS):
        found = {"g": taken.gradient, **{quantity.name: quantity.values for quantity in quantities(taken)}}
        if "change" in found:
            along = list(found)[list(found).index("change") - 1]
            np.testing.assert_allclose(found["change"], 0.1 * found[along], rtol=1e-12, err_msg=along)
            np.testing.assert_allclose(found["w"], taken.before - found["change"], rtol=1e-12)
        else:
            kept = 1 - 0.1 * taken.rule.weight_decay
            step = 0.1 * found["m̂ / (√v̂ + ε)"]
            np.testing.assert_allclose(found["w"], kept * taken.before - step, rtol=1e-12)
        np.testing.assert_array_equal(found["w"], taken.after)


def test_each_quantity_says_what_its_number_is():
    (taken,) = walk(optimizer_of("adam weight_decay=0.5", 0.1), np.array([2.0]), [np.array([3.0])])
    assert [f"{quantity.name} = {quantity.how(0)}" for quantity in quantities(taken)] == [
        "g + λw = 3 + 0.5·2 = 4",
        "m = 0.9·0 + 0.1·4 = 0.4",
        "v = 0.999·0 + 0.001·4² = 0.016",
        "m̂ = 0.4 / (1 − 0.9¹) = 4",
        "v̂ = 0.016 / (1 − 0.999¹) = 16",
        "m̂ / (√v̂ + ε) = 4 / (√16 + 1e−8) = 1",
        "change = 0.1·1 = 0.1",
        "w = 2 − 0.1 = 1.9",
    ]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"optimizer": ("sdg",)}, UnknownNameError, "Unknown optimizer 'sdg'. Did you mean 'sgd'"),
        ({"optimizer": ("momentum",)}, UnknownNameError, "That is sgd with momentum = 0.9"),
        ({"optimizer": ("adam beta=1",)}, UsageError, "adam has no option 'beta'. Did you mean 'beta"),
        ({"optimizer": ("adam beta1",)}, UsageError, "written as KEY=VALUE"),
        ({"optimizer": ("sgd momentum=2",)}, UsageError, "momentum: should be less than 1, not 2"),
        ({"optimizer": ("sgd nesterov=true",)}, UsageError, "nesterov = true needs momentum above 0"),
        ({"learning_rate": -1.0}, UsageError, "learning_rate: should be greater than 0"),
        ({"input": "1 2 3 4 5 6 7 8 9"}, UsageError, "9 weights; at most 8 can be followed"),
        ({"gradient": "1 2 3"}, UsageError, "expected the weights' size 1 × 2 for each step, parted by |"),
        ({"gradient": " | ".join(["1 2"] * 33)}, UsageError, "33 steps; at most 32"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(request_, error, words):
    with pytest.raises(error, match=words):
        made("optimizer", **request_)
