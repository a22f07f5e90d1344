"""Topics with op = convolve give SciPy's convolution, and gradients in the cells of the kernel as given."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.signal

from convcli.errors import UnknownNameError, UsageError
from convcli.explaining import TOPICS, Request, explain
from convcli.explaining.elements import Grid
from convcli.render.explain import FORMATS

DRAWN = np.random.default_rng(8)
X, K, DA = DRAWN.integers(-4, 5, (6, 7)), DRAWN.integers(-4, 5, (3, 2)), DRAWN.integers(-4, 5, (4, 6))
TAKING = [name for name in TOPICS if "op" in TOPICS[name].takes]


def text(array):
    return str(array.tolist())


def grids(step):
    return [element for row in step.rows for element in row if isinstance(element, Grid)]


def test_the_output_is_that_of_scipy():
    shown = explain("convolution", Request(input=text(X), kernels=(text(K),), op="convolve"))
    np.testing.assert_array_equal(shown.data["output"], scipy.signal.convolve2d(X, K, "valid"))
    assert shown.document()["op"] == "convolve"
    assert shown.data["kernel"] == K.tolist()
    assert shown.data["kernel_flipped"] == K[::-1, ::-1].tolist()
    assert shown.title.startswith("Convolution (kernel flipped): 6 × 7 * 3 × 2")


def test_the_gradients_are_those_of_differences_of_scipys_convolution():
    asked = Request(input=text(X), kernels=(text(K),), gradient=text(DA), activation="none", op="convolve")
    found = explain("backward", asked)

    def loss(x, k):
        return (scipy.signal.convolve2d(x, k, "valid") * DA).sum()

    for name, array in (("dW", K), ("dA_prev", X)):
        expected = np.zeros(array.shape)
        for cell in np.ndindex(array.shape):  # the loss is linear in each: one difference is exact
            moved = array.copy()
            moved[cell] += 1
            expected[cell] = loss(*((X, moved) if name == "dW" else (moved, K))) - loss(X, K)
        np.testing.assert_array_equal(np.squeeze(found.data[name]), expected)
    assert max(found.data["relative_errors"].values()) < 1e-9


def test_the_last_step_of_dw_takes_it_back_to_the_kernels_own_cells():
    found = explain("backward", Request(op="convolve"))
    (step,) = [step for step in found.steps if step.title == "dW: flipped back"]
    turned, own = grids(step)
    assert (turned.caption, own.caption) == ("dW′", "dW")
    assert [list(row) for row in own.cells] == found.data["dW"][0][0]
    assert own.cells == tuple(row[::-1] for row in turned.cells[::-1])


@pytest.mark.parametrize("topic", TAKING)
def test_every_figure_of_a_kernel_says_that_it_is_flipped(topic):
    shown = explain(topic, Request(op="convolve"))
    assert shown.document()["op"] == "convolve"
    assert "flipped" in shown.title
    if topic == "edges":
        return
    assert shown.steps[0].title == "The kernel, flipped"
    kernels = [
        grid.caption
        for step in shown.steps[1:]
        for grid in grids(step)
        if set(grid.marks.values()) == {"kernel"} and not grid.caption.startswith("dZ")
    ]
    assert all("′" in caption or "flipped" in caption for caption in kernels), kernels
    assert kernels or topic in ("padding",)
    for make in ("svg", "markdown", "latex", "html"):
        assert FORMATS[make](shown)


@pytest.mark.parametrize("topic", TAKING)
def test_correlate_is_what_is_done_without_it(topic):
    assert explain(topic, Request(op="correlate")).document() == explain(topic).document()


def test_a_symmetric_kernel_gives_the_same_output_both_ways():
    for op in ("correlate", "convolve"):
        shown = explain(
            "volume", Request(input="1 2 3; 4 5 6; 7 8 9", kernels=("0 1 0; 1 2 1; 0 1 0",), op=op)
        )
        assert shown.data["output"] == [[[30]]]


@pytest.mark.parametrize(
    ("topic", "asked", "said"),
    [
        ("convolution", {"op": "convolute"}, "Unknown op 'convolute'. Did you mean 'convolve'"),
        ("flip", {"op": "convolve"}, "flip takes no --op"),
        ("pooling", {"op": "convolve"}, "pooling takes no --op"),
    ],
)
def test_what_cannot_be_flipped_is_refused(topic, asked, said):
    with pytest.raises((UsageError, UnknownNameError), match=said):
        explain(topic, Request(**asked))


def test_a_trained_network_correlates(call, trained):
    asked = ("explain", "layer", "--run", trained, "--image", "test:0", "--op", "convolve")
    assert call(*asked).stderr.endswith(
        "error: --op convolve and --run: a trained network correlates; leave --op out.\n"
    )


def test_the_command_takes_it_and_says_that_its_page_is_still(call, tmp_path):
    made = call("explain", "backward", "--op", "convolve", "--html", "a.html", "--json", "a.json")
    assert (made.code, made.stderr) == (0, "note: the page is still: live ones correlate\n")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "Nothing can be changed on this page" in page
    assert "class Sliding" not in page
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["op"] == "convolve"
