"""Filters that begin as the training images' own directions: against PyTorch's, in a training, in errors."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli import build
from convcli.engine.workspace import Workspace
from convcli.errors import ConfigError
from convcli.nn.layers import Conv
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.weights import NetworkWeights
from convcli.runs import checkpoints
from convcli.runs.folder import LAST, Run

FIRST = {"type": "conv", "filters": 8, "kernel": 2, "init": "whiten"}
LAYERS = [{**FIRST, "activation": "gelu"}, {"type": "max_pool"}, {"type": "flatten"}, {"type": "dense"}]


def pictures(count=400, channels=3, seed=0):
    """Return images (n, 9, 8, c) whose neighbours and channels are alike."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 9, 8, channels))
    x = x + np.roll(x, 1, 1) + 0.5 * np.roll(x, 1, 2) + x.mean(3, keepdims=True)
    return (x - x.mean()).astype(np.float32)


def whitened(images, filters, kernel=2, **options):
    """Return the filters that begin so, in float64."""
    layer = Conv(filters=filters, kernel=kernel, init="whiten", **options)
    network = Network([layer], images.shape[1:])
    begun = NetworkWeights.initial(
        network, np.random.default_rng(0), np.float64, lambda count: images[:count]
    )
    return begun.arrays.at(1)["W"]


def outputs(images, w, dilation=1):
    layer = Conv(filters=w.shape[3], kernel=w.shape[:2], dilation=dilation)
    network = Network([layer], images.shape[1:])
    weights = NetworkWeights(network, np.float64)
    weights.arrays.at(1)["W"][...] = w
    return network.forward(images.astype(np.float64), weights, network.tape()).reshape(-1, w.shape[3])


@pytest.mark.parametrize(("kernel", "dilation"), [(2, 1), (3, 1), ([1, 3], 1), (2, [3, 2])])
def test_what_comes_out_varies_by_one_and_is_not_correlated(kernel, dilation):
    images = pictures()
    rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
    w = whitened(images, 2 * rows * columns * 3, kernel, dilation=dilation)
    half = w.shape[3] // 2
    np.testing.assert_array_equal(w[..., half:], -w[..., :half])
    found = np.cov(outputs(images, w[..., :half], dilation).T)
    variances = 5e-4 * np.sum(w[..., :half] ** 2, (0, 1, 2))
    np.testing.assert_allclose(found, np.diag(1 - variances), atol=1e-4)


def test_it_is_what_the_published_recipe_makes_of_images_without_a_mean():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    images = pictures(3000)
    x = torch.tensor(images, dtype=torch.float64).permute(0, 3, 1, 2)
    rows = x.unfold(2, 2, 1).unfold(3, 2, 1).transpose(1, 3).reshape(-1, 3, 2, 2).flatten(1)
    variances, directions = torch.linalg.eigh(torch.cov(rows.T, correction=0))
    theirs = directions.T.reshape(12, 3, 2, 2).flip(0) / torch.sqrt(variances.flip(0) + 5e-4).view(
        -1, 1, 1, 1
    )
    ours = np.moveaxis(whitened(images, 24), (3, 2), (0, 1))[:12]
    signs = np.sign((ours * theirs.numpy()).sum((1, 2, 3)))[:, None, None, None]
    np.testing.assert_allclose(ours, signs * theirs.numpy(), atol=1e-6)


def test_fewer_filters_are_the_strongest_directions():
    images = pictures()
    few, all_ = whitened(images, 8), whitened(images, 24)
    np.testing.assert_array_equal(few, np.concatenate([all_[..., :4], all_[..., 12:16]], 3))


def test_images_that_are_all_alike_give_finite_filters():
    w = whitened(np.ones((5, 9, 8, 1), np.float32), 8)
    assert np.isfinite(w).all()


@pytest.mark.parametrize("dead", [1, 3])
def test_one_image_of_one_patch_is_enough(dead):
    assert np.isfinite(whitened(np.full((1, 2, 2, dead), 0.5, np.float32), 2)).all()


def test_a_training_leaves_the_filters_and_learns_the_bias():
    training = stripes.training(LAYERS, epochs=10, optimizer={"type": "adam", "learning_rate": 0.01})
    begun = {name: array.copy() for name, array in training.model.weights.arrays.at(1).items()}
    assert training.model.network.places[0].frozen == begun["W"].size
    x = training.model.preprocessing.apply(training.train.images, Workspace())
    np.testing.assert_allclose(begun["W"], whitened(x, 8), rtol=1e-6)
    list(training.run())
    np.testing.assert_array_equal(training.model.weights.arrays.at(1)["W"], begun["W"])
    assert (training.model.weights.arrays.at(1)["b"] != begun["b"]).all()
    assert training.progress.history[-1].train_loss < 0.8 * training.progress.history[0].train_loss


def test_frozen_leaves_the_bias_too_and_the_seed_changes_no_filter():
    frozen = stripes.training([{**LAYERS[0], "frozen": True}, *LAYERS[1:]], seed=5)
    other = stripes.training(LAYERS, seed=6)
    one, two = (each.model.weights.arrays.at(1) for each in (frozen, other))
    np.testing.assert_array_equal(one["W"], two["W"])
    list(frozen.run())
    assert not one["b"].any()


def test_images_stand_for_all_of_a_sorted_set(monkeypatch):
    monkeypatch.setattr("convcli.nn.whitening.MOST_IMAGES", 4)
    asked = []
    original = Preprocessing.apply
    monkeypatch.setattr(
        Preprocessing, "apply", lambda self, x, out: asked.append(x) or original(self, x, out)
    )
    data = stripes.data()
    build.new_model(stripes.config(LAYERS), data)
    np.testing.assert_array_equal(asked[0], data.train.images[[0, 30, 59, 89]])


def test_a_resumed_training_ends_with_the_same_bytes(tmp_path):
    whole, half = (stripes.training(LAYERS, epochs=3) for _ in range(2))
    list(whole.run())
    next(event for event in half.run() if getattr(event, "batch", 0) == 3 and half.progress.epoch == 2)
    run = Run.create("stripes", tmp_path / "run")
    run.write_checkpoint(LAST, checkpoints.last_checkpoint(half))
    resumed = checkpoints.restore_training(
        run.read_checkpoint(LAST), run.folder / LAST, stripes.data(), threads=2
    )
    list(resumed.run())
    for one, other in ((whole.model.weights, resumed.model.weights), (whole.best, resumed.best)):
        np.testing.assert_array_equal(one.trained, other.trained)
        np.testing.assert_array_equal(one.kept, other.kept)


DENSE = [{"type": "flatten"}, {"type": "dense"}]
BLOCK = {"type": "sequence", "layers": [FIRST]}
AGAIN = {**FIRST, "filters": 2}
WRONG = {
    "too many": (
        {**FIRST, "filters": 10},
        r"\[\[layers\]\] 1 \(conv\) .*direction of 2 × 2 × 1 .*filters = 8, or an",
    ),
    "odd": (
        {**FIRST, "filters": 7},
        "a pair of filters for each direction .*set filters = 8, or an even number",
    ),
    "groups": ({**FIRST, "groups": 2}, "takes patches of all channels, so groups = 1, not 2"),
    "window": (
        {**FIRST, "dilation": 8, "padding": 4},
        "needs images of at least 9 × 9, the size of its window",
    ),
    "in a list": ({**FIRST, "init": ["whiten"]}, "whiten is for all filters; it cannot stand in a list"),
    "second": (
        [FIRST, AGAIN],
        r"\[\[layers\]\] 2 \(conv\): init = \"whiten\" is made from the images themselves",
    ),
    "repeated": ({**FIRST, "filters": 2, "repeat": 2}, "only a layer that they go into, the first"),
    "second within": ([BLOCK, {**BLOCK, "layers": [AGAIN]}], r"\[\[layers\]\] 2 → inside 1 \(conv\): init"),
    "behind dropout": ([{"type": "dropout"}, FIRST], r"\[\[layers\]\] 2 \(conv\): init"),
}


@pytest.mark.parametrize(("layers", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_begin_so_is_named(layers, message):
    with pytest.raises(ConfigError, match=message):
        stripes.training([*(layers if isinstance(layers, list) else [layers]), *DENSE])


def test_the_first_layer_of_the_first_layer_sees_images_too():
    training = stripes.training([BLOCK, *DENSE])
    w = training.model.weights.arrays.at("1.1")["W"]
    np.testing.assert_array_equal(w[..., 4:], -w[..., :4])
