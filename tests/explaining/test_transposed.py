"""Transposed convolution: stamps, and the same in PyTorch's words."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.errors import ShapeError, UsageError
from convcli.explaining.elements import Grid
from convcli.explaining.reading import Input
from explaining.cases import made
from explaining.test_topics import typed

OPTIONS = [
    {},
    {"stride": 2},
    {"stride": 3, "padding": 1, "output_padding": (2, 0)},
    {"stride": (1, 2), "padding": (0, 1), "dilation": 2},
    {"stride": 2, "padding": "same", "output_padding": 1},
    {"padding": "full"},
]


def drawn(seed):
    rng = np.random.default_rng(seed)
    return rng, rng.integers(-4, 5, (4, 5)).astype(float), rng.integers(-3, 4, (3, 2)).astype(float)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_is_pytorchs(options):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng, x, w = drawn(1)
    (top, left), window = (1, 0), {"padding": 0, **options}
    if window["padding"] == "same":  # of a kernel of 3 × 2
        window["padding"] = (top, left)  # and one column more is cropped at the end
    elif window["padding"] == "full":
        window["padding"] = (2, 1)
    planes = [torch.tensor(array[None, None], requires_grad=True) for array in (x, w)]
    y = torch.nn.functional.conv_transpose2d(*planes, **window)
    if options.get("padding") == "same":
        y = y[:, :, :, :-1]
    dy = rng.integers(-3, 4, y.shape[2:]).astype(float)
    y.backward(torch.tensor(dy[None, None]))
    found = made(
        "transposed",
        input=typed(x[:, :, None]),
        kernels=(typed(w[:, :, None]),),
        gradient=typed(dy[:, :, None]),
        **options,
    ).document()
    np.testing.assert_allclose(found["output"], y.detach().numpy()[0, 0], atol=1e-12)
    for name, plane in zip(("dX", "dW"), planes, strict=True):
        np.testing.assert_allclose(found[name], plane.grad.numpy()[0, 0], atol=1e-12)
    assert found["db"] == dy.sum()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_stamps_and_products_add_up(options):
    _, x, w = drawn(2)
    found = made("transposed", input=typed(x[:, :, None]), kernels=(typed(w[:, :, None]),), **options)
    document = found.document()
    stamped = [step["sum_so_far"] for step in document["steps"] if "stamp" in step]
    assert len(stamped) == x.size
    assert stamped[-1] == document["full"]
    for step in document["steps"]:
        for name in ("dX", "dW"):
            if name in step:
                assert np.sum(step["products"]) == step[name]
    assert max(document["relative_errors"].values()) < 1e-6


def test_cells_without_a_stamp_stay_empty_until_the_sum_is_whole():
    shown = made("transposed", input="1 2", kernels=("5",), stride=3)
    *_, last = [element for element in shown.steps[2].rows[0] if isinstance(element, Grid)]
    assert last.cells == ((5, None, None, 10),)
    assert shown.document()["output"] == [[5, 0, 0, 10]]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"padding": 3}, ShapeError, "padding 3 \\+ 3 crops all of them"),
        ({"stride": 2, "output_padding": 2}, ShapeError, "output padding 2 of the rows must be smaller"),
        ({"stride": 40}, UsageError, "The stamps cover 43 × 43 cells; at most 32 × 32"),
        ({"input": "1 | 2"}, UsageError, "expected one matrix, found 2 channels"),
        ({"gradient": "1 2"}, UsageError, "--gradient: expected the output's size 5 × 5 × 1, found 1 × 2"),
        ({"kernels": ("1", "2")}, UsageError, "at most|one filter"),
        ({"bias": (1, 2)}, UsageError, "--bias: expected a number for the one filter, found 2"),
        ({"activation": "relu"}, UsageError, "transposed takes no --activation; it takes .*--output-padding"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(request_, error, words):
    with pytest.raises(error, match=words):
        made("transposed", **request_)


def test_the_channels_of_a_trained_layer_add_up_to_what_comes_out_of_it():
    layers = [
        {"type": "conv", "filters": 2, "stride": 2},
        {"type": "transposed_conv", "filters": 3, "stride": 2, "padding": 1, "output_padding": 1},
        {"type": "flatten"},
        {"type": "dense"},
    ]
    model = stripes.training(layers).model
    pixels = stripes.dataset(1, 3).images[0]
    whole = model.trace(pixels[None]).output(2)[0][:, :, 1]
    parts = [
        made("transposed", model=model, image=Input(pixels, "stripe"), filter=2, channel=c).document()
        for c in (1, 2)
    ]
    summed = sum(np.array(part["output"]) for part in parts) - parts[0]["bias"]
    np.testing.assert_allclose(summed, whole, atol=1e-5)
    assert (parts[1]["layer"], parts[1]["filter"], parts[1]["channel"]) == (2, 2, 2)
