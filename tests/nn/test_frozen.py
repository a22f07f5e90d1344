"""Frozen layers: their weights stay to the last bit, and all other gradients are what they were."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli import kernels
from convcli.config_file import dump
from convcli.engine.batch.convolution import Convolution
from convcli.engine.plane.filter import filter2d
from convcli.errors import ConfigError
from convcli.formats import toml
from convcli.nn.config import validate
from convcli.nn.layer import LAYERS
from convcli.nn.layers import ActivationLayer, AvgPool, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool
from convcli.nn.losses import CrossEntropy
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights
from convcli.proof.gradcheck import check_network, check_whole
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, LAST, RESOLVED, Run
from nn.cases import FACTS

SOBEL = {"type": "conv", "filters": 4, "init": "sobel", "frozen": True, "activation": "relu"}
TAIL = [{"type": "flatten"}, {"type": "dense"}]
LEARNED = {"type": "conv", "filters": 3, "activation": "relu"}
STACKS = {
    "alone": [SOBEL, *TAIL],
    "with its pool as one": [SOBEL, {"type": "max_pool"}, *TAIL],
    "behind a learned one": [LEARNED, SOBEL, *TAIL],
    "behind a learned one, with its pool": [LEARNED, SOBEL, {"type": "max_pool"}, *TAIL],
    "drawn": [{**SOBEL, "init": "he"}, {"type": "batch_norm"}, LEARNED, *TAIL],
    "dense": [LEARNED, {"type": "flatten"}, {"type": "dense", "units": 5, "frozen": True}, {"type": "dense"}],
    "winograd": [
        {"type": "conv", "filters": 32, "padding": "same"},
        {"type": "conv", "filters": 32, "padding": "same", "frozen": True, "activation": "relu"},
        *TAIL,
    ],
}
each_stack = pytest.mark.parametrize("layers", STACKS.values(), ids=STACKS.keys())


def frozen_arrays(model):
    return {
        f"{number}.{name}": array.tobytes()
        for number, (layer, own) in enumerate(
            zip(model.network.layers, model.weights.arrays.inner, strict=True), 1
        )
        for name, array in own.items()
        if getattr(layer, "frozen", False)
    }


@each_stack
def test_training_leaves_frozen_weights_as_they_are_and_moves_the_others(layers):
    training = stripes.training(layers, epochs=2, optimizer={"type": "adamw", "weight_decay": 0.1})
    model = training.model
    frozen, trained = frozen_arrays(model), model.weights.trained.copy()
    for _ in training.run():
        pass
    assert any(name.endswith("W") for name in frozen)
    assert any(name.endswith("b") for name in frozen)
    assert frozen_arrays(model) == frozen_arrays(training.best_model()) == frozen
    assert all(
        (one != other).any()
        for one, other in zip(
            model.network.trained.named(model.weights.trained).values(),
            model.network.trained.named(trained).values(),
            strict=True,
        )
    )


@each_stack
def test_training_does_what_it_does_with_the_weights_put_back_after_each_step(layers):
    """A layer that is trained, and put back, by hand is frozen: the slow way gives the same other weights."""
    thawed = [{**layer, "frozen": False} if "frozen" in layer else layer for layer in layers]
    one, other = (stripes.training(some, count=40, epochs=2, optimizer="sgd") for some in (layers, thawed))
    weights = one.model.weights.arrays.inner
    fixed = {number: weights[number] for number, layer in enumerate(layers) if "frozen" in layer}
    for some, own in enumerate(other.model.weights.arrays.inner):
        for name, array in own.items():
            array[...] = one.model.weights.arrays.inner[some][name]
    for _ in zip(one.run(), other.run(), strict=True):
        for number, arrays in fixed.items():
            for name, array in arrays.items():
                other.model.weights.arrays.inner[number][name][...] = array
    for own, others in zip(one.model.weights.arrays.inner, other.model.weights.arrays.inner, strict=True):
        for name, array in own.items():
            np.testing.assert_array_equal(array, others[name])


def test_frozen_weights_lie_where_no_optimizer_sees_them():
    network = Network([Conv(filters=2, frozen=True), Flatten(), Dense(units=2)], (5, 5, 1))
    assert list(network.trained.named(np.zeros(network.trained.size))) == ["3.W", "3.b"]
    assert list(network.kept.named(np.zeros(network.kept.size))) == ["1.W", "1.b"]
    assert [(place.trained, place.frozen) for place in network.places] == [(0, 20), (0, 0), (38, 0)]


def test_the_running_figures_of_batch_norm_are_not_frozen_parameters():
    [place] = Network([BatchNorm()], (4, 4, 3)).places
    assert (place.trained, place.frozen) == (6, 0)


IN_BETWEEN = [
    Conv(filters=32, padding="same", activation="tanh"),
    Conv(filters=32, padding="same", activation="relu", frozen=True),
    MaxPool(),
    Conv(filters=32, padding="same", init="sobel", frozen=True, bias=False),
    AvgPool(),
    Dropout(rate=0.2),
    Flatten(),
    Dense(units=6, frozen=True, activation="tanh"),
    Dense(units=3),
]


def test_gradients_through_frozen_layers_agree_with_differences():
    network = Network(IN_BETWEEN, (8, 8, 2))
    checks = list(check_network(network, CrossEntropy()))
    for check in checks:
        assert max(check.errors.values()) < 1e-7, check
    assert set(checks[1].errors) == {"x"}
    assert set(checks[-1].errors) == {"x", "1.W", "1.b", "9.W", "9.b"}


def test_the_gradient_of_weights_before_a_frozen_layer_is_the_one_of_a_trained_layer():
    thawed = [
        layer.model_copy(update={"frozen": False}) if hasattr(layer, "frozen") else layer
        for layer in IN_BETWEEN
    ]
    found = []
    for layers in (IN_BETWEEN, thawed):
        network = Network(layers, (8, 8, 2))
        weights = NetworkWeights(network, np.float64)
        for number, own in enumerate(weights.arrays.inner):
            for key, array in own.items():
                array[...] = np.random.default_rng((number, len(key), array.size)).normal(0, 0.3, array.shape)
        gradient, tape = np.zeros_like(weights.trained), network.tape()
        tape.add_to(network.trained.views(gradient))
        tape.current.training, tape.current.rng = True, np.random.default_rng(5)
        x = np.random.default_rng(1).standard_normal((4, 8, 8, 2))
        outputs = network.forward(x, weights, tape)
        network.backward(np.cos(outputs), weights, tape)
        found.append(network.trained.named(gradient))
    for name, gradient in found[0].items():
        np.testing.assert_array_equal(gradient, found[1][name])


@pytest.mark.parametrize("pooled", [False, True], ids=["alone", "with its pool as one"])
@pytest.mark.parametrize("position", ["first", "behind a learned layer"])
def test_no_gradient_of_frozen_weights_is_computed(pooled, position, monkeypatch):
    asked, right = [], Convolution.weight_gradient
    monkeypatch.setattr(
        Convolution, "weight_gradient", lambda *args: (asked.append(args[3].shape), right(*args))
    )
    layers = [LEARNED] * (position != "first") + [SOBEL] + [{"type": "max_pool"}] * pooled + TAIL
    training = stripes.training(layers, epochs=1, validation=False)
    next(training.run())
    assert set(asked) == ({(3, 3, 1, 3)} if position != "first" else set())


def test_backward_ends_where_nothing_before_is_trained(monkeypatch):
    layers = [
        Dropout(),
        Conv(filters=2, frozen=True),
        ActivationLayer(),
        Conv(filters=2),
        Flatten(),
        Dense(units=2),
    ]
    network = Network(layers, (8, 8, 1))
    weights, tape = NetworkWeights(network), network.tape()
    tape.add_to(network.trained.views(np.zeros_like(weights.trained)))
    called = []
    for kind in (Dropout, Conv, ActivationLayer):
        right = kind.backward
        monkeypatch.setattr(
            kind,
            "backward",
            lambda self, *args, right=right: (called.append(self), right(self, *args))[1],
        )
    network.forward(np.zeros((1, 8, 8, 1), np.float32), weights, tape)
    network.backward(np.zeros((1, 2), np.float32), weights, tape)
    assert called == [layers[3]]
    assert [inner.input_gradient for inner in tape.inner[3:]] == [False, True, True]


@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_a_frozen_sobel_layer_is_filter2d(kernel):
    network = Network(
        [Conv(filters=2, kernel=kernel, padding="same", init="sobel", frozen=True)], (20, 30, 1)
    )
    weights = NetworkWeights.initial(network, np.random.default_rng(0))
    photo = np.random.default_rng(1).integers(0, 256, (20, 30)).astype(np.float32)
    y = network.forward(photo[None, :, :, None], weights, network.tape())[0]
    for number, name in enumerate(("sobel-x", "sobel-y")):
        np.testing.assert_array_equal(y[:, :, number], filter2d(photo, kernels.kernel(name), border="zero"))


def test_a_run_keeps_frozen_weights_and_loads_them(tmp_path):
    training = stripes.training(STACKS["with its pool as one"], epochs=1)
    training.model.weights.arrays.inner[0]["W"][...] += 0.25  # so that they are not what `init` gives
    for _ in training.run():
        pass
    run = Run.create("stripes", tmp_path / "run")
    run.write(RESOLVED, b"")
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(training))
    run.write_checkpoint(LAST, checkpoints.last_checkpoint(training))
    model = checkpoints.load_run(run.folder)
    assert frozen_arrays(model) == frozen_arrays(training.model)
    images = stripes.dataset(20, 4).images
    np.testing.assert_array_equal(model.predict(images), training.best_model().predict(images))
    resumed = checkpoints.restore_training(run.read_checkpoint(LAST), run.folder / LAST, stripes.data())
    assert frozen_arrays(resumed.model) == frozen_arrays(resumed.best_model()) == frozen_arrays(model)


def test_a_resumed_training_ends_with_the_same_bytes(tmp_path):
    layers = STACKS["behind a learned one, with its pool"]
    whole = stripes.training(layers, epochs=4)
    for _ in whole.run():
        pass
    half = stripes.training(layers, epochs=4)
    for event in half.run():
        if getattr(getattr(event, "metrics", None), "epoch", 0) == 2:
            break
    run = Run.create("stripes", tmp_path / "run")
    run.write_checkpoint(LAST, checkpoints.last_checkpoint(half))
    resumed = checkpoints.restore_training(
        run.read_checkpoint(LAST), run.folder / LAST, stripes.data(), threads=1
    )
    for _ in resumed.run():
        pass
    assert resumed.model.weights.trained.tobytes() == whole.model.weights.trained.tobytes()
    assert resumed.model.weights.kept.tobytes() == whole.model.weights.kept.tobytes()


def test_a_network_with_nothing_to_train_is_refused():
    layers = [{**SOBEL, "filters": 3, "init": ["sobel", "box"]}, {"type": "global_avg_pool"}]
    with pytest.raises(ConfigError, match="every layer with weights is frozen, so there is nothing to train"):
        Network.classifying(stripes.config(layers).layers, (8, 8, 1), 3)


def test_frozen_layers_agree_with_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    network = Network(
        [Conv(filters=3, activation="tanh"), Conv(filters=2, init="sobel", frozen=True), Flatten()], (7, 7, 1)
    )
    weights = NetworkWeights.initial(network, np.random.default_rng(0), np.float64)
    gradient, tape = np.zeros_like(weights.trained), network.tape()
    tape.add_to(network.trained.views(gradient))
    x = np.random.default_rng(1).standard_normal((2, 7, 7, 1))
    outputs = network.forward(x, weights, tape)
    network.backward(2 * outputs, weights, tape)

    first, second = (
        torch.nn.Conv2d(1, 3, 3, dtype=torch.float64),
        torch.nn.Conv2d(3, 2, 3, dtype=torch.float64),
    )
    with torch.no_grad():
        first.weight.copy_(torch.tensor(weights.arrays.inner[0]["W"]).permute(3, 2, 0, 1))
        first.bias.copy_(torch.tensor(weights.arrays.inner[0]["b"]))
        sobel = [kernels.kernel("sobel-x"), kernels.kernel("sobel-y")]
        second.weight.copy_(torch.tensor(np.stack(sobel))[:, None].expand(2, 3, 3, 3) / 3)
        second.bias.zero_()
    second.requires_grad_(False)
    y = second(torch.tanh(first(torch.tensor(x).permute(0, 3, 1, 2))))
    (y**2).sum().backward()
    np.testing.assert_allclose(
        outputs.reshape(2, 3, 3, 2), y.detach().permute(0, 2, 3, 1).numpy(), atol=1e-12
    )
    own = network.trained.named(gradient)
    np.testing.assert_allclose(own["1.W"], first.weight.grad.permute(2, 3, 1, 0).numpy(), atol=1e-10)
    np.testing.assert_allclose(own["1.b"], first.bias.grad.numpy(), atol=1e-10)


def test_the_whole_network_is_checked_without_its_frozen_weights():
    network = Network([Conv(filters=2, frozen=True), Flatten(), Dense(units=3)], (4, 4, 1))
    errors = check_whole(network, CrossEntropy(), np.random.default_rng(0))
    assert set(errors) == {"x", "3.W", "3.b"}
    assert max(errors.values()) < 1e-7


NORMS = [
    {"type": "batch_norm", "frozen": True},
    {"type": "batch_norm", "frozen": True, "group": 2},
    {"type": "group_norm", "frozen": True, "groups": 2},
    {"type": "layer_norm", "frozen": True},
    {"type": "layer_norm", "frozen": True, "over": "sample"},
    {"type": "prelu", "frozen": True},
]


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_gradients_through_frozen_normalisation_agree_with_differences(norm):
    layers = [{"type": "conv", "filters": 2}, norm, {"type": "flatten"}, {"type": "dense", "units": 2}]
    network = Network(stripes.config(layers).layers, (5, 5, 1))
    for check in check_network(network, CrossEntropy()):
        assert max(check.errors.values()) < 1e-7, check
    assert set(network.trained.shapes()) == {"1.W", "1.b", "4.W", "4.b"}


@pytest.mark.parametrize("group", [None, 8])
def test_a_frozen_batch_norm_keeps_its_running_figures_and_uses_them_with_any_number_of_workers(group):
    norm = {"type": "batch_norm", "frozen": True, **({"group": group} if group else {})}
    layers = [{"type": "conv", "filters": 2}, norm, {"type": "flatten"}, {"type": "dense"}]
    found = []
    for threads in (1, 2):
        training = stripes.training(layers, epochs=2, threads=threads)
        weights = training.model.weights
        for name, value in {"mean": 0.3, "variance": 2.0, "gamma": 1.5, "beta": -0.1}.items():
            weights[f"2.{name}"][:] = value
        before = weights.kept.tobytes()
        stripes.ended(training)
        assert weights.kept.tobytes() == before
        found.append(weights.trained.tobytes())
    assert found[0] == found[1]


def test_a_frozen_batch_norm_trains_as_pytorchs_in_eval_mode():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    network = Network([Conv(filters=2), BatchNorm(frozen=True)], (5, 5, 1))
    weights, tape = NetworkWeights.initial(network, np.random.default_rng(0), np.float64), network.tape()
    weights["2.mean"][:], weights["2.variance"][:], weights["2.gamma"][:] = (0.3, -1), (0.5, 2), (1.5, 0.7)
    gradient = np.zeros_like(weights.trained)
    tape.add_to(network.trained.views(gradient))
    tape.current.training = True
    x = np.random.default_rng(1).standard_normal((3, 5, 5, 1))
    network.backward(2 * network.forward(x, weights, tape), weights, tape)
    conv = torch.nn.Conv2d(1, 2, 3, dtype=torch.float64)
    norm = torch.nn.BatchNorm2d(2, dtype=torch.float64).eval()
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(weights["1.W"]).permute(3, 2, 0, 1))
        conv.bias.copy_(torch.tensor(weights["1.b"]))
        norm.weight.copy_(torch.tensor(weights["2.gamma"]))
        norm.running_mean.copy_(torch.tensor(weights["2.mean"]))
        norm.running_var.copy_(torch.tensor(weights["2.variance"]))
    (norm(conv(torch.tensor(x).permute(0, 3, 1, 2))) ** 2).sum().backward()
    own = network.trained.named(gradient)
    np.testing.assert_allclose(own["1.W"], conv.weight.grad.permute(2, 3, 1, 0).numpy(), atol=1e-10)


@pytest.mark.parametrize("kind", ["sequence", "residual", "parallel"])
def test_all_in_a_frozen_layer_is_frozen(kind):
    inner = [
        {"type": "conv", "filters": 2, "padding": "same", "repeat": 2},
        {"type": "residual", "layers": [{"type": "separable_conv", "filters": 2, "padding": "same"}]},
        {"type": "batch_norm"},
        {"type": "prelu"},
    ]
    held = {"branches": inner} if kind == "parallel" else {"layers": inner}
    frozen = {"type": kind, "frozen": True, **held}
    layers = [frozen, {"type": "flatten"}, {"type": "dense", "units": 2}]
    config = validate({"data": {"source": "digits"}, "layers": layers}, "some.toml")
    network = Network(config.layers, (4, 4, 2))
    assert list(network.trained.shapes()) == ["3.W", "3.b"]
    assert not network.sequence.couples_samples
    assert validate(toml.loads(dump(config)), "some.toml") == config


@pytest.mark.parametrize("name", sorted(FACTS))
def test_every_layer_with_weights_may_be_frozen_and_begin_as_one_of_a_run(name):
    case = next(iter(FACTS[name].cases.values()))
    layer = LAYERS[name].model_validate(case.options)
    if not layer.initial_weights(case.shape):
        return
    said = {**case.options, "frozen": True, "init": "run:one#2"}
    arrays = LAYERS[name].model_validate(said).initial_weights(case.shape)
    assert {initial.kind for initial in arrays.values()} <= {"frozen", "running"}
    for array, initial in arrays.items():
        inner = array.rpartition(".")[0]
        assert initial.source == (f"run:one#2.{inner}" if inner else "run:one#2")
