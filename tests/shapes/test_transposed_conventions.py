"""Sizes of transposed convolutions against PyTorch, ONNX and Keras themselves, and as ways back."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.errors import ShapeError
from convcli.shapes import Window, output_size
from convcli.shapes.conventions import Axis
from convcli.shapes.conventions import compare as compare_forward
from convcli.shapes.transposed import Transposed
from convcli.shapes.transposed_conventions import (
    TRANSPOSED_CONVENTIONS,
    TransposedAxis,
    compare_transposed,
    transposed_axes,
)

any_axis = st.builds(
    TransposedAxis,
    n=st.integers(1, 12),
    f=st.integers(1, 6),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    s=st.integers(1, 4),
    d=st.integers(1, 3),
    output_padding=st.none() | st.integers(0, 4),
)


def sizes(axis):
    return {one.convention.name: one.outcome.size for one in compare_transposed(axis)}


def outcome(name, axis):
    return next(one.outcome for one in compare_transposed(axis) if one.convention.name == name)


def test_seven_by_three_with_padding_1_and_stride_2():
    assert sizes(TransposedAxis(7, 3, 1, 1, 2, 1)) == {
        "formula": 13,
        "PyTorch": 13,
        "Keras same": 14,
        "Keras valid": 15,
        "ONNX": 13,
        "ONNX SAME_UPPER": 14,
    }


@given(axis=any_axis)
def test_the_formula_is_that_of_this_program(axis):
    window = Window.of(
        (axis.f, 1), stride=(axis.s, 1), padding=((axis.before, axis.after), (0, 0)), dilation=(axis.d, 1)
    )
    try:
        expected = Transposed(window, (axis.extra, 0)).output_shape((axis.n, 1))[0]
    except ShapeError:
        expected = None
    assert sizes(axis)["formula"] == sizes(axis)["ONNX"] == expected


GRID = list(itertools.product((1, 4, 7), (1, 2, 3, 5), (0, 1, 2), (1, 2, 3), (1, 2), (None, 0, 1, 2)))


def test_pytorch_is_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    agreed = 0
    for n, f, p, s, d, extra in GRID:
        options = {"stride": (s, 1), "padding": (p, 0), "dilation": (d, 1), "output_padding": (extra or 0, 0)}
        x, w = torch.zeros(1, 1, n, 1), torch.zeros(1, 1, f, 1)
        try:
            theirs = torch.nn.functional.conv_transpose2d(x, w, **options).shape[2]
        except RuntimeError:
            theirs = None
        assert sizes(TransposedAxis(n, f, p, p, s, d, extra))["PyTorch"] == theirs, (n, f, options)
        agreed += theirs is not None
    assert agreed > 300


def test_onnx_is_onnx():
    onnx = pytest.importorskip("onnx", reason="not in an extra")
    from onnx import TensorProto, helper

    info = helper.make_tensor_value_info
    for n, f, p, s, d, extra in GRID:
        axis = TransposedAxis(n, f, p, 0, s, d, extra)
        found = sizes(axis)
        for name, padding in {
            "ONNX": {"pads": [p, 0, 0, 0]},
            "ONNX SAME_UPPER": {"auto_pad": "SAME_UPPER"},
        }.items():
            if found["ONNX"] is None:  # ONNX leaves it to runtimes to refuse
                continue
            node = helper.make_node(
                *("ConvTranspose", ["x", "w"], ["y"]),
                strides=[s, 1],
                dilations=[d, 1],
                output_padding=[extra or 0, 0],
                **padding,
            )
            given = [info("x", TensorProto.FLOAT, [1, 1, n, 1]), info("w", TensorProto.FLOAT, [1, 1, f, 1])]
            graph = helper.make_graph([node], "g", given, [info("y", TensorProto.FLOAT, None)])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
            inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0]
            assert found[name] == inferred.type.tensor_type.shape.dim[2].dim_value, (name, axis)


def test_keras_is_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="not in an extra")
    for n, f, _, s, d, extra in GRID:
        found = sizes(TransposedAxis(n, f, 0, 0, s, d, extra))
        for padding in ("same", "valid"):
            try:
                layer = keras.layers.Conv2DTranspose(
                    *(1, (f, 1), (s, 1)),
                    padding=padding,
                    output_padding=None if extra is None else (extra, 0),
                    dilation_rate=(d, 1),
                )
                theirs = layer.compute_output_shape((1, n, 1, 1))[1]
            except ValueError:
                theirs = None
            assert found[f"Keras {padding}"] == (theirs or None), (n, f, s, d, extra, padding)


@given(axis=any_axis)
def test_the_way_forth_takes_each_size_back(axis):
    """TensorFlow's SAME and VALID take what Keras makes back to n; so does this program."""
    found = sizes(axis)
    if axis.output_padding is None and found["Keras same"] is not None:
        names = {"Keras same": "TensorFlow SAME", "Keras valid": "TensorFlow VALID"}
        for name, forth in names.items():
            forward = Axis(found[name], axis.f, 0, 0, axis.s, axis.d)
            back = {one.convention.name: one.outcome.size for one in compare_forward(forward)}
            assert back[forth] == axis.n
    if found["formula"] is not None and axis.extra < axis.s:
        padding = (axis.before, axis.after)
        n = output_size(found["formula"], axis.f, padding=padding, stride=axis.s, dilation=axis.d)
        assert n == axis.n


@given(axis=any_axis)
def test_what_is_cropped_leaves_the_size(axis):
    for one in compare_transposed(axis):
        if one.outcome.size is None:
            assert one.outcome.notes
            continue
        assert one.outcome.numbers.endswith(f"= {one.outcome.size}")
        if (
            one.outcome.padding is not None
            and not axis.extra
            and "zeros at the end" not in str(one.outcome.notes)
        ):
            added = max(axis.s - axis.span, 0) if one.convention.name == "Keras valid" else 0
            if one.convention.name != "Keras valid" or axis.output_padding is None:
                assert one.outcome.size == axis.grown - sum(one.outcome.padding) + added


WHY = {
    "uneven padding": ("PyTorch", TransposedAxis(6, 3, 0, 1, 1, 1), "one p for both sides"),
    "output padding": ("formula", TransposedAxis(6, 3, 0, 0, 2, 1, 2), "reaches s = 2"),
    "Keras' output padding": ("Keras same", TransposedAxis(6, 3, 0, 0, 1, 2, 1), "output padding 1 ≥ s = 1"),
    "stride and dilation": ("Keras valid", TransposedAxis(6, 3, 0, 0, 2, 2), "stride and dilation above 1"),
    "no p": ("Keras same", TransposedAxis(6, 3, 1, 1, 2, 1), "same crops 0 + 1 by itself"),
    "all is cropped": ("ONNX", TransposedAxis(1, 2, 1, 1, 1, 1), "crops everything"),
    "windows with gaps": ("ONNX SAME_UPPER", TransposedAxis(4, 1, 0, 0, 3, 1), "its text says n·s = 12"),
    "zeros at the end": ("Keras same", TransposedAxis(4, 1, 0, 0, 3, 1), "of zeros at the end"),
}


@pytest.mark.parametrize(("name", "axis", "words"), WHY.values(), ids=WHY.keys())
def test_it_says_why(name, axis, words):
    assert any(words in note for note in outcome(name, axis).notes), outcome(name, axis).notes


def test_every_convention_says_where_it_is_published():
    assert all(convention.source.startswith("https://") for convention in TRANSPOSED_CONVENTIONS)
    assert len({convention.name for convention in TRANSPOSED_CONVENTIONS}) == len(TRANSPOSED_CONVENTIONS)


def test_a_window_has_an_axis_each_way():
    window = Window.of((3, 5), stride=(1, 2), padding=((0, 1), (2, 2)), dilation=(2, 1))
    assert transposed_axes((6, 7), window, (0, 1)) == (
        TransposedAxis(6, 3, 0, 1, 1, 2, 0),
        TransposedAxis(7, 5, 2, 2, 2, 1, 1),
    )
    assert [axis.output_padding for axis in transposed_axes((6, 7), window, None)] == [None, None]
