"""Every layer: gradients against differences, results against PyTorch, and what it says of itself."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from pydantic import ValidationError

from convcli.engine.volumes import laid_out
from convcli.errors import ShapeError, UnknownNameError
from convcli.nn.layer import LAYERS
from convcli.nn.layers import Conv, Dense, GroupNorm, LayerNorm, Prelu
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights, decay_mask
from convcli.proof.gradcheck import check_layer
from nn.cases import FACTS, INNER, Case

each_case = pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}, {label}")
        for name, facts in FACTS.items()
        for label, case in facts.cases.items()
    ],
)
each_layer = pytest.mark.parametrize("name", list(LAYERS))


class Pass:
    """A layer with random weights in float64, and one pass through it."""

    def __init__(self, name, case, *, training=True, samples=3):
        rng = np.random.default_rng(7)
        self.layer = LAYERS[name](**case.options)
        self.network = Network([self.layer], case.shape)
        self.weights = NetworkWeights.initial(self.network, rng, np.float64)
        self.weights.trained += rng.normal(0, 0.1, self.weights.trained.shape)
        self.arrays = self.weights.arrays.inner[0]
        self.named = {
            **self.of_layer("trained", self.weights.trained),
            **self.of_layer("kept", self.weights.kept),
        }
        self.x = rng.standard_normal((samples, *case.shape))
        self.dy = rng.standard_normal((samples, *self.network.shapes[-1]))
        self.gradient = np.zeros_like(self.weights.trained)
        self.tape = self.network.tape().inner[0]
        self.tape.current.training, self.tape.current.rng = training, np.random.default_rng(3)
        self.tape.add_to(self.network.trained.views(self.gradient).inner[0])
        self.gradients = self.of_layer("trained", self.gradient)

    def of_layer(self, kind, vector):
        """Return the arrays in a vector by the names that the layer gives them."""
        arrays = getattr(self.network, kind).named(vector)
        return {name.removeprefix("1."): array for name, array in arrays.items()}

    def forward(self):
        return self.layer.forward(self.x, self.arrays, self.tape)

    def backward(self):
        return self.layer.backward(self.dy.copy(), self.arrays, self.tape)


def arrays(layer, shape, kind):
    """Return the names of a layer's arrays of a kind."""
    return [name for name, initial in layer.initial_weights(shape).items() if initial.kind == kind]


def test_every_layer_has_its_facts():
    assert set(FACTS) == set(LAYERS)


@each_case
def test_gradients_agree_with_differences(name, case):
    errors = check_layer(LAYERS[name](**case.options), case.shape, np.random.default_rng(1))
    assert set(errors) == {"x", *arrays(LAYERS[name](**case.options), case.shape, "trained")}
    assert max(errors.values()) < 1e-7, errors


@each_case
def test_output_has_the_shape_that_was_promised(name, case):
    one = Pass(name, case)
    assert one.forward().shape == (3, *one.layer.output_shape(case.shape))


@each_case
def test_input_stays_as_it_is_and_predicting_changes_no_weight(name, case):
    one = Pass(name, case, training=False)
    before = one.x.copy()
    for array in (one.x, *one.named.values()):
        array.flags.writeable = False
    one.forward()
    np.testing.assert_array_equal(one.x, before)


@each_case
def test_every_declared_parameter_is_used(name, case):
    one = Pass(name, case)
    one.forward()
    one.backward()
    assert set(one.gradients) == set(arrays(one.layer, case.shape, "trained"))
    for gradient in one.gradients.values():
        assert np.abs(gradient).max() > 0


@each_case
def test_gradients_of_weights_add_up(name, case):
    one = Pass(name, case)
    one.forward()
    one.backward()
    once = one.gradient.copy()
    one.backward()
    np.testing.assert_allclose(one.gradient, 2 * once)


@each_case
def test_float32_stays_float32(name, case):
    one = Pass(name, case)
    weights = NetworkWeights.initial(one.network, np.random.default_rng(0), np.float32)
    one.tape.add_to(one.network.trained.views(np.zeros_like(weights.trained)).inner[0])
    y = one.layer.forward(one.x.astype(np.float32), weights.arrays.inner[0], one.tape)
    dx = one.layer.backward(one.dy.astype(np.float32), weights.arrays.inner[0], one.tape)
    assert (y.dtype, dx.dtype) == (np.float32, np.float32)


def strided(x):
    """Return the same numbers in every other place of a larger array."""
    larger = np.full([2 * side for side in x.shape], np.nan)
    part = larger[(slice(None, None, 2),) * x.ndim]
    part[:] = x
    return part


@each_case
def test_arrays_may_lie_in_any_way(name, case):
    results = []
    for lay in (np.asarray, laid_out, strided):
        one = Pass(name, case)
        y = one.layer.forward(lay(one.x), one.arrays, one.tape).copy()
        dx = one.layer.backward(lay(one.dy), one.arrays, one.tape).copy()
        results.append((y, dx, one.gradient))
    for other in results[1:]:
        for ours, theirs in zip(results[0], other, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)


@each_layer
def test_multiplications_are_counted_as_by_hand(name):
    case, *_ = FACTS[name].cases.values()
    assert LAYERS[name](**case.options).multiply_adds(case.shape) == FACTS[name].multiply_adds


def test_groups_save_multiplications():
    conv = Conv(filters=4, groups=2, stride=2, padding=1)
    assert conv.multiply_adds((7, 7, 6)) == (4 * 4) * 4 * (3 * 3 * 3)


@each_layer
def test_options_in_a_few_words(name):
    options, words = FACTS[name].words
    assert LAYERS[name](**options).summary() == words


def test_kernels_and_frozen_weights_in_a_few_words():
    conv = Conv(filters=4, init=["sobel-x", "1 0; 0 -1"], frozen=True)
    assert conv.summary() == "4 × 3×3, p=valid, sobel-x + custom, frozen"
    assert Dense(units=3, activation="relu", frozen=True).summary() == "3, relu, frozen"


def test_padding_in_a_few_words():
    conv = Conv(filters=1, padding=[[0, 1], [2, 3]])
    assert conv.summary() == "1 × 3×3, p=((0,1),(2,3))"


def channels_first(array):
    return np.ascontiguousarray(np.moveaxis(array, -1, 1))


@pytest.mark.parametrize("training", [True, False], ids=["training", "predicting"])
@each_case
def test_agrees_with_pytorch(name, case, training):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    if name == "dropout":
        training = False  # what it drops is held against statistics below
    one = Pass(name, case, training=training)
    running = arrays(one.layer, case.shape, "running")
    for array in map(one.named.get, running):
        array += np.linspace(0.1, 0.7, array.size)
    x = torch.tensor(channels_first(one.x), requires_grad=True)
    trained = arrays(one.layer, case.shape, "trained")
    weights = {key: torch.tensor(array, requires_grad=key in trained) for key, array in one.named.items()}
    y = FACTS[name].torch(torch, one.layer, x, weights, training)
    y.backward(torch.tensor(channels_first(one.dy)))

    close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-12)
    close(channels_first(one.forward()), y.detach().numpy())
    close(channels_first(one.backward()), x.grad.numpy())
    for key, gradient in one.gradients.items():
        close(gradient, weights[key].grad.numpy())
    for key in running:
        close(one.named[key], weights[key].numpy())


def test_batch_norm_gives_mean_0_and_variance_1_while_training():
    one = Pass("batch_norm", Case((4, 5, 3), {"epsilon": 1e-12}), samples=8)
    one.arrays["gamma"][:], one.arrays["beta"][:] = 1, 0
    one.x *= [1, 10, 100]
    one.x += [0, 5, -7]
    y = one.forward()
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 1, 2)), 1)


def test_batch_norm_keeps_running_figures_with_the_unbiased_variance():
    one = Pass("batch_norm", Case((2,), {"momentum": 0.8}))
    one.x[:] = [[1, 10], [2, 20], [6, 30]]
    one.forward()
    np.testing.assert_allclose(one.arrays["mean"], [0.2 * 3, 0.2 * 20])
    np.testing.assert_allclose(one.arrays["variance"], [0.8 + 0.2 * 7, 0.8 + 0.2 * 100])


def test_batch_norm_predicts_by_the_running_figures_alone():
    one = Pass("batch_norm", Case((2,), {"epsilon": 1e-12}), training=False)
    one.arrays["mean"][:], one.arrays["variance"][:] = [1, 2], [4, 9]
    one.arrays["gamma"][:], one.arrays["beta"][:] = [1, 2], [0, 5]
    np.testing.assert_allclose(one.forward(), (one.x - [1, 2]) / [2, 3] * [1, 2] + [0, 5])


def test_dropout_drops_its_share_and_keeps_the_mean():
    rate, count = 0.3, 200_000
    one = Pass("dropout", Case((count,), {"rate": rate}), samples=1)
    one.x[:] = 1
    y = one.forward()
    assert set(np.unique(y)) == {0, 1 / (1 - round(rate * 65536) / 65536)}
    spread = math.sqrt(rate * (1 - rate) / count)
    assert abs((y == 0).mean() - rate) < 4 * spread
    assert abs(y.mean() - 1) < 4 * spread / (1 - rate)


@pytest.mark.parametrize(
    ("rate", "kept"),
    [(0.0, 1), (1e-9, 1), (2**-16, 1 - 2**-16), (1 - 2**-16, 2**-16), (1 - 1e-9, 2**-16)],
)
def test_dropout_at_its_limits_keeps_the_mean_and_never_drops_all(rate, kept):
    count = 1 << 21
    one = Pass("dropout", Case((count,), {"rate": rate}), samples=1)
    one.x[:] = 1
    y = one.forward()
    assert set(np.unique(y)) <= {0, 1 / kept}
    assert abs((y != 0).mean() - kept) <= 4 * math.sqrt(kept * (1 - kept) / count)


@pytest.mark.parametrize("case", ["one sample", "constant"])
def test_batch_norm_of_what_has_no_variance_gives_beta(case):
    one = Pass("batch_norm", Case((2,), {"momentum": 0}), samples=1 if case == "one sample" else 5)
    one.x[:] = one.x[0]
    one.arrays["beta"][:] = [0.5, -3]
    np.testing.assert_allclose(one.forward(), np.tile([0.5, -3], (len(one.x), 1)), atol=1e-12)
    np.testing.assert_allclose(one.arrays["mean"], one.x[0])
    np.testing.assert_allclose(one.arrays["variance"], 0, atol=1e-20)
    assert np.isfinite(one.backward()).all()


def test_dropout_passes_gradients_where_it_passed_values():
    one = Pass("dropout", Case((50,), {"rate": 0.5}))
    kept = one.forward() != 0
    np.testing.assert_allclose(one.backward(), np.where(kept, 2 * one.dy, 0))


def test_spatial_dropout_drops_whole_channels():
    one = Pass("dropout", Case((6, 5, 400), {"rate": 0.3, "spatial": True}))
    one.x[:] = 1
    y = one.forward()
    assert (y == y[:, :1, :1]).all()
    kept = (y[:, 0, 0] != 0).mean(1)
    assert (np.abs(kept - 0.7) < 0.1).all()
    assert len({tuple(sample) for sample in y[:, 0, 0].tolist()}) == 3
    np.testing.assert_allclose(one.backward(), one.dy * y)


@pytest.mark.parametrize(
    ("name", "options", "axes"),
    [
        ("group_norm", {"groups": 4}, (1, 2)),
        ("layer_norm", {}, (3,)),
        ("layer_norm", {"over": "sample"}, (1, 2, 3)),
    ],
)
@pytest.mark.parametrize("offset", [0, 3, 1000])
def test_normalisation_of_samples_is_right_in_float32_however_far_the_mean(name, options, axes, offset):
    """Each by itself gives what all of them give together, and that is what float64 gives."""
    shape = (19, 17, 4)
    layer, samples = LAYERS[name](**options), 37
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((samples, *shape)) + offset).astype(np.float32)
    network = Network([layer], shape)
    weights, tape = NetworkWeights.initial(network, rng), network.tape()
    tape.add_to(network.trained.views(np.zeros_like(weights.trained)))
    y = network.forward(x, weights, tape).copy()
    wide = x.astype(np.float64)
    exact = wide - wide.mean(axes, keepdims=True)
    exact /= np.sqrt((exact**2).mean(axes, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, exact, atol=2e-6)
    np.testing.assert_allclose(network.forward(x[5:6], weights, tape), y[5:6], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [("group_norm", {"groups": 2}), ("layer_norm", {}), ("layer_norm", {"over": "sample"})],
)
def test_a_sample_that_has_no_variance_gives_beta(name, options):
    one = Pass(name, Case((2, 3, 4), options))
    one.x[:] = 1e6
    one.arrays["beta"][...] = 0.5
    np.testing.assert_allclose(one.forward(), 0.5)
    assert np.isfinite(one.backward()).all()


def test_weight_decay_leaves_slopes_and_norms_alone():
    layers = [Prelu(), GroupNorm(groups=1), LayerNorm()]
    assert not decay_mask(Network(layers, (4, 4, 2))).any()


def test_dropout_repeats_with_its_generator_only():
    one = Pass("dropout", Case((50,)))
    first = one.forward().copy()
    assert (one.forward() != first).any()
    one.tape.current.rng = np.random.default_rng(3)
    np.testing.assert_array_equal(one.forward(), first)


def test_layers_that_slide_a_window_tell_which():
    windows = {
        name: LAYERS[name](**FACTS[name].cases["rectangle"].options).window((4, 6, 2))
        for name in ("max_pool", "avg_pool", "global_avg_pool")
    }
    assert {name: window.size for name, window in windows.items()} == {
        "max_pool": (1, 3),
        "avg_pool": (1, 3),
        "global_avg_pool": (4, 6),
    }
    assert LAYERS["flatten"]().window((4, 6, 2)) is None


def test_dropout_leaves_predictions_alone():
    one = Pass("dropout", Case((50,)), training=False)
    np.testing.assert_array_equal(one.forward(), one.x)


def test_the_first_layer_need_not_know_the_gradient_of_the_image():
    for name, case in (("conv", Case((4, 4, 1), {"filters": 2})), ("dense", Case((4,), {"units": 2}))):
        one = Pass(name, case)
        one.forward()
        one.backward()
        full = one.gradient.copy()
        one.gradient[:] = 0
        one.tape.input_gradient = False
        one.backward()
        np.testing.assert_array_equal(one.gradient, full)


@pytest.mark.parametrize(
    ("name", "options", "shape", "message"),
    [
        ("conv", {"filters": 2}, (9,), r"conv needs a volume \(h, w, c\), not \(9,\): put it before flatten"),
        ("conv", {"filters": 4, "groups": 2}, (4, 4, 3), "groups = 2 does not divide the input's 3 channels"),
        ("max_pool", {}, (9,), "max_pool needs a volume"),
        ("avg_pool", {}, (9,), "avg_pool needs a volume"),
        ("global_avg_pool", {}, (9,), "global_avg_pool needs a volume"),
        ("max_pool", {"size": 3}, (2, 5, 1), "spanning 3 cells does not fit 2 cells"),
        ("dense", {"units": 2}, (3, 3, 1), r"flat input, not \(3, 3, 1\): put a flatten layer before it"),
        ("dense", {}, (9,), "dense needs `units`; only the last layer's default"),
        ("upsample", {}, (9,), "upsample needs a volume"),
        ("dropout", {"spatial": True}, (9,), "a dropout with spatial = true needs a volume"),
        ("group_norm", {"groups": 4}, (4, 4, 6), "groups = 4 does not divide the input's 6 channels"),
        (
            "group_norm",
            {"groups": 6},
            (1, 1, 6),
            "each number by itself, which makes all of them 0",
        ),
        ("layer_norm", {}, (8, 8, 1), "normalise each number by itself"),
        (
            "residual",
            {"layers": [{"type": "conv", "filters": 3}]},
            (6, 6, 3),
            'the shortcut, a 1×1 convolution with stride 1 × 1, 6 × 6 × 3, .* padding = "same", and strides',
        ),
        (
            "residual",
            {"layers": [{"type": "conv", "filters": 4, "kernel": 1}], "shortcut": "identity"},
            (6, 6, 3),
            r"Its layers make 6 × 6 × 4 of 6 × 6 × 3, an identity keeps it, .* or set shortcut = \"auto\"",
        ),
        (
            "residual",
            {"layers": [{"type": "dense", "units": 4}]},
            (3,),
            "Its layers make 4 of 3, and no 1×1 convolution can, for a shortcut: let them keep the shape",
        ),
        (
            "residual",
            {"layers": [{"type": "upsample"}]},
            (3, 4, 2),
            "Its layers make 6 × 8 × 2 of 3 × 4 × 2, and no 1×1 convolution can",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_named(name, options, shape, message):
    with pytest.raises(ShapeError, match=message):
        LAYERS[name](**options).output_shape(shape)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("conv", {}, "filters"),
        ("conv", {"filters": 0}, "greater than 0"),
        ("conv", {"filters": 3, "groups": 2}, "groups = 2 does not divide filters = 3"),
        ("conv", {"filters": 3, "padding": "smae"}, "padding must be valid, same, full"),
        ("conv", {"filters": 3, "stride": 0}, "stride must be at least 1"),
        ("conv", {"filters": 3, "init": "zeros"}, "Unknown initialisation 'zeros'. Known: he, glorot"),
        ("dense", {"units": 3, "init": "sobel"}, '"he", "glorot"'),
        ("max_pool", {"size": [2, 2, 2]}, "size must be an integer or"),
        ("dropout", {"rate": 1}, "less than 1"),
        ("batch_norm", {"epsilon": 0}, "expected at least 1e-30, not 0.0: less vanishes in float32"),
        ("upsample", {"factor": 0}, "factor must be at least 1"),
        ("group_norm", {}, "groups"),
        ("layer_norm", {"over": "rows"}, "'channels' or 'sample'"),
        ("scale", {"factor": 0.0}, "expected a number, or minus a number, of 1e-06 … 1,000,000, not 0.0"),
        ("scale", {"factor": -1e300}, "expected a number, or minus a number, of .* not -1e\\+300"),
        ("scale", {"factor": 1e-300}, "expected a number, or minus a number, of .* not 1e-300"),
        ("residual", {}, "layers"),
        ("residual", {"layers": INNER, "drop": 1.0}, "less than 1"),
        ("residual", {"layers": INNER, "shortcut": "pad"}, "'auto', 'identity' or 'conv'"),
        ("residual", {"layers": INNER, "activation": "rleu"}, "unknown activation 'rleu'"),
        ("activation", {"function": "rleu"}, "unknown activation 'rleu'. Did you mean 'relu'"),
    ],
)
def test_an_option_out_of_range_is_refused(name, options, message):
    with pytest.raises((ValidationError, UnknownNameError), match=message):
        LAYERS[name](**options)
