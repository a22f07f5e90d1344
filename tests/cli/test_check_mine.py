"""`convcli check-mine`: a learner's file from the command line."""

from __future__ import annotations

import json

import pytest

from conftest import ROOT

RIGHT = "def relu(x):\n    return x * (x > 0)\n"
SOFTMAX = "def softmax(z):\n    e = np.exp(z)\n    return e / e.sum(axis=1, keepdims=True)\n"
WRONG = f"{RIGHT}import numpy as np\n\n{SOFTMAX}"


@pytest.fixture
def mine(tmp_path):
    def write(source, name="mine.py"):
        (tmp_path / name).write_text(source, "utf-8")
        return name

    return write


def test_right_is_0_and_said(call, mine):
    result = call("check-mine", mine(RIGHT))
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.startswith("✓ relu  relu, 5 of 5 cases right")
    assert result.stdout.endswith("1 function right, in 5 cases.\n")


def test_wrong_is_3_with_the_smallest_input_and_the_mistake(call, mine):
    result = call("check-mine", mine(WRONG))
    assert (result.code, result.stderr) == (3, "error: 1 of 2 functions wrong: softmax.\n")
    assert "A has NaN in it" in result.stdout
    assert "This looks like exp of large numbers" in result.stdout


def test_the_same_as_json(call, mine):
    result = call("check-mine", mine(WRONG), "--json")
    document = json.loads(result.stdout)
    right, wrong = document["judged"]
    assert (result.code, document["right"], document["trouble"]) == (3, False, None)
    assert (right["function"], right["right"], right["failure"]) == ("relu", True, None)
    assert (wrong["line"], wrong["failure"]["kind"]) == (5, "wrong")
    assert wrong["failure"]["results"]["y"]["found"] == [["nan", "nan", 0]]
    assert wrong["failure"]["first_wrong"] == {"result": "y", "cell": [0, 0]}
    assert wrong["diagnoses"][0]["mistake"] == "softmax-overflows"


def test_a_syntax_error_is_3_with_its_line(call, mine):
    result = call("check-mine", mine("def relu(x:\n    return x\n"))
    assert result.code == 3
    assert "line 1:" in result.stdout
    assert "def relu(x:" in result.stdout


def test_a_notebook_is_read_by_its_cells(call, mine):
    cells = [
        {"cell_type": "markdown", "source": ["# Week 1"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import numpy as np"]},
        {"cell_type": "code", "source": RIGHT},
    ]
    result = call("check-mine", mine(json.dumps({"cells": cells}), "week.ipynb"))
    assert result.code == 0
    assert "note: left out of the notebook" in result.stderr


def test_only_one_and_what_the_file_prints(call, mine):
    result = call("check-mine", mine("print('hello')\n" + WRONG), "--only", "relu")
    assert result.code == 0
    assert "softmax" not in result.stdout
    assert "The file printed:\n  hello\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.py"], 1, "none.py: No such file or directory"),
        (["other.py"], 2, "no function is known here by its name (1 name in it: mine)"),
        (["empty.py"], 2, "no function and no class"),
        (["mine.py", "--only", "rely"], 2, "Did you mean 'relu'?"),
        (["mine.py", "--layout", "whc"], 2, "--layout 'whc': expected one of nhwc"),
        (["mine.py", "--map", "relu"], 2, "expected NAME=OPERATION"),
        (["week.ipynb"], 1, "not a notebook"),
    ],
)
def test_a_mistake_is_one_error(call, mine, arguments, code, message):
    mine(RIGHT)
    mine("def mine(x):\n    return x\n", "other.py")
    mine("x = 1\n", "empty.py")
    mine("{}", "week.ipynb")
    result = call("check-mine", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert message in result.stderr


@pytest.mark.long
def test_the_example_has_one_mistake(call):
    result = call("check-mine", ROOT / "examples" / "mine.py")
    assert result.code == 3
    assert "This looks like an output as large as at stride 1" in result.stdout


RESHAPED = """
import numpy as np
def conv_forward_naive(x, w, b, conv_param):
    N, C, H, W = x.shape
    s, p, f = conv_param["stride"], conv_param["pad"], w.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (f, f), axis=(2, 3))[:, :, ::s, ::s]
    out = np.einsum("nchwij,kcij->nhwk", windows, w) + b
    return out.reshape(N, len(w), *out.shape[1:3]), None
"""


def test_the_cell_that_is_drawn_is_the_one_that_is_named(call, mine):
    """In the learner's own layout: filter 1 before filter 2, though ours has it the other way round."""
    out = call("check-mine", mine(RESHAPED)).stdout
    assert "First wrong cell: Z[0, 0, 0, 1] (image 1, filter 1, row 1, column 2) is 11, expected 6." in out
    assert "Z[1, 2] = 3·0 + (−2)·(−1) + (−3)·(−2) + 1·(−3) + 1 = 6, found 11" in out


OVERWRITTEN = """
import numpy as np
def conv_backward(dZ, A_prev, W, b, stride=1, pad=0):
    n, h, w, k = dZ.shape
    f, x = W.shape[0], np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(b.shape)
    for i in range(h):
        for j in range(w):
            rows, columns = slice(i * stride, i * stride + f), slice(j * stride, j * stride + f)
            dx[:, rows, columns] += np.einsum("nk,ijck->nijc", dZ[:, i, j], W)
            dW += np.einsum("nk,nijc->ijck", dZ[:, i, j], x[:, rows, columns])
            db[..., :] = dZ[:, i, j].sum(0)
    return dx[:, pad : pad + A_prev.shape[1], pad : pad + A_prev.shape[2]], dW, db
"""


def test_axes_of_one_entry_have_no_name(call, mine):
    out = call("check-mine", mine(OVERWRITTEN)).stdout
    assert "First wrong cell: db[0, 0, 0, 0] (filter 1) is " in out
    assert "\ndb\n" in out


def test_a_layout_that_was_asked_for_is_not_asked_for_again(call, mine):
    source = "def corr2d(X, K):\n    h, w = K.shape\n"
    out = call("check-mine", mine(source), "--layout", "nhwc").stdout
    assert "as --layout says: it does not fit\n" in out
