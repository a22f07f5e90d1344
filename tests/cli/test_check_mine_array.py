"""`convcli check-mine --array`: a result that somebody computed, held against ours."""

from __future__ import annotations

import json

import numpy as np
import pytest

X, W, DZ = "1 2 3; 4 5 6; 7 8 9", "1 0; 0 -1", "1 0; 2 1"
LAYER = ["--input", X, "--kernel", W]


def test_a_right_result_is_said_to_be_right(call):
    result = call("check-mine", "--array", "-4 -4; -4 -4", "--of", "Z", *LAYER)
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout == "Z: 2 × 2, all 4 cells right\n"


def test_a_wrong_one_is_drawn_with_its_first_wrong_cell_and_the_mistake(call):
    result = call("check-mine", "--array", "[[4, 4], [4, 4]]", "--of", "Z", *LAYER)
    assert (result.code, result.stderr) == (3, "")
    assert result.stdout.startswith("Z: 4 of 4 cells wrong, by 8 at most\n")
    assert "First wrong cell: Z[0, 0] (row 1, column 1) is 4, expected −4." in result.stdout
    assert "Z[1, 1] = 1·1 + 2·0 + 4·0 + 5·(−1) = −4, found 4" in result.stdout
    assert "This looks like the kernel turned by 180° before it is laid on the window." in result.stdout


def test_what_no_mistake_explains_is_said_to_be_that(call):
    result = call("check-mine", "--array", "-4 -4; 7 -4", "--of", "Z", *LAYER)
    assert "None of the usual mistakes explains it." in result.stdout
    assert "This looks like" not in result.stdout


def test_rounded_numbers_get_a_hint(call):
    arguments = ["--of", "pool", "--pool", "avg", "--size", "1x3", "--stride", 1, "--input", "3 4 3 5"]
    result = call("check-mine", "--array", "3.33 4", *arguments)
    assert result.code == 3
    assert "if your numbers are rounded, --tolerance 0.01 takes them" in result.stdout
    assert call("check-mine", "--array", "3.33 4", *arguments, "--tolerance", 0.01).code == 0


def test_files_of_a_batch_with_channels_first_as_json(call, tmp_path):
    rng = np.random.default_rng(2)
    x, w = rng.integers(-3, 4, (2, 3, 5, 5)) * 1.0, rng.integers(-2, 3, (4, 3, 3, 3)) * 1.0
    dz = rng.integers(-2, 3, (2, 4, 3, 3)) * 1.0
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    dw = np.einsum("nchwij,nkhw->kcij", windows, dz)
    for name, array in {"x": x, "w": w, "dz": dz, "dw": dw, "mean": dw / 2}.items():
        np.save(tmp_path / f"{name}.npy", array.astype(np.float32))
    given = [
        "--of",
        "dW",
        "--input",
        "x.npy",
        "--kernel",
        "w.npy",
        "--gradient",
        "dz.npy",
        "--layout",
        "nchw",
    ]
    right = call("check-mine", "--array", "dw.npy", *given)
    assert (right.code, right.stdout) == (0, "dW: 4 × 3 × 3 × 3, all 108 cells right\n")
    assert "note: input: x.npy (2, 3, 5, 5) read as nchw: 2 images of 5 × 5 × 3" in right.stderr
    wrong = call("check-mine", "--array", "mean.npy", *given, "--json")
    document = json.loads(wrong.stdout)
    assert (wrong.code, document["right"], document["of"]) == (3, False, "dW")
    assert document["axes"] == ["filter", "channel", "row", "column"]
    assert document["diagnosis"]["mistake"] == "mean-over-the-batch"
    first = document["first"]
    cell = tuple(first["cell"])
    assert (first["expected"], first["found"]) == (dw[cell], dw[cell] / 2)


def test_standard_input_may_hold_it(call):
    import io

    stdin = io.TextIOWrapper(io.BytesIO(b"-4 -4\n-4 -4\n"))
    assert call("check-mine", "--array", "-", "--of", "Z", *LAYER, stdin=stdin).code == 0


def test_another_shape_is_told(call):
    result = call("check-mine", "--array", X, "--of", "Z", *LAYER)
    assert result.code == 3
    assert "Z: 3 × 3 found, 2 × 2 expected (row, column)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--array", "1"], "--array needs --of, what it is: Z, A, dZ, dW"),
        (["--array", "1", "--of", "dX"], "Unknown result 'dX'"),
        (["--array", "1", "--of", "dW", *LAYER], "--of dW needs --gradient."),
        (["--array", "1", "--of", "Z", *LAYER, "--size", 2], "--size has no say in Z."),
        (["--array", "1", "--of", "Z", *LAYER, "--only", "f"], "--only cannot go with --array"),
        (["--array", "words", "--of", "Z", *LAYER], "--array: expected a matrix"),
        (["--array", "-", "--of", "Z", "--input", "-", "--kernel", W], "would both read standard input"),
        (["mine.py", "--array", "1"], "FILE cannot go with --array"),
        (["mine.py", "--of", "Z"], "--of cannot go with FILE"),
        ([], "Expected a FILE, or --array"),
    ],
)
def test_a_mistake_of_the_request_is_one_error(call, arguments, message):
    result = call("check-mine", *arguments)
    assert (result.code, result.stdout) == (2, "")
    assert message in result.stderr
