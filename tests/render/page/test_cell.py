"""What made a cell: its numbers are NumPy's, and put together again they give what NumPy gives."""

from __future__ import annotations

import base64
from itertools import product

import numpy as np
import pytest

from chromium import MARKS
from convcli.interchange.rounding import rounded
from convcli.nn.layer import LAYERS
from convcli.nn.tape import Tape
from convcli.render.page.document import document
from interchange.networks import images_for, model_of
from render.page.browsing import CASES, ask

pytestmark = MARKS

CELLS = """({document, weights, image, asked}) => {
  const net = engine.network(document, engine.bytes(weights));
  const run = net.run(net.prepare(new Uint8Array(engine.bytes(image))));
  return asked.map(([number, at]) => net.cell(run, number, at));
}"""


def cells(scripts, model, asked):
    """Return what the scripts tell of cells, and NumPy's trace of the same image."""
    image = images_for(model, 1)
    described, weights = document(model, rounded(model, "float32"))
    packed = {"weights": weights, "image": image.tobytes()}
    argument = {name: base64.b64encode(content).decode() for name, content in packed.items()}
    return ask(scripts, CELLS, {**argument, "document": described, "asked": asked}), model.trace(image)


def activated(function, z):
    a = np.array([[z]])
    function.apply(a.copy(), a, Tape())
    return a.item()


def at_window(x, told, channel):
    """Return what lies under a window, 0 beside the input."""
    inside = [[None not in at and min(at) >= 0 for at in product([r], told["columns"])] for r in told["rows"]]
    return np.array(
        [
            [x[r, c, channel] if on and r < x.shape[0] and c < x.shape[1] else 0 for on, c in pairs]
            for r, pairs in zip(
                told["rows"], [list(zip(row, told["columns"], strict=True)) for row in inside], strict=True
            )
        ]
    )


def window(told, x, layer):
    total = told["bias"] or 0.0
    for under in told["channels"]:
        np.testing.assert_allclose(under["values"], at_window(x, told, under["channel"]), atol=1e-5)
        own = (np.array(under["values"]) * under["kernel"]).sum()
        np.testing.assert_allclose([under["sum"], np.sum(under["products"])], own, atol=1e-9)
        total += own * under.get("factor", 1)
    np.testing.assert_allclose(told["z"], total, atol=1e-9)
    return told["z"]


def dense(told, x, layer):
    np.testing.assert_allclose(told["values"], x, atol=1e-5)
    np.testing.assert_allclose(told["products"], np.multiply(told["values"], told["weights"]), atol=1e-9)
    return sum(told["products"]) + (told["bias"] or 0)


def maximum(told, x, layer):
    values = x[np.ix_(told["rows"], told["columns"], [told["channel"]])]
    row, column = told["taken"]
    assert row in told["rows"]
    assert column in told["columns"]
    np.testing.assert_allclose(np.array(told["values"])[..., None], values, atol=1e-5)
    return x[row, column, told["channel"]]


def mean(told, x, layer):
    return x[np.ix_(told["rows"], told["columns"], [told["channel"]])].sum() / told["count"]


def normalised(told, x, layer):
    np.testing.assert_allclose(told["x"], x[tuple(told["at"])], atol=1e-5)
    return (told["x"] - told["mean"]) / np.sqrt(told["variance"] + told["epsilon"]) * told["gamma"] + told[
        "beta"
    ]


def neighbours(told, x, layer):
    squares = np.square(told["values"]).sum()
    return told["x"] / (told["k"] + told["alpha"] / told["size"] * squares) ** told["beta"]


def activation(told, x, layer):
    among = told.get("among")
    return np.exp(told["z"]) / np.exp(among).sum() if among else activated(layer.function, told["z"])


def scaled(told, x, layer):
    return x[tuple(told["at"])] * told["factor"]


def shares(told, x, layer):
    channel = told["at"][2]
    return sum(x[one["row"], one["column"], channel] * one["share"] for one in told["cells"])


def added(told, x, layer):
    for part in told["parts"]:
        if "shortcut" in part:
            np.testing.assert_allclose(window(part["shortcut"], x, layer), part["value"], atol=1e-6)
    return sum(part["value"] for part in told["parts"])


MADE = {
    made.__name__: made
    for made in (window, dense, maximum, mean, normalised, neighbours, activation, scaled, shares, added)
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_cell_is_made_of_gives_the_cell(scripts, models, name):
    made, rng = models[name], np.random.default_rng(5)
    asked = [
        (str(place.number), [int(rng.integers(n)) for n in place.output])
        for place in made.network.places
        for _ in range(3)
    ]
    told, trace = cells(scripts, made, asked)
    for (number, at), one in zip(asked, told, strict=True):
        layer = made.network.place(int(number) if number.isdigit() else number).layer
        expected, x = trace.output(number)[0][tuple(at)], trace.input(number)[0]
        assert (one["number"], one["type"], one["at"]) == (number, layer.name(), at)
        np.testing.assert_allclose(one["a"], expected, atol=1e-5)
        if one["kind"] == "same":
            stood = x if one["layer"] is None else trace.output(one["layer"])[0]
            assert stood[tuple(one["from"])] == expected
            continue
        a = MADE[one["kind"]](one, x, layer)
        own = layer.function_option
        if own and one["kind"] != "activation" and getattr(layer, own).elementwise:
            a = activated(getattr(layer, own), a)
        elif own and one["kind"] != "activation":
            continue  # a softmax, of which z is one
        np.testing.assert_allclose(a, expected, atol=1e-5)


def test_every_layer_tells_of_its_cells(scripts):
    assert set(scripts.evaluate("Object.keys(engine.CELLS)")) == set(LAYERS)


CONV, END = {"type": "conv", "filters": 2, "padding": "same"}, [{"type": "flatten"}, {"type": "dense"}]


def test_a_cell_tells_what_it_sees_of_the_image(scripts):
    layers = [CONV, {"type": "max_pool"}, {"type": "conv", "filters": 3}, *END]
    asked = [("3", [1, 2, 0]), ("4", [8]), ("1", [0, 0, 0]), ("5", [0])]
    (cell, flat, first, last), _ = cells(scripts, model_of(layers, (10, 10, 1)), asked)
    assert cell["seen"] == {"top": 1, "left": 3, "height": 8, "width": 8}
    assert flat["seen"] == {**cell["seen"], "top": -1}
    assert first["seen"] == {"top": -1, "left": -1, "height": 3, "width": 3}
    assert last["seen"] is None


@pytest.mark.parametrize("at", [[8, 0, 0], [0, -1, 0], [0, 0, 0.5], [0, 0], [1]])
def test_there_is_no_cell_beyond_the_output(scripts, at):
    told = f"Layer 1 gives 8 × 8 × 2, no cell {', '.join(map(str, at))}"
    with pytest.raises(AssertionError, match=told):
        cells(scripts, model_of([CONV, *END], (8, 8, 1)), [("1", at)])
