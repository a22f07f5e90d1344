"""A topic on the user's own arrays gives what PyTorch gives on them, wherever they come from."""

from __future__ import annotations

import io
import json
import re
import sys

import numpy as np
import pytest

from convcli.errors import ConvcliError
from convcli.explaining import Request, explain
from convcli.explaining.bringing import files_of, list_of

torch = pytest.importorskip("torch")

DRAWN = np.random.default_rng(3)
X, W = DRAWN.integers(-4, 5, (1, 3, 5, 5)), DRAWN.integers(-3, 4, (2, 3, 3, 3))
B, DA = DRAWN.integers(-3, 4, 2), DRAWN.integers(-3, 4, (1, 2, 3, 3))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("all.npz", x=X.astype(np.int8), w=W.astype(np.float32), b=B[None], da=DA.astype(np.float16))
    np.save("x.npy", X)


def torch_backward():
    x, w, b = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (X, W, B))
    torch.nn.functional.conv2d(x, w, b).backward(torch.tensor(DA, dtype=torch.float64))
    return x.grad.numpy()[0], w.grad.numpy(), b.grad.numpy()


def backward(layout, **arrays):
    request = Request(bias=tuple(map(float, B)), layout=layout, activation="none", **arrays)
    return explain("backward", request)


def held_against_torch(found):
    for name, expected in zip(("dA_prev", "dW", "db"), torch_backward(), strict=True):
        np.testing.assert_allclose(found[name], expected)


def test_torch_arrays_from_files_give_torch_gradients():
    found = backward("nchw", input="all.npz#x", kernels=("all.npz#w",), gradient="all.npz#da")
    held_against_torch(found.data)
    assert found.notes[:3] == (
        "input: all.npz#x (1, 3, 5, 5) read as nchw: 3 channels of 5 × 5",
        "gradient: all.npz#da (1, 2, 3, 3) read as nchw: 2 channels of 3 × 3",
        "kernel: all.npz#w (2, 3, 3, 3) read as k, c, f_h, f_w: 2 filters of 3 × 3 × 3",
    )


def test_a_layout_may_be_written_in_capitals():
    held_against_torch(backward("NCHW", input="x.npy", kernels=("all.npz#w",), gradient="all.npz#da").data)


def test_literals_with_channels_last_give_the_same():
    found = backward(
        None,
        input=str(X[0].transpose(1, 2, 0).tolist()),
        kernels=(repr(W.transpose(2, 3, 1, 0)),),
        gradient=str(DA[0].transpose(1, 2, 0)),
    )
    held_against_torch(found.data)


def test_standard_input_gives_the_same(monkeypatch):
    held = io.BytesIO()
    np.save(held, X)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(held.getvalue())))
    found = backward("nchw", input="-", kernels=("all.npz#w",), gradient="all.npz#da")
    held_against_torch(found.data)


@pytest.mark.parametrize(
    "text", ["1 -2", "1,-2", "[1, -2]", "1; -2", "array([1., -2.])", "b.npy", "b.csv", "b.json"]
)
def test_a_bias_is_numbers_or_an_array(text, tmp_path):
    np.save("b.npy", [[1.0], [-2.0]])
    (tmp_path / "b.csv").write_text("1\n-2\n")
    (tmp_path / "b.json").write_text("[1, -2]")
    assert list_of(text, "--bias") == (1, -2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x.npy[0,1]@1,2,3,2", X[0, 1, 1:4, 2:4]),
        ("x.npy[0,-1]", X[0, 2]),
        ("t.csv", [[1, 2], [3, 4]]),
        ("t.csv@0,1,2,1", [[2], [4]]),
    ],
)
def test_a_part_of_a_file_is_taken(text, expected, tmp_path):
    (tmp_path / "t.csv").write_text("1;2\n3;4\n")
    shown = explain("convolution", Request(input=text, kernels=("1",)))
    np.testing.assert_array_equal(shown.data["input"], expected)


def test_a_kernel_that_the_grammar_reads_stays_with_it():
    for text in ("1 0; 0 1", "[[1, 0], [0, 1]]", "2x2: 1,0,0,1", "array([[1, 0], [0, 1]])"):
        shown = explain("convolution", Request(input="1 2; 3 4", kernels=(text,)))
        assert shown.data["output"] == [[5]]
        assert shown.notes == ()


@pytest.mark.parametrize("text", ["k.npy", "@k.npy", "k.csv", "@k.csv", "k.npz", "k.json", "all.npz#w[0,0]"])
def test_a_kernel_may_be_a_file_with_or_without_the_sign(text, tmp_path):
    np.save("k.npy", W[0, 0])
    np.savez("k.npz", W[0, 0])
    np.savetxt("k.csv", W[0, 0], delimiter=";", fmt="%d")
    (tmp_path / "k.json").write_text(json.dumps(W[0, 0].tolist()))
    shown = explain("convolution", Request(input="x.npy[0,0]", kernels=(text,)))
    expected = torch.nn.functional.conv2d(torch.tensor(X[:, :1]), torch.tensor(W[:1, :1])).numpy()[0, 0]
    assert shown.data["output"] == expected.tolist()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"layout": "nwhc", "input": "x.npy"}, "--layout: expected nhwc, nchw, hwc, chw, hw, not 'nwhc'"),
        ({"layout": "nchw"}, "--layout says which axis of your own arrays is which; no array is given"),
        ({"layout": "nchw", "kernels": ("sobel-x",)}, "no array is given"),
        ({"input": "x.npy"}, "--input: x.npy (1, 3, 5, 5) may be read in two ways"),
        ({"input": "x.npy@9,9,9,9", "layout": "nchw"}, "the crop takes rows 9 to 17"),
        ({"input": "none.npy"}, "--input: none.npy: no such file"),
        ({"input": "none.npz#x"}, "--input: none.npz: no such file"),
        ({"input": "[[1, 2], [3, 4]]", "gradient": "[[[1], [2]], [[3]]]"}, "--gradient: "),
    ],
)
def test_what_cannot_be_read_is_refused(arrays, said):
    with pytest.raises(ConvcliError, match=re.escape(said)):
        explain("backward" if "gradient" in arrays else "volume", Request(**arrays))


def test_files_that_are_read_are_known_before_anything_is_written():
    assert [str(path) for path in files_of("x.npy[0]@1,2,3,4")] == ["x.npy"]
    assert files_of("1 2; 3 4") == []
