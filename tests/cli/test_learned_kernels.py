"""Learned kernels on the command line: on photos, explained, and beside the named ones."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from scipy import ndimage

import stripes
from convcli import build
from convcli.kernels import kernel
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, RESOLVED, Run

GREY = np.random.default_rng(0).integers(0, 256, (12, 16), np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8)
LAYERS = [
    {"type": "conv", "filters": 4, "init": ["sobel", "sharpen", "emboss"], "frozen": True},
    {"type": "max_pool"},
    {"type": "conv", "filters": 2, "kernel": 2},
    {"type": "flatten"},
    {"type": "dense"},
]


def write_run(folder, channels):
    """Write a run whose first layer has kernels that we know, and return its model."""
    data = stripes.data()
    parts = {
        name: replace(part, stored=np.repeat(part.images, channels, axis=3))
        for name, part in (("train", data.train), ("validation", data.validation))
    }
    training = build.new_training(stripes.config(LAYERS), replace(data, **parts), 1)
    if channels == 3:
        w = training.model.weights.arrays.inner[0]["W"]
        w[...] = np.random.default_rng(2).normal(size=w.shape)
    training.best.copy_from(training.model.weights)
    run = Run.create("stripes", folder)
    run.write(RESOLVED, b"")
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(training))
    return training.model


@pytest.fixture
def grey(tmp_path):
    PIL.Image.fromarray(GREY).save(tmp_path / "grey.png")
    return write_run(tmp_path / "runs" / "grey-001", 1).weights.arrays.inner


@pytest.fixture
def colour(tmp_path):
    PIL.Image.fromarray(RGB).save(tmp_path / "colour.png")
    PIL.Image.fromarray(GREY).save(tmp_path / "grey.png")
    return write_run(tmp_path / "runs" / "colour-001", 3).weights.arrays.inner


@pytest.mark.usefixtures("grey")
def test_a_learned_kernel_filters_a_photo_like_any_other(call, tmp_path):
    options = ["--stride", "2", "--border", "wrap", "--range", "raw"]
    one = call("filter", "grey.png", "--kernel", "run:runs/grey-001#1/2", *options)
    other = call("filter", "grey.png", "--kernel", "sobel-y", *options)
    assert (one.code, one.stderr) == (0, "")
    assert one.stdout.startswith(
        "grey_grey-001-layer1-filter2.npy  6 high, 8 wide float32  grey-001-layer1-filter2 3 × 3"
    )
    assert other.code == 0
    results = [np.load(tmp_path / f"grey_{name}.npy") for name in ("grey-001-layer1-filter2", "sobel-y")]
    np.testing.assert_array_equal(*results)


def test_a_channel_of_a_later_layer_filters_a_photo(call, grey, tmp_path):
    result = call(
        *("filter", "grey.png", "--kernel", "run:runs/grey-001#3/2/4", "--json", "-o", "r.npy"),
        *("--range", "raw", "--border", "zero", "--padding", "valid"),
    )
    document = json.loads(result.stdout)
    assert document["kernel"] == "grey-001-layer3-filter2-channel4"
    assert document["shape"] == [11, 15]
    expected = ndimage.correlate(GREY.astype(float), grey[2]["W"][:, :, 3, 1], origin=-1)[:-1, :-1]
    np.testing.assert_allclose(np.load(tmp_path / "r.npy"), expected, rtol=1e-4, atol=1e-3)


def test_a_filter_for_rgb_sums_up_the_channels(call, colour, tmp_path):
    result = call(
        *("filter", "colour.png", "--kernel", "run:runs/colour-001#1/3", "--json", "--range", "raw"),
        *("-o", "r.npy"),
    )
    assert json.loads(result.stdout)["channels"] == "volume"
    w = colour[0]["W"].astype(float)
    expected = sum(
        ndimage.correlate(RGB[..., c].astype(float), w[:, :, c, 2], mode="mirror") for c in range(3)
    )
    np.testing.assert_allclose(np.load(tmp_path / "r.npy"), expected, rtol=1e-4, atol=1e-3)


def test_one_channel_of_a_filter_for_rgb_is_an_ordinary_kernel(call, colour, tmp_path):
    call("filter", "grey.png", "--kernel", "run:runs/colour-001#1/3/2", "--range", "raw", "-o", "r.npy")
    expected = ndimage.correlate(GREY.astype(float), colour[0]["W"][:, :, 1, 2].astype(float), mode="mirror")
    np.testing.assert_allclose(np.load(tmp_path / "r.npy"), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.usefixtures("colour")
def test_a_filter_for_rgb_does_not_filter_each_channel(call):
    result = call("filter", "colour.png", "--kernel", "run:runs/colour-001#1/3", "--channels", "each")
    assert result.code == 2
    assert result.stderr == (
        "error: colour-001-layer1-filter3 sums up the channels of an image; each cannot be had, only auto or "
        "gray.\n"
    )


WRONG = {
    "no such run": (
        "run:runs/grey-002#1/1",
        1,
        (
            "runs/grey-002: not a run (there is no such folder). Expected a folder that "
            "`convcli train` wrote. Did you mean 'grey-001'?"
        ),
    ),
    "no such layer": (
        "run:runs/grey-001#6/1",
        2,
        "run:runs/grey-001#6/1: layer 6: the network has layers 1 to 5.",
    ),
    "layer 0": ("run:runs/grey-001#0/1", 2, "run:runs/grey-001#0/1: layer 0: the network has layers 1 to 5."),
    "not a convolution": (
        "run:runs/grey-001#2/1",
        2,
        "run:runs/grey-001#2/1: layer 2 is max_pool, and this needs a conv or separable_conv layer: 1, 3.",
    ),
    "no such filter": (
        "run:runs/grey-001#1/5",
        2,
        "run:runs/grey-001#1/5: filter 5: there are 4, counted from 1.",
    ),
    "no such channel": (
        "run:runs/grey-001#3/1/5",
        2,
        "run:runs/grey-001#3/1/5: channel 5: there are 4, counted from 1.",
    ),
    "no channel named": (
        "run:runs/grey-001#3/1",
        2,
        (
            "run:runs/grey-001#3/1: the filters of layer 3 have 4 channels, which are not a photo's: "
            "name one, from run:runs/grey-001#3/1/1 to run:runs/grey-001#3/1/4."
        ),
    ),
    "no filter named": (
        "run:runs/grey-001#1",
        2,
        (
            "run:runs/grey-001#1: expected run:RUN#LAYER/FILTER or run:RUN#LAYER/FILTER/CHANNEL, counted "
            "from 1, such as run:runs/digits-001#1/3."
        ),
    ),
}


@pytest.mark.usefixtures("grey")
@pytest.mark.parametrize(("text", "code", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_there_is_told_with_what_is(call, tmp_path, text, code, message):
    before = sorted(tmp_path.iterdir())
    result = call("filter", "grey.png", "--kernel", text)
    assert (result.code, result.stdout, result.stderr) == (code, "", f"error: {message}\n")
    assert sorted(tmp_path.iterdir()) == before


def test_the_kernels_of_a_run_are_listed_beside_the_nearest_named_ones(call, grey):
    document = json.loads(call("kernels", "--run", "runs/grey-001", "--json").stdout)
    assert (document["layer"], document["shape"], document["filters"], document["channels"]) == (
        1,
        [3, 3],
        4,
        1,
    )
    assert [(one["filter"], one["nearest"]) for one in document["kernels"]] == [
        (1, "sobel-x"),
        (2, "sobel-y"),
        (3, "sharpen"),
        (4, "emboss"),
    ]
    assert [one["cosine"] for one in document["kernels"]] == pytest.approx([1] * 4)
    np.testing.assert_array_equal(document["kernels"][2]["weights"], kernel("sharpen"))
    deep = json.loads(call("kernels", "--run", "runs/grey-001", "--layer", "3", "--json").stdout)
    assert [(one["filter"], one["channel"]) for one in deep["kernels"]] == [
        (k, c) for k in (1, 2) for c in (1, 2, 3, 4)
    ]
    np.testing.assert_allclose(deep["kernels"][5]["weights"], grey[2]["W"][:, :, 1, 1])


@pytest.mark.usefixtures("grey")
def test_the_table_has_pictures_cosines_names_and_weights(call):
    result = call("kernels", "--run", "runs/grey-001")
    assert (result.code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.stdout.startswith("runs/grey-001, layer 1: 4 learned kernels of 3 × 3")
    assert ["1", "░░▒▒▓▓", "░░▒▒▓▓", "1.00", "sobel-x", "-1", "0", "1"] in lines
    assert "Kernels of random numbers come to 0.66 on average." in result.stdout


def relearned(folder, **filters):
    """Write other weights into the first layer of a run: `f1` stands for filter 1, (f_h, f_w, c)."""
    run = Run.open(folder)
    checkpoint = run.read_checkpoint(BEST)
    w = np.array(checkpoint.arrays["layers.1.W"])
    for name, weights in filters.items():
        w[..., int(name[1:]) - 1] = weights
    run.write_checkpoint(BEST, replace(checkpoint, arrays={**checkpoint.arrays, "layers.1.W": w}))


@pytest.mark.usefixtures("grey")
def test_a_negative_of_a_named_kernel_has_a_minus_and_looks_alike(call, tmp_path):
    relearned(tmp_path / "runs" / "grey-001", f1=-0.03 * kernel("sobel-x")[:, :, None])
    lines = [line.split() for line in call("kernels", "--run", "runs/grey-001").stdout.splitlines()]
    assert ["1", "▓▓▒▒░░", "▓▓▒▒░░", "1.00", "−sobel-x", "0.030", "0.000", "-0.030"] in lines


@pytest.mark.usefixtures("colour")
def test_filters_for_rgb_are_tiles_the_nearest_to_a_named_kernel_first(call, tmp_path):
    grey = np.repeat(kernel("sobel-x")[:, :, None], 3, axis=2)
    tinted = grey * [1.0, 1.0, -1.0]
    relearned(tmp_path / "runs" / "colour-001", f2=tinted, f4=-0.5 * grey)
    told = json.loads(call("kernels", "--run", "runs/colour-001", "--json").stdout)["rgb"]
    assert [one["filter"] for one in told] == [1, 2, 3, 4]
    assert (told[3]["nearest"], told[3]["cosine"]) == ("sobel-x", pytest.approx(-1))
    assert (told[1]["nearest"], told[1]["cosine"]) == ("sobel-x", pytest.approx(1 / 3))  # 1/3 + 1/3 - 1/3
    shown = call("kernels", "--run", "runs/colour-001").stdout
    assert shown.startswith("runs/colour-001, layer 1: 4 learned kernels of 3 × 3 × RGB")
    lines = [line.split() for line in shown.splitlines()]
    assert ["4", *["▓▓▒▒░░"] * 4, "1.00", "−sobel-x"] in lines
    order = [line[0] for line in lines if line and re.fullmatch("[1-4]", line[0])]
    assert order == sorted(order, key=lambda number: -round(abs(told[int(number) - 1]["cosine"]), 9))


def test_more_kernels_than_a_terminal_shows_are_counted(call, tmp_path):
    layers = [{"type": "conv", "filters": 70, "kernel": 6}, {"type": "flatten"}, {"type": "dense"}]
    training = stripes.training(layers)
    training.best.copy_from(training.model.weights)
    run = Run.create("stripes", tmp_path / "run")
    run.write(RESOLVED, b"")
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(training))
    shown = call("kernels", "--run", "run").stdout
    numbers = re.findall(r"^ +(\d+)   ", shown, re.MULTILINE)
    assert len(set(numbers)) == 64
    cosines = [float(found) for found in re.findall(r"  (0\.\d\d|1\.00)  ", shown)]
    assert cosines == sorted(cosines, reverse=True)
    assert "These are the 64 nearest; --json has all 70." in shown
    assert "learned weights" not in shown


@pytest.mark.usefixtures("grey")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "1"], "--layer belongs to a trained network: name it with --run RUN."),
        (["sobel", "--run", "runs/grey-001"], "sobel and --run both say what to show; give one of them."),
        (
            ["--run", "runs/grey-001", "--layer", "5"],
            "--layer 5 is dense, and this needs a conv or separable_conv layer: 1, 3.",
        ),
        (["--run", "runs/grey-001", "--layer", "9"], "--layer 9: the network has layers 1 to 5."),
    ],
)
def test_options_that_do_not_fit_are_refused(call, arguments, message):
    result = call("kernels", *arguments)
    assert (result.code, result.stdout, result.stderr) == (2, "", f"error: {message}\n")


@pytest.mark.usefixtures("colour")
def test_one_learned_kernel_is_shown_with_its_channels(call):
    shown = call("kernels", "run:runs/colour-001#1/2").stdout
    assert shown.startswith("colour-001-layer1-filter2  3 × 3\n")
    assert shown.count("sum ") == 3 + 1
    assert "result  sum of the parts, each on a channel of the image\n" in shown
    assert shown.endswith("source  run:runs/colour-001#1/2\n")


def test_explain_takes_learned_kernels(call, grey, colour):
    shown = call("explain", "convolution", "--kernel", "run:runs/grey-001#1/1", "--json", "-")
    assert json.loads(shown.stdout)["kernel"] == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    volume = call("explain", "volume", "--kernel", "run:runs/colour-001#1/4", "--json", "-")
    expected = np.transpose(colour[0]["W"], (3, 2, 0, 1))[3]
    np.testing.assert_allclose(json.loads(volume.stdout)["kernel"][0], expected)
    edges = call(
        *("explain", "edges", "--input", "colour.png", "--kernel", "run:runs/colour-001#1/4", "--json", "-")
    )
    assert json.loads(edges.stdout)["steps"][0]["kernel"] == "colour-001-layer1-filter4"
    refused = call("explain", "convolution", "--kernel", "run:runs/grey-001#3/1", "--json", "-")
    assert refused.stderr.startswith("error: run:runs/grey-001#3/1: the filters of layer 3 have 4 channels")
