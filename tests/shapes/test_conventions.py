"""Every convention against the library it is named after, or against its published code."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.errors import ShapeError
from convcli.shapes import Window, output_size
from convcli.shapes.conventions import CONVENTIONS, Axis, axes, compare

any_axis = st.builds(
    Axis,
    n=st.integers(1, 30),
    f=st.integers(1, 6),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
    s=st.integers(1, 5),
    d=st.integers(1, 3),
)


def outcome(name, axis):
    return next(one.outcome for one in compare(axis) if one.convention.name == name)


def test_six_by_three_with_padding_1_and_stride_2():
    found = {one.convention.name: one for one in compare(Axis(6, 3, 1, 1, 2, 1))}
    assert {name: one.outcome.size for name, one in found.items()} == {
        "floor": 3,
        "ceil": 4,
        "TensorFlow SAME": 3,
        "TensorFlow VALID": 2,
        "PyTorch": 3,
        'PyTorch "same"': None,
        "PyTorch ceil_mode": 4,
        "Caffe convolution": 3,
        "Caffe pooling": 4,
    }
    assert found["TensorFlow SAME"].outcome.padding == (0, 1)
    assert {name: one.unused for name, one in found.items() if one.unused} == {
        "floor": 1,
        "ceil": -1,
        "TensorFlow VALID": 1,
        "PyTorch": 1,
        "PyTorch ceil_mode": -1,
        "Caffe convolution": 1,
        "Caffe pooling": -1,
    }


@given(axis=any_axis)
def test_floor_is_the_formula_of_this_program(axis):
    options = {"padding": (axis.before, axis.after), "stride": axis.s, "dilation": axis.d}
    try:
        expected = output_size(axis.n, axis.f, **options)
    except ShapeError:
        expected = None
    assert outcome("floor", axis).size == expected


@given(axis=any_axis)
def test_ceil_counts_one_more_where_the_last_window_does_not_end_at_the_edge_and_begins_before_it(axis):
    if axis.room >= 0:
        steps = math.ceil(axis.room / axis.s)
        behind = steps * axis.s >= axis.n + axis.before
        assert outcome("ceil", axis).size == steps + 1 - behind


def test_ceil_ignores_a_window_that_begins_behind_the_image():
    assert outcome("ceil", Axis(2, 1, 0, 0, 2, 1)).size == 1
    assert outcome("ceil", Axis(3, 1, 0, 0, 2, 1)).size == 2
    assert outcome("ceil", Axis(4, 2, 0, 1, 4, 1)).size == 1
    assert outcome("ceil", Axis(4, 2, 1, 1, 3, 1)).size == 2
    assert outcome("ceil", Axis(5, 2, 1, 1, 3, 1)).size == 2


def test_ceil_is_onnxs():
    """Its own shape inference, over a grid with uneven padding and dilation, where a window fits at all."""
    onnx = pytest.importorskip("onnx", reason="not in an extra")
    from onnx import TensorProto, helper

    agreed = 0
    sides = itertools.product((0, 1, 2), (0, 1, 2))
    for n, f, (before, after), s, d in itertools.product((1, 2, 5, 6), (1, 2, 3), sides, (1, 2, 3), (1, 2)):
        axis = Axis(n, f, before, after, s, d)
        if axis.room < 0:
            continue
        node = helper.make_node(
            *("MaxPool", ["x"], ["y"]),
            kernel_shape=[f, 1],
            pads=[before, 0, after, 0],
            strides=[s, 1],
            dilations=[d, 1],
            ceil_mode=1,
        )
        info = helper.make_tensor_value_info
        given = [info("x", TensorProto.FLOAT, [1, 1, n, 1])]
        graph = helper.make_graph([node], "g", given, [info("y", TensorProto.FLOAT, None)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0]
        assert outcome("ceil", axis).size == inferred.type.tensor_type.shape.dim[2].dim_value, axis
        agreed += 1
    assert agreed > 500


@given(axis=any_axis)
def test_tensorflow_same_pads_as_its_guide_says(axis):
    """The guide's own case distinction, and windows that then cover exactly the padded axis."""
    found = outcome("TensorFlow SAME", axis)
    missing = axis.s if axis.n % axis.s == 0 else axis.n % axis.s
    total = max(axis.span - missing, 0)
    assert found.padding == (total // 2, total - total // 2)
    assert found.size == math.ceil(axis.n / axis.s)
    assert found.size == output_size(axis.n, axis.f, padding=found.padding, stride=axis.s, dilation=axis.d)


@given(axis=any_axis)
def test_tensorflow_valid_is_the_formula_without_padding(axis):
    try:
        expected = output_size(axis.n, axis.f, stride=axis.s, dilation=axis.d)
    except ShapeError:
        expected = None
    assert outcome("TensorFlow VALID", axis).size == expected


@given(axis=any_axis)
def test_same_is_tensorflows_and_pytorchs_at_stride_1(axis):
    at_stride_1 = Axis(axis.n, axis.f, axis.before, axis.after, 1, axis.d)
    tensorflow, pytorch = (outcome(name, at_stride_1) for name in ("TensorFlow SAME", 'PyTorch "same"'))
    assert (tensorflow.size, tensorflow.padding) == (pytorch.size, pytorch.padding)


@given(axis=any_axis)
def test_caffe_is_its_published_code(axis):
    n, f, p, s, d = axis.n, axis.f, axis.before, axis.s, axis.d
    even = Axis(n, f, p, p, s, d)
    if even.room >= 0:
        assert outcome("Caffe convolution", even).size == (n + 2 * p - (d * (f - 1) + 1)) // s + 1
    pooled = math.ceil((n + 2 * p - f) / s) + 1
    if p and (pooled - 1) * s >= n + p:
        pooled -= 1
    expected = pooled if d == 1 and p < f and pooled > 0 else None
    assert outcome("Caffe pooling", even).size == expected


EVEN_KERNELS = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch copies


def tried(function, *arguments, **options):
    """Return the rows that come out, or None where the library refuses."""
    try:
        return function(*arguments, **options).shape[2]
    except RuntimeError:
        return None


@EVEN_KERNELS
def test_pytorch_is_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    conv2d, max_pool2d = torch.nn.functional.conv2d, torch.nn.functional.max_pool2d
    grid = itertools.product((1, 2, 3, 5, 6, 9), (1, 2, 3, 4), (0, 1, 2, 3), (1, 2, 3, 5), (1, 2, 3))
    for n, f, p, s, d in grid:
        axis = Axis(n, f, p, p, s, d)
        x, w = torch.zeros(1, 1, n, 3), torch.zeros(1, 1, f, 1)
        sizes = {"stride": (s, 1), "dilation": (d, 1)}
        theirs = {
            "PyTorch": tried(conv2d, x, w, padding=(p, 0), **sizes),
            'PyTorch "same"': tried(conv2d, x, w, padding="same", **sizes),
            "PyTorch ceil_mode": tried(max_pool2d, x, (f, 1), padding=(p, 0), ceil_mode=True, **sizes),
        }
        assert {name: outcome(name, axis).size for name in theirs} == theirs, axis
        if theirs["PyTorch ceil_mode"] is not None:
            assert outcome("ceil", axis).size == theirs["PyTorch ceil_mode"]


@EVEN_KERNELS
def test_pytorchs_same_pads_the_odd_cell_at_the_end():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    x, w = torch.arange(1.0, 6).reshape(1, 1, 1, 5), torch.arange(1.0, 5).reshape(1, 1, 1, 4)
    before, after = outcome('PyTorch "same"', Axis(5, 4, 0, 0, 1, 1)).padding
    padded = torch.nn.functional.pad(x, (before, after))
    theirs = torch.nn.functional.conv2d(x, w, padding="same")
    assert torch.equal(theirs, torch.nn.functional.conv2d(padded, w))


WHY = {
    "rounding down": ("floor", Axis(6, 3, 1, 1, 2, 1), "the last 1 is left out"),
    "rounding up": ("ceil", Axis(6, 3, 1, 1, 2, 1), "the last window hangs 1 over the end"),
    "a window behind the image": ("ceil", Axis(2, 1, 0, 0, 2, 1), "behind the image"),
    "and since when": ("ceil", Axis(2, 1, 0, 0, 2, 1), "since opset 22"),
    "SAME depends on n and s": (
        "TensorFlow SAME",
        Axis(6, 3, 1, 1, 2, 1),
        "it pads 0 + 1 by itself, which depends on n and s, the odd cell at the end",
    ),
    "SAME begins elsewhere": (
        "TensorFlow SAME",
        Axis(6, 3, 1, 1, 2, 1),
        "the first begins at 0 and not at −1",
    ),
    "SAME with both": ("TensorFlow SAME", Axis(9, 3, 1, 1, 2, 2), "Keras refuses stride and dilation"),
    "VALID": ("TensorFlow VALID", Axis(6, 3, 1, 1, 2, 1), "it never pads"),
    "strided same": ('PyTorch "same"', Axis(6, 3, 1, 1, 2, 1), "not supported for strided convolutions"),
    "same has its own padding": (
        'PyTorch "same"',
        Axis(6, 4, 0, 0, 1, 1),
        "d(f−1) = 3 as 1 + 2, the odd cell",
    ),
    "a window in the padding": (
        "PyTorch ceil_mode",
        Axis(5, 2, 1, 1, 3, 1),
        "drops a last window that would begin at 6 ≥ n + p = 6",
    ),
    "pools pad little": ("PyTorch ceil_mode", Axis(6, 3, 2, 2, 1, 1), "refuses p > f / 2: p = 2, f = 3"),
    "uneven padding": ("PyTorch", Axis(6, 3, 0, 1, 1, 1), "one p for both sides"),
    "Caffe's pool rounds up": ("Caffe pooling", Axis(6, 3, 1, 1, 2, 1), "but down in its convolution"),
    "Caffe's empty window": (
        "Caffe pooling",
        Axis(3, 1, 0, 0, 3, 1),
        "keeps a last window that begins at 3 ≥ n",
    ),
    "Caffe's pool has no dilation": ("Caffe pooling", Axis(9, 3, 1, 1, 1, 2), "has no dilation"),
    "Caffe pads less than a window": ("Caffe pooling", Axis(9, 2, 2, 2, 1, 1), "refuses p ≥ f"),
    "nothing fits": ("floor", Axis(2, 5, 0, 0, 1, 1), "not one window fits"),
}


@pytest.mark.parametrize(("name", "axis", "words"), WHY.values(), ids=WHY.keys())
def test_it_says_why(name, axis, words):
    assert any(words in note for note in outcome(name, axis).notes), outcome(name, axis).notes


def test_where_nothing_is_special_nothing_is_said():
    found = compare(Axis(6, 3, 1, 1, 1, 1))
    assert {one.outcome.size for one in found if one.convention.name != "TensorFlow VALID"} == {6}
    assert all(one.outcome.notes == () for one in found if one.convention.name != "TensorFlow VALID")


@given(axis=any_axis)
def test_the_numbers_end_in_the_size(axis):
    for one in compare(axis):
        if one.outcome.size is not None:
            assert one.outcome.numbers.endswith(f"= {one.outcome.size}")
        else:
            assert one.outcome.notes


def test_every_convention_says_where_it_is_published():
    assert all(convention.source.startswith("https://") for convention in CONVENTIONS)
    assert len({convention.name for convention in CONVENTIONS}) == len(CONVENTIONS)


def test_a_window_has_an_axis_each_way():
    window = Window.of((3, 5), stride=(1, 2), padding=((0, 1), (2, 2)), dilation=(2, 1))
    assert axes((6, 7), window) == (Axis(6, 3, 0, 1, 1, 2), Axis(7, 5, 2, 2, 2, 1))


@pytest.mark.parametrize("plane", [(0, 3), (3, 0)])
def test_a_plane_of_nothing_is_refused(plane):
    with pytest.raises(ShapeError, match="n must be at least 1"):
        axes(plane, Window.of(3))
