"""Receptive fields: what a cell sees is what moves it, and each way counts once."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.errors import ShapeError, UsageError
from convcli.explaining.network import line_detector
from convcli.nn.layers import Conv, Flatten, Residual
from convcli.nn.network import Network
from explaining.cases import made

STACKS = [
    "conv 3, pool 2 s2, conv 3",
    "conv3p1s2 pool3x2s2 conv1x2d2",
    "pool3s2c conv3psame",
    "conv2x3 conv1s2",
]


@pytest.mark.parametrize("layers", STACKS)
def test_the_ways_are_the_gradient_of_a_cell_under_kernels_of_ones(layers):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    document = made("receptive-field", layers=layers, size=12).document()
    image = torch.zeros(1, 1, 12, 12, dtype=torch.float64, requires_grad=True)
    plane = image
    for stage in document["layers"]:
        (top, bottom), (left, right) = stage["padding"]
        padded = torch.nn.functional.pad(plane, (left, right + 2, top, bottom + 2))  # room to hang over
        ones = torch.ones(1, 1, *stage["kernel"], dtype=torch.float64)
        options = {"stride": stage["stride"], "dilation": stage["dilation"]}
        rows, columns = stage["output"]
        plane = torch.nn.functional.conv2d(padded, ones, **options)[:, :, :rows, :columns]
    row, column = document["steps"][-2]["cell"]
    plane[0, 0, row, column].backward()
    np.testing.assert_array_equal(document["steps"][-2]["ways"], image.grad[0, 0])


def test_the_example_takes_the_smallest_input_of_which_four_cells_come():
    document = made("receptive-field").document()
    assert (document["plane"], document["size"], document["jump"]) == ([10, 10], [8, 8], [2, 2])
    # rows of a 3 on pairs on a 3: 1 2 3 3 3 3 2 1, and the same across
    ways = [1, 2, 3, 3, 3, 3, 2, 1]
    assert document["steps"][-2]["ways"][0] == [*ways, 0, 0]
    assert sum(map(sum, document["steps"][-2]["ways"])) == sum(ways) ** 2


def test_a_networks_layers_are_shown_as_far_as_they_are_planes():
    shown = made("receptive-field", model=line_detector())
    document = shown.document()
    assert [stage["layer"] for stage in document["layers"]] == ["1: conv", "2: max_pool"]
    assert document["size"] == [4, 4]
    assert shown.notes == (
        "shown up to layer 3, which makes a row of numbers of the planes (global_avg_pool).",
    )


def test_layers_without_a_single_window_are_drawn_as_what_they_see():
    network = Network((Residual(layers=(Conv(filters=1, padding="same"),)), Conv(filters=1)), (9, 9, 1))
    document = made("receptive-field", layers=network).document()
    assert document["size"] == [5, 5]
    assert np.sum(document["steps"][-2]["ways"]) == 25


def test_of_a_trained_run_it_needs_no_image():
    model = stripes.training([{"type": "conv", "filters": 2}, {"type": "flatten"}, {"type": "dense"}]).model
    assert made("receptive-field", model=model).document()["size"] == [3, 3]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"layers": "conv 3, pol 2"}, UsageError, "Step 2 of the chain, 'pol': expected conv or pool"),
        ({"size": 4}, ShapeError, "Step 3 of the chain, 'conv3', cannot take its input of 1 × 1"),
        ({"size": 5000}, UsageError, "An input of 5000 × 5000 is too large to be drawn"),
        ({"layers": "conv600"}, UsageError, "no input of up to 512 × 512 fits; give its --size"),
        ({"layers": "conv1 " * 65}, UsageError, "65 layers; at most 64"),
        ({"layers": "conv3", "model": "run"}, UsageError, "--layers and --run both say which layers"),
        ({"model": "run", "size": 9}, UsageError, "--size goes with typed --layers"),
        ({"layers": Network((Flatten(),), (3, 3, 1))}, UsageError, "The network has no layer of planes"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(request_, error, words):
    if request_.get("model") == "run":
        request_ = {**request_, "model": line_detector()}
    with pytest.raises(error, match=words):
        made("receptive-field", **request_)
