"""What each topic says equals what was worked out by hand, and adds up to what the engine computes."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

import stripes
from convcli import avg_pool2d, conv2d, conv2d_backward, filter_image, max_pool2d_backward
from convcli.errors import UsageError
from convcli.explaining import TOPICS, Request, explain
from convcli.explaining.elements import Formula, Grid
from convcli.explaining.network import example, line_detector
from convcli.explaining.why import why
from convcli.nn.layers import AdaptiveAvgPool, AdaptiveMaxPool, Dense, GlobalMaxPool
from convcli.nn.losses import LOSSES
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights
from explaining.cases import CASES, looked_up, made


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.topic}: {case.name}")
def test_the_json_equals_the_hand_result(case):
    document = made(case.topic, **case.request).document()
    for key, expected in case.expected.items():
        found = looked_up(document, key)
        assert found == expected, key
        if isinstance(expected, list):
            assert repr(found) == repr(expected), f"{key}: whole numbers stay whole"


def test_every_topic_has_a_case():
    assert {case.topic for case in CASES} == set(TOPICS)
    assert len(CASES) >= 12


def typed(array):
    """Return (h, w, c) as it is typed in."""
    rows = [[" ".join(map(repr, row)) for row in array[:, :, c].tolist()] for c in range(array.shape[2])]
    return " | ".join("; ".join(channel) for channel in rows)


def volumes(seed, channels=1, filters=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(int(rng.integers(5, 8)), int(rng.integers(5, 8)), channels))
    w = rng.normal(size=(int(rng.integers(1, 4)), int(rng.integers(1, 4)), channels, filters))
    options = {
        "stride": int(rng.integers(1, 4)),
        "padding": ["valid", "same", "full", 1, ((0, 1), (2, 0))][int(rng.integers(5))],
        "dilation": int(rng.integers(1, 3)),
    }
    return rng, x, w, options


@pytest.mark.parametrize("seed", range(12))
def test_the_products_of_every_window_add_up_to_the_engines_convolution(seed):
    rng, x, w, options = volumes(seed)
    bias = float(rng.normal())
    for topic in ("convolution", "stride"):
        document = made(
            topic, input=typed(x), kernels=(typed(w[..., 0]),), bias=(bias,), **options
        ).document()
        engine = conv2d(x[None], w, np.array([bias]), **options)[0, :, :, 0]
        assert document["output"] == engine.tolist()
        steps = [step for step in document["steps"] if "products" in step]
        sums = [np.sum(step["products"]) + bias for step in steps]
        np.testing.assert_allclose(sums, engine.ravel(), atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_the_channels_sums_add_up_to_the_engines_volume(seed):
    rng, x, w, options = volumes(seed, channels=2, filters=3)
    bias = rng.normal(size=3)
    kernels = tuple(typed(w[..., k]) for k in range(3))
    document = made(
        "volume", input=typed(x), kernels=kernels, bias=tuple(bias.tolist()), **options
    ).document()
    engine = conv2d(x[None], w, bias, **options)[0]
    np.testing.assert_array_equal(document["output"], np.moveaxis(engine, 2, 0))
    for step in document["steps"][1:-1]:
        value = engine[(*step["position"], step["filter"] - 1)]
        np.testing.assert_allclose(np.sum(step["products"], axis=(1, 2)), step["channel_sums"], atol=1e-12)
        np.testing.assert_allclose(sum(step["channel_sums"]) + step["bias"], value, atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_the_steps_of_backward_add_up_to_the_engines_gradients(seed):
    rng, x, w, options = volumes(seed, channels=2, filters=2)
    z = conv2d(x[None], w, **options)
    da = rng.normal(size=z.shape[1:])
    kernels = tuple(typed(w[..., k]) for k in range(2))
    document = made(
        "backward", input=typed(x), kernels=kernels, gradient=typed(da), activation="leaky_relu", **options
    ).document()
    dz = da * np.where(z[0] > 0, 1, 0.01)
    dx, dw, db = conv2d_backward(dz[None], x[None], w, **options)
    np.testing.assert_allclose(np.moveaxis(document["dA_prev"], 0, 2), dx[0], atol=1e-12)
    np.testing.assert_allclose(np.transpose(document["dW"], (2, 3, 1, 0)), dw, atol=1e-12)
    np.testing.assert_allclose(document["db"], db, atol=1e-12)
    full = np.zeros((2, 40, 40))
    for step in document["steps"]:
        if "full" in step:
            np.testing.assert_allclose(np.sum(step["products"]), step["full"], atol=1e-12)
            full[(step["channel"] - 1, *step["cell"])] += step["full"]
        elif "dW" in step:
            np.testing.assert_allclose(np.sum(step["products"]), step["dW"], atol=1e-12)
            own = dw[(*step["cell"], step["channel"] - 1, step["filter"] - 1)]
            np.testing.assert_allclose(step["dW"], own, atol=1e-12)
        elif "terms" in step:
            np.testing.assert_allclose(np.sum(step["terms"]), step["db"], atol=1e-12)
    (top, _), (left, _) = document["padding"]
    cropped = full[:, top : top + x.shape[0], left : left + x.shape[1]]
    np.testing.assert_allclose(cropped, np.moveaxis(dx[0], 2, 0), atol=1e-11)
    assert max(document["relative_errors"].values()) < 1e-6


@pytest.mark.parametrize("activation", ["gelu", "silu", "elu"])
def test_smooth_activations_are_checked_at_every_cell(activation):
    shown = made("backward", input="-2 0; 1 3", kernels=("1 0; 0 0",), padding="same", activation=activation)
    assert max(shown.document()["relative_errors"].values()) < 1e-6


@pytest.mark.parametrize("name", ["layer", "backward"])
def test_softmax_is_not_shown_cell_by_cell(name):
    with pytest.raises(UsageError, match="softmax makes each cell of A of several of Z"):
        made(name, input="1 2; 3 4", kernels=("1",), activation="softmax")


@pytest.mark.parametrize("kind", ["max", "mean"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_windows_of_a_pools_backward_add_up_to_the_engines_gradient(kind, stride):
    x = np.random.default_rng(stride).integers(0, 4, (6, 5, 2)).astype(float)  # few values: many ties
    document = made("pooling-backward", input=typed(x), stride=stride, pool=kind).document()
    da = np.moveaxis(np.array(document["dA"], float), 0, 2)
    total = np.zeros_like(x)
    for step in document["steps"]:
        weights = np.ravel(step["mask"])
        for cell in step["cells"]:
            total[(*cell, step["channel"] - 1)] += step["gradient"] * weights.max()
    if kind == "max":
        np.testing.assert_allclose(total, max_pool2d_backward(da[None], x[None], 2, stride)[0])
    np.testing.assert_allclose(np.moveaxis(document["dA_prev"], 0, 2), total)
    pooled = made("pooling", input=typed(x), stride=stride, pool=kind).document()
    windows = [
        step["output"] == (np.max if kind == "max" else np.mean)(step["window"]) for step in pooled["steps"]
    ]
    assert all(windows)
    if kind == "mean":
        np.testing.assert_allclose(
            np.moveaxis(pooled["output"], 0, 2), avg_pool2d(x[None], 2, stride)[0], atol=1e-12
        )


def test_a_graphs_links_add_up_to_the_convolution():
    document = made("sharing", padding="same", stride=2).document()
    x, w = np.ravel(document["input"]), np.ravel(document["kernel"])
    for step in document["steps"][4:]:
        links = zip(step["inputs"], step["weights"], strict=True)
        assert sum(x[i] * w[k] for i, k in links) == step["output"]


@pytest.mark.parametrize("target", [None, "rising"])
def test_why_is_told_by_the_numbers_of_the_network(target):
    model, image = line_detector(), example()
    *_, cam, covered, slope = made("network", why=True, target=target).document()["steps"]
    label = model.classes.index(target or "upright")
    score = model.outputs(image[None])[0, label]
    for step, method in ((cam, "grad_cam"), (covered, "occlusion"), (slope, "gradient")):
        assert (step["method"], step["class"]) == (method, target or "upright")
        assert step["score"] == pytest.approx(score, rel=1e-6)
        np.testing.assert_allclose(step["map"], model.why(image, label, method=method))
    (top, left), fill = np.unravel_index(np.argmax(np.abs(covered["drops"])), (7, 7)), covered["fill"]
    assert covered["drops"][0][0] == pytest.approx(0, abs=1e-6), "the corner is black as it is"
    hidden = image.copy()
    hidden[top : top + 2, left : left + 2] = fill
    both = model.predict(np.stack([image, hidden]))[:, label]
    np.testing.assert_allclose([covered["probability"], covered["probability_covered"]], both, rtol=1e-6)


def test_an_earlier_layer_has_maps_of_its_own():
    (cam, *_) = why(line_detector(), example(), 1, "1")
    assert cam.title == "Why level: Grad-CAM of layer 1, conv 4 × 3×3, p=same, relu"
    # of 64 cells the maxima of 16 pools have 1/16 each
    assert cam.data["alpha"] == [-1 / 128, 1 / 64, -1 / 128, -1 / 128]
    assert np.shape(cam.data["sums"]) == (8, 8)


def formulas(step):
    return [element.text for row in step.rows for element in row if isinstance(element, Formula)]


def test_a_network_without_planes_says_why_it_has_no_grad_cam(tmp_path):
    model = stripes.training([{"type": "flatten"}, {"type": "dense"}]).model
    Image.fromarray(stripes.dataset(1, 3).images[0, :, :, 0]).save(tmp_path / "stripe.png")
    shown = made("network", model=model, image=tmp_path / "stripe.png", why=True)
    cam, covered, slope = shown.steps[-3:]
    assert "no number has a place in the image" in formulas(cam)[0]
    assert cam.data == {"method": "grad_cam", "reason": formulas(cam)[0]}
    assert len(covered.data["map"]) == len(slope.data["map"]) == 8


def test_nothing_that_speaks_for_a_class_is_said_to_be_nothing():
    cam = made("network", why=True, target="rising").steps[6]
    positive = np.array(cam.data["sums"]) > 0
    assert any(f"in {positive.mean():.0%} of the cells" in line for line in formulas(cam))
    model = line_detector()
    model.weights.arrays.at(4)["W"][...] = -1
    (cam, *_) = why(model, example(), 0)
    assert any(line.startswith("No cell speaks for upright") for line in formulas(cam))
    assert not np.any(cam.data["map"])


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"target": "level"}, "network takes --class with --why"),
        ({"why": True, "target": "uprigth"}, "Unknown class 'uprigth'. Did you mean 'upright'"),
        ({"why": True, "layer": "5"}, "no layer 5: the network has layers 1 to 4"),
        ({"why": True, "layer": "4"}, "layer 4, dense, gives 4"),
    ],
)
def test_what_cannot_be_asked_of_a_why_is_refused(request_, words):
    request_ = dict(request_)
    if layer := request_.pop("layer", None):
        with pytest.raises(UsageError, match=words):
            why(line_detector(), example(), 0, layer)
    else:
        with pytest.raises(UsageError, match=re.escape(words)):
            made("network", **request_)


def test_relus_kink_is_left_out_of_the_check_and_said():
    shown = made("backward", input="1 1; 1 1", kernels=("1 -1",), padding="valid", activation="relu")
    assert shown.document()["Z"] == [[[0], [0]]]
    assert max(shown.data["relative_errors"].values()) < 1e-6
    assert any(
        "Z = 0" in element.text
        for row in shown.steps[-1].rows
        for element in row[-1:]
        if hasattr(element, "text")
    )


def test_a_wrong_gradient_does_not_pass_the_check(monkeypatch):
    from convcli.explaining import gradients

    right = conv2d_backward
    monkeypatch.setattr(
        gradients, "conv2d_backward", lambda *a, **k: tuple(1.01 * part for part in right(*a, **k))
    )
    errors = made("backward").data["relative_errors"]
    assert errors["dZ"] < 1e-6
    assert min(errors[name] for name in ("dW", "db", "dA_prev")) > 1e-3


FORMULAS = {
    "cross_entropy": "p = softmax(outputs): across with 1",
    "focal": "p = softmax(outputs): across with 1",
    "mean_squared_error": "p = max(outputs − t, 0), with t such that they sum to 1: across with 1",
}


@pytest.mark.parametrize("loss", LOSSES)
def test_the_probabilities_are_said_to_come_about_as_the_loss_has_it(loss, tmp_path):
    model = stripes.training(loss=loss).model
    model.weights.arrays.at(len(stripes.LAYERS))["b"][...] = (1e4, 0, 0)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "black.png")
    step = made("network", model=model, image=tmp_path / "black.png").steps[-1]
    assert step.rows[-1][0].text == FORMULAS[loss]


@pytest.mark.parametrize("topic", TOPICS)
def test_grids_have_rows_of_one_length_and_marks_inside(topic):
    for step in made(topic).steps:
        for element in (element for row in step.rows for element in row):
            if isinstance(element, Grid):
                rows, columns = element.shape
                assert {len(row) for row in element.cells} == {columns}
                assert all(0 <= i < rows and 0 <= j < columns for i, j in element.marks)


def test_edges_are_what_filter_image_makes_of_the_photo():
    photo, *_, result = explain("edges", Request(kernels=("laplacian8",))).steps[0].rows[0]
    np.testing.assert_array_equal(result.pixels, filter_image(photo.pixels, "laplacian8"))


def test_a_gradient_kernel_shows_the_slopes_that_it_is_made_of():
    shown = explain("edges", Request(kernels=("sobel",)))
    (photo, *_, across), (*_, down), (_, result), *lines = shown.steps[0].rows
    np.testing.assert_array_equal(across.pixels, filter_image(photo.pixels, "sobel-x"))
    np.testing.assert_array_equal(down.pixels, filter_image(photo.pixels, "sobel-y"))
    np.testing.assert_array_equal(result.pixels, filter_image(photo.pixels, "sobel"))
    told, grey = shown.steps[0].data["strongest"], photo.pixels.astype(float)
    gx, gy = (scipy.ndimage.sobel(grey, axis, mode="mirror") for axis in (1, 0))
    row, column = told["place"]
    assert (told["gx"], told["gy"]) == (gx[row, column], gy[row, column])
    assert np.hypot(gx, gy).max() == pytest.approx(shown.steps[0].data["maximum"])
    assert lines[0][0].text.startswith("sobel = √(gx² + gy²)")


NEGATIVE = "-1 -2 -3; -4 -5 -6; -7 -8 -9"
SILENT = {
    "every Z below 0": (
        {"kernels": ("1 1; 1 1",)},
        "every Z is below 0, where relu has slope 0; --activation none",
    ),
    "every Z 0": (
        {"kernels": ("0 0; 0 0",)},
        "every Z is 0 or less, where relu has slope 0; --activation none",
    ),
    "tanh levelled out": (
        {"kernels": ("9 9; 9 9",), "activation": "tanh"},
        "every Z lies where tanh has levelled out; --activation none",
    ),
    "dA of zeros": (
        {"kernels": ("-1",), "gradient": "0 0 0; 0 0 0; 0 0 0"},
        "dA is 0 everywhere; --gradient",
    ),
    "dA where relu is flat": (
        {"kernels": ("1",), "bias": (5,), "gradient": "0 0 0; 0 0 1; 1 1 1"},
        "dA is 0 wherever relu has a slope; --activation none",
    ),
    "two filters": ({"kernels": ("1", "2")}, "every Z is below 0, where relu has slope 0; --activation none"),
}


@pytest.mark.parametrize(("request_", "words"), SILENT.values(), ids=SILENT.keys())
def test_backward_says_why_every_step_shows_zeros(request_, words):
    shown = made("backward", **{"input": NEGATIVE, "activation": "relu", **request_})
    assert not np.any(shown.document()["dA_prev"])
    assert any(f"every gradient is 0, since {words}" in note for note in shown.notes)
    step = next(step for step in shown.steps if step.title.startswith("dZ: back through g"))
    assert "no gradient comes through" in step.rows[-1][0].text


@pytest.mark.parametrize(
    "request_",
    [
        {"activation": "none", "kernels": ("1 1; 1 1",)},
        {"activation": "leaky_relu", "kernels": ("1 1; 1 1",)},
        {"activation": "relu", "kernels": ("-1",)},
        {"activation": "relu", "kernels": ("1", "-1")},
    ],
    ids=str,
)
def test_backward_of_some_gradient_needs_no_such_note(request_):
    assert not made("backward", input=NEGATIVE, **request_).notes


def through(tmp_path, *layers):
    """Return a request for what an image does in `layers` on planes of 8×8."""
    found = line_detector()
    built = Network([found.network.layers[0], *layers, GlobalMaxPool(), Dense(units=4)], (8, 8, 1))
    model = replace(found, network=built, weights=NetworkWeights.initial(built, np.random.default_rng(0)))
    Image.fromarray(example()[:, :, 0]).save(tmp_path / "stroke.png")
    return partial(Request, model=model, image=tmp_path / "stroke.png")


def test_pools_of_a_network_that_share_a_plane_are_shown_by_the_window_they_have_there(tmp_path):
    ask = through(tmp_path, AdaptiveAvgPool(output_size=(2, 4)))
    shared = explain("pooling", ask(layer="2", channel=2)).document()
    assert (shared["pool"], shared["size"], shared["output_shape"]) == ("mean", [4, 2], [2, 4, 1])
    x = np.array(shared["input"][0], float)
    np.testing.assert_allclose(shared["output"][0], x.reshape(2, 4, 4, 2).mean((1, 3)), atol=1e-6)
    whole = explain("pooling-backward", ask(layer="3", channel=2)).document()
    assert (whole["pool"], whole["size"], np.count_nonzero(whole["mask"])) == ("max", [2, 4], 1)


def test_windows_of_differing_sizes_are_no_pool_that_can_be_shown(tmp_path):
    ask = through(tmp_path, AdaptiveMaxPool(output_size=3))
    with pytest.raises(UsageError, match=r"Layer 2 \(adaptive_max_pool\) shares 8 × 8 cells among windows"):
        explain("pooling", ask(layer="2"))


def test_a_topic_of_one_matrix_shows_the_channel_that_is_named():
    typed = "1 2; 3 4 | 5 6; 7 8"
    chosen = explain("convolution", Request(input=typed, kernels=("1 1; 1 1",), channel=2))
    assert chosen.document()["output"] == [[5 + 6 + 7 + 8]]
    with pytest.raises(UsageError, match="--channel 3: there are 2, counted from 1"):
        explain("convolution", Request(input=typed, kernels=("1 1; 1 1",), channel=3))
