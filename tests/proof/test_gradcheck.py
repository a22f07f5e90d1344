"""The checker itself: it finds right gradients right, and says no to every kind of wrong one."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.nn.layer import LAYERS as LAYERS_BY_NAME
from convcli.nn.layers import (
    ActivationLayer,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
)
from convcli.nn.layers.fused import ConvMaxPool
from convcli.nn.losses import CrossEntropy
from convcli.nn.network import Network
from convcli.proof.differences import Points
from convcli.proof.gradcheck import check_count, check_layer, check_loss, check_network, check_whole
from nn.cases import FACTS, LARGE_SHAPE

GOOD = 1e-7
LAYERS = {
    "conv": (Conv(filters=2, activation="tanh"), (4, 4, 2)),
    "dense": (Dense(units=3, activation="sigmoid"), (5,)),
    "batch_norm": (BatchNorm(), (3, 3, 2)),
    "max_pool": (MaxPool(size=2, stride=1), (4, 4, 2)),
}
each_layer = pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS.keys())


def errors(layer, shape):
    return check_layer(layer, shape, np.random.default_rng(5))


def spoil(monkeypatch, kind, change):
    """Let `change(dx, tape)` return what layers of a kind give back instead of their dL/dx."""
    right = kind.backward

    def backward(self, dy, weights, tape):
        return change(right(self, dy, weights, tape), tape)

    monkeypatch.setattr(kind, "backward", backward)


@each_layer
def test_right_gradients_pass(layer, shape):
    assert max(errors(layer, shape).values()) < GOOD


@each_layer
def test_a_wrong_sign_is_found(layer, shape, monkeypatch):
    spoil(monkeypatch, type(layer), lambda dx, tape: -dx)
    assert errors(layer, shape)["x"] > 1


@each_layer
def test_a_derivative_wrong_by_a_thousandth_is_found(layer, shape, monkeypatch):
    spoil(monkeypatch, type(layer), lambda dx, tape: 1.001 * dx)
    assert errors(layer, shape)["x"] > 1e-4


@each_layer
def test_one_wrong_entry_is_found(layer, shape, monkeypatch):
    def change(dx, _tape):
        dx.flat[np.abs(dx).argmax()] *= 1.01
        return dx

    spoil(monkeypatch, type(layer), change)
    assert errors(layer, shape)["x"] > 1e-3


@pytest.mark.parametrize(
    ("layer", "shape", "name"),
    [
        pytest.param(*LAYERS[layer], name, id=f"{layer} {name}")
        for layer, name in [
            ("conv", "W"),
            ("conv", "b"),
            ("dense", "W"),
            ("dense", "b"),
            ("batch_norm", "gamma"),
            ("batch_norm", "beta"),
        ]
    ],
)
def test_a_missing_gradient_of_weights_is_found_and_named(layer, shape, name, monkeypatch):
    def change(dx, tape):
        tape.gradients[name][...] = 0
        return dx

    spoil(monkeypatch, type(layer), change)
    found = errors(layer, shape)
    assert found.pop(name) == 1
    assert max(found.values()) < GOOD


def test_a_forgotten_activation_is_found(monkeypatch):
    monkeypatch.setattr(Dense, "deactivate", lambda self, da, tape: da)
    found = errors(Dense(units=3, activation="tanh"), (5,))
    assert min(found.values()) > 1e-2


def test_batch_norm_that_takes_the_batch_mean_for_constant_is_found(monkeypatch):
    right = BatchNorm.backward

    def backward(self, dy, weights, tape):
        tape.current.training = False
        return right(self, dy, weights, tape)

    monkeypatch.setattr(BatchNorm, "backward", backward)
    assert errors(*LAYERS["batch_norm"])["x"] > 1e-2


def test_a_right_loss_passes_and_a_wrong_one_is_found(monkeypatch):
    assert check_loss(CrossEntropy(), 4, np.random.default_rng(0)) < GOOD
    right = CrossEntropy.evaluate

    def without_labels(self, outputs, labels):
        losses, gradient = right(self, outputs, labels)
        if labels.ndim == 1:
            gradient[np.arange(len(labels)), labels] += 1
        return losses, gradient

    monkeypatch.setattr(CrossEntropy, "evaluate", without_labels)
    assert check_loss(CrossEntropy(), 4, np.random.default_rng(0)) > 0.1


LAYERS_TOGETHER = [
    Conv(filters=32, padding="same", activation="relu"),
    Conv(filters=32, padding="same"),
    BatchNorm(),
    MaxPool(),
    ActivationLayer(function="leaky_relu"),
    Dropout(rate=0.3),
    Flatten(),
    Dense(units=5, activation="relu"),
    Dense(units=3),
]


def found_in_network(seed=0):
    network = Network(LAYERS_TOGETHER, (6, 6, 2))
    few = Points(coordinates=12, directions=3)
    return list(check_network(network, CrossEntropy(label_smoothing=0.1), seed, points=few))


@pytest.mark.parametrize("seed", range(3))
def test_a_right_network_passes_kinks_and_all(seed):
    for check in found_in_network(seed):
        assert max(check.errors.values()) < GOOD, check


def test_every_layer_the_loss_and_the_whole_are_checked():
    found = found_in_network()
    assert [check.layers for check in found] == [*((number,) for number in range(1, 10)), (), ()]
    assert set(found[0].errors) == {"x", "W", "b"}
    assert set(found[2].errors) == {"x", "gamma", "beta"}
    assert set(found[-1].errors) == {
        "x",
        "1.W",
        "1.b",
        "2.W",
        "2.b",
        "3.gamma",
        "3.beta",
        "8.W",
        "8.b",
        "9.W",
        "9.b",
    }


def test_the_same_seed_gives_the_same_errors():
    assert found_in_network(5) == found_in_network(5)
    assert found_in_network(5) != found_in_network(6)


def test_a_bias_before_batch_norm_which_changes_nothing_is_no_false_alarm():
    network = Network([Conv(filters=3), BatchNorm(), Flatten(), Dense(units=3)], (5, 5, 1))
    errors = check_whole(network, CrossEntropy(), np.random.default_rng(0))
    assert errors["1.b"] < GOOD


def spoil_weights(name, change):
    """Return a `change` for `spoil` that alters the gradient of one array of weights."""

    def altered(dx, tape):
        if name in tape.gradients:
            change(tape.gradients[name])
        return dx

    return altered


def shifted(dx, _tape):
    dx[:] = np.roll(dx, 1, axis=1)
    return dx


def scaled_entry(array):
    array.flat[array.size // 2] *= 1.01


SPOILED = {
    "conv, wrong sign": (Conv, lambda dx, tape: -dx, "x"),
    "conv, padding cropped one row off": (Conv, shifted, "x"),
    "conv, no gradient of the bias": (Conv, spoil_weights("b", lambda b: b.fill(0)), "b"),
    "conv, weights off by a hundredth": (
        Conv,
        spoil_weights("W", lambda w: np.multiply(w, 1.01, out=w)),
        "W",
    ),
    "conv, one weight off by a hundredth": (Conv, spoil_weights("W", scaled_entry), "W"),
    "max_pool, to the wrong cell": (MaxPool, shifted, "x"),
    "dropout, scale forgotten": (Dropout, lambda dx, tape: 0.7 * dx, "x"),
    "dense, no gradient of the bias": (Dense, spoil_weights("b", lambda b: b.fill(0)), "b"),
    "dense, wrong sign": (Dense, lambda dx, tape: -dx, "x"),
    "activation, off by a hundredth": (ActivationLayer, lambda dx, tape: 1.01 * dx, "x"),
    "batch_norm, off by a hundredth": (BatchNorm, spoil_weights("gamma", scaled_entry), "gamma"),
}


@pytest.mark.parametrize(("kind", "change", "name"), SPOILED.values(), ids=SPOILED.keys())
def test_a_spoiled_derivative_is_found_where_it_is_and_in_the_whole(kind, change, name, monkeypatch):
    spoil(monkeypatch, kind, change)
    found = found_in_network()
    layers = {number for number, layer in enumerate(LAYERS_TOGETHER, 1) if isinstance(layer, kind)}
    wrong = {check.layers: set(check.failed(1e-6)) for check in found if check.failed(1e-6)}
    assert {key for key in wrong if key} == {(number,) for number in layers}
    assert all(wrong[number,] == {name} for number in layers)
    assert () in wrong, "the whole network's gradient is wrong too"


LARGE_LAYERS = {name: LAYERS_BY_NAME[name](**facts.large) for name, facts in FACTS.items()}


def found_in_large(kind):
    layers = [Flatten(), LARGE_LAYERS[kind]] if kind == "dense" else [LARGE_LAYERS[kind]]
    ending = (
        []
        if kind in ("dense", "flatten", "global_avg_pool", "global_max_pool")
        else [LARGE_LAYERS["global_avg_pool"]]
    )
    network = Network([*layers, *ending, Dense(units=3)], LARGE_SHAPE)
    return {check.name: check for check in check_network(network, CrossEntropy())}


def name_of(kind):
    return f"[[layers]] {2 if kind == 'dense' else 1} ({kind})"


@pytest.mark.parametrize("kind", LARGE_LAYERS)
def test_large_maps_pass(kind):
    for check in found_in_large(kind).values():
        assert not check.failed(1e-6), check


@pytest.mark.parametrize("kind", LARGE_LAYERS)
def test_one_wrong_entry_in_a_large_map_is_found_in_its_layer(kind, monkeypatch):
    def change(dx, _tape):
        dx.flat[np.abs(dx).argmax()] *= 1.05
        return dx

    spoil(monkeypatch, type(LARGE_LAYERS[kind]), change)
    checks = found_in_large(kind)
    assert "x" in checks[name_of(kind)].failed(1e-6)
    assert checks["the network"].failed(1e-6)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("conv", "W"),
        ("conv", "b"),
        ("dense", "W"),
        ("dense", "b"),
        ("batch_norm", "gamma"),
        ("batch_norm", "beta"),
    ],
)
def test_one_wrong_entry_of_the_weights_before_large_maps_is_found_in_its_layer(kind, name, monkeypatch):
    def change(dx, tape):
        if name in tape.gradients:
            gradient = tape.gradients[name]
            gradient.flat[np.abs(gradient).argmax()] *= 1.05
        return dx

    spoil(monkeypatch, type(LARGE_LAYERS[kind]), change)
    found = found_in_large(kind)[name_of(kind)]
    assert set(found.failed(1e-6)) == {name}


def test_what_is_checked_is_counted_before():
    for network in (FUSED, Network(LAYERS_TOGETHER, (6, 6, 2))):
        assert len(list(check_network(network, CrossEntropy()))) == check_count(network)


FUSED = Network(
    [Dropout(rate=0.1), Conv(filters=4, activation="relu"), MaxPool(), Flatten(), Dense(units=3)], (8, 8, 2)
)


def found_in_fused():
    return list(check_network(FUSED, CrossEntropy(), points=Points(coordinates=12, directions=3)))


def test_layers_that_a_network_computes_as_one_are_checked_so_too():
    together = found_in_fused()[3]
    assert (together.layers, together.type, together.options) == ((2, 3), "conv + max_pool", "as one")
    assert set(together.errors) == {"x", "2.W", "2.b"}
    assert max(together.errors.values()) < GOOD


def test_a_spoiled_derivative_of_layers_as_one_is_found_there_and_not_in_the_layers(monkeypatch):
    def change(dx, tape):
        tape.gradients["b"][...] = 0
        return dx

    spoil(monkeypatch, ConvMaxPool, change)
    wrong = {check.layers: set(check.failed(1e-6)) for check in found_in_fused() if check.failed(1e-6)}
    assert wrong == {(2, 3): {"2.b"}, (): {"2.b"}}
