"""Layers, activations and losses as ONNX: onnxruntime makes of them what the engine makes.

`ONNX_EXAMPLES=1000 pytest tests/interchange/onnx/test_layers.py` tries so many random networks, not a few.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcli.errors import UsageError
from convcli.interchange.onnx.network import onnx_of
from convcli.interchange.onnx.nodes import ACTIVATION_NODES, LAYER_NODES, LOSS_NODES
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layer import LAYERS
from convcli.nn.losses import LOSSES
from interchange.networks import case_models, drawn_model, images_for, model_of
from interchange.onnx.runtime import apart, asked, exactly

pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")

MANY = int(os.environ.get("ONNX_EXAMPLES", "0"))
CLOSE = 1e-5  # of probabilities


def test_everything_that_a_configuration_may_name_has_nodes():
    assert set(LAYER_NODES) == set(LAYERS)
    assert set(ACTIVATION_NODES) == set(ACTIVATIONS)
    assert set(LOSS_NODES) == set(LOSSES)


def test_what_has_none_is_named_with_its_place(monkeypatch):
    monkeypatch.delitem(LAYER_NODES._parts, "scale")
    inner = {"type": "sequence", "layers": [{"type": "scale", "factor": 2.0}]}
    with pytest.raises(UsageError, match=r"layer 1\.1 has the layer 'scale'"):
        onnx_of(model_of([inner, {"type": "flatten"}, {"type": "dense"}], (2, 2, 1)))


@pytest.mark.long
def test_every_case_of_every_layer_gives_the_same_probabilities():
    differences = {name: apart(model)[0] for name, model in case_models()}
    assert len(differences) > 100
    assert {name: found for name, found in differences.items() if found > 1e-6} == {}


@settings(max_examples=MANY or 12, derandomize=not MANY, deadline=None, database=None)
@given(seed=st.integers(0, 2**32), given_as=st.sampled_from(["uint8", "float"]))
def test_random_networks_give_the_same_probabilities(seed, given_as):
    """Where a network makes more of float32's rounding, as few of thousands do, both are near float64's."""
    model = drawn_model(seed)
    difference, proto = apart(model, given_as)
    if difference > CLOSE:
        images = images_for(model, 64)
        expected = exactly(model, images)
        np.testing.assert_allclose(asked(proto, images, given_as)[0], expected, atol=CLOSE)
        np.testing.assert_allclose(model.predict(images), expected, atol=CLOSE)


@pytest.mark.parametrize(
    "layer",
    [{"type": "layer_norm"}, {"type": "layer_norm", "over": "sample"}, {"type": "group_norm", "groups": 2}],
)
def test_normalisation_keeps_its_digits_beside_a_large_mean(layer):
    """Of deviations that are a thousandth of the mean, float32 has half of its digits."""
    conv = {"type": "conv", "filters": 4}
    model = model_of([conv, layer, {"type": "flatten"}, {"type": "dense"}], (4, 4, 2))
    model.weights["1.W"][...] *= 0.01
    model.weights["1.b"][...] += 30
    images = images_for(model, 16)
    probabilities, _ = asked(onnx_of(model).proto, images)
    np.testing.assert_allclose(probabilities, exactly(model, images), atol=4e-6)


def pooled(kind, **options):
    return [{"type": kind, **options}, {"type": "flatten"}, {"type": "dense"}]


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        # More padding than the operator takes, where a dilation lets a window span it.
        (pooled("max_pool", size=2, dilation=3, stride=1, padding=3), (5, 6, 2)),
        (pooled("max_pool", size=[2, 3], dilation=[2, 1], padding="full"), (6, 5, 2)),
        # Means whose last window hangs over, beside padding that counts, or does not.
        (pooled("avg_pool", size=3, stride=2, padding=1, ceil_mode=True), (6, 6, 2)),
        (pooled("avg_pool", size=3, stride=2, ceil_mode=True), (6, 8, 2)),
        (pooled("avg_pool", size=3, stride=2, padding=[[0, 1], [2, 0]], ceil_mode=True), (6, 7, 1)),
        (
            pooled("avg_pool", size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
            (6, 6, 2),
        ),
        # Means with a dilation, which the operator has had since opset 19.
        (pooled("avg_pool", size=2, dilation=2, stride=1), (5, 6, 2)),
        (pooled("avg_pool", size=2, dilation=[2, 3], padding="full", count_include_pad=False), (5, 6, 3)),
        # Uneven windows, and so few that the planes are larger, or so many that they are smaller.
        (pooled("adaptive_avg_pool", output_size=[3, 7]), (7, 5, 2)),
        (pooled("adaptive_max_pool", output_size=[3, 7]), (7, 5, 2)),
    ],
)
def test_pools_that_operators_say_in_another_way(layers, shape):
    difference, proto = apart(model_of(layers, shape))
    assert difference <= 1e-6
    assert proto.opset_import[0].version <= 11


@pytest.mark.parametrize("padding", [0, 1, 2, [[0, 2], [1, 0]]])
@pytest.mark.parametrize("stride", [1, [1, 2], 3])
@pytest.mark.parametrize("output_padding", [0, [0, 2], 2])
def test_transposed_convolutions_of_any_output_padding(padding, stride, output_padding):
    options = {"kernel": 3, "dilation": 3, "padding": padding, "stride": stride}
    layer = {"type": "transposed_conv", "filters": 2, **options, "output_padding": output_padding}
    model = model_of([layer, {"type": "flatten"}, {"type": "dense"}], (3, 4, 2))
    assert apart(model, batches=(2,))[0] <= 1e-6


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("classes", [1, 2, 7])
def test_losses_give_their_probabilities(loss, classes):
    model = model_of(
        [{"type": "flatten"}, {"type": "dense"}], (4, 4, 1), classes=classes, training={"loss": loss}
    )
    for name in ("2.W", "2.b"):
        model.weights[name][...] *= 3  # so that some probabilities are 0 where that is possible
    images = images_for(model, 200)
    probabilities, logits = asked(onnx_of(model).proto, images)
    np.testing.assert_allclose(probabilities, model.predict(images), atol=2e-6)
    np.testing.assert_allclose(probabilities, model.loss.probabilities(logits), atol=1e-6)
    np.testing.assert_allclose(logits, model.outputs(images), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    if loss == "mean_squared_error" and classes == 7:
        assert 0.1 < (probabilities == 0).mean() < 0.9


def test_an_empty_batch_gives_none():
    for seed in range(4):
        probabilities, logits = asked(onnx_of(drawn_model(seed)).proto, images_for(drawn_model(seed), 0))
        assert probabilities.shape == logits.shape == (0, 4)
