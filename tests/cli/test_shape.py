"""`convcli shape`: sizes with the formula in numbers, and the table of a network."""

from __future__ import annotations

import io
import json
import re
from functools import partial

import pytest
from rich.console import Console

from convcli.render.comparison import comparison_view
from convcli.shapes import Window
from convcli.shapes.conventions import axes
from convcli.shapes.transposed_conventions import transposed_axes


def test_a_pools_window_may_hang_over_the_end(call):
    result = call("shape", "--n", 112, "--f", 3, "--s", 2, "--p", 1, "--ceil-mode")
    assert "out = ⌈(112 + 1 + 1 − 1·(3−1) − 1) / 2⌉ + 1 = ⌈111 / 2⌉ + 1 = 57" in result.stdout
    assert "hang over the end by 1 row(s) and 1 column(s)" in result.stdout
    chain = json.loads(call("shape", "--n", 5, "--chain", "pool2s3p1c pool2", "--json").stdout)
    first, second = chain["steps"]
    assert (first["ceil_mode"], first["formula"]["rows"]) == (
        True,
        "⌈(5 + 1 + 1 − 1·(2−1) − 1) / 3⌉ + 1 − 1 = ⌈5 / 3⌉ + 1 − 1 = 2",
    )
    assert (first["unused"], second["ceil_mode"]) == ([2, 2], False)
    assert "⌈…⌉ rounds up" in call("shape", "--n", 6, "--chain", "pool3s2c").stdout
    assert call("shape", "--n", 5, "--f", 2, "--p", 2, "--ceil-mode").code == 2


def test_a_size_is_printed_with_the_formula_in_numbers(call):
    result = call("shape", "--n", 6, "--f", 3, "--p", 1, "--s", 2)
    assert result.code == 0
    assert result.stderr == ""
    assert "6 × 6 → 3 × 3" in result.stdout
    assert "out = ⌊(6 + 1 + 1 − 1·(3−1) − 1) / 2⌋ + 1 = ⌊5 / 2⌋ + 1 = 3" in result.stdout
    assert "No window reaches the last 1 row(s) and 1 column(s)." in result.stdout


def test_a_size_as_json(call):
    result = call("shape", "--n", 6, "--f", 3, "--p", 1, "--s", 2, "--json")
    document = json.loads(result.stdout)
    assert document["output"] == [3, 3]
    assert document["op"] == "correlate"
    assert document["padding"] == [[1, 1], [1, 1]]
    assert "channels" not in document


def test_rows_and_columns_parameters_and_multiplications(call):
    result = call("shape", "--n", "28x32", "--f", 5, "--p", "same", "--nc", 3, "--nf", 16)
    assert "28 × 32 × 3 → 28 × 32 × 16" in result.stdout
    assert "rows = ⌊(28 + 2 + 2" in result.stdout
    assert "columns = ⌊(32 + 2 + 2" in result.stdout
    assert "parameters    = 5·5·3·16 + 16 = 1,216" in result.stdout
    assert "multiply-adds = 5·5·3·16 · 28·32 = 1,075,200" in result.stdout


@pytest.mark.parametrize(
    ("options", "output"),
    [
        (["--p", "full"], [8, 8]),
        (["--p", "1x2"], [6, 8]),
        (["--s", "1x2"], [4, 2]),
        (["--d", "2"], [2, 2]),
        (["--nf", "4"], [4, 4]),
    ],
)
def test_options_change_the_size(call, options, output):
    document = json.loads(call("shape", "--n", 6, "--f", 3, *options, "--json").stdout)
    assert document["output"] == output
    assert document.get("parameters", 40) == 40  # 3·3·1·4 + 4


@pytest.mark.usefixtures("quick")
def test_the_table_of_a_network(call):
    result = call("shape", "quick.toml")
    assert result.code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [
        "1",
        "conv",
        "4",
        "×",
        "3×3,",
        "p=valid,",
        "relu",
        "6",
        "×",
        "6",
        "×",
        "4",
        "40",
        "1,296",
        "3",
        "×",
        "3",
    ] in rows
    assert ["5", "dense", "10", "10", "370", "360"] in rows
    assert ["total", "410", "1,656"] in rows


@pytest.mark.usefixtures("quick")
def test_the_table_as_json(call):
    document = json.loads(call("shape", "quick.toml", "--json").stdout)
    assert (document["input"], document["output"]) == ([8, 8, 1], [10])
    assert (document["parameters"], document["multiply_adds"]) == (410, 1656)
    pool = document["layers"][1]
    assert (pool["type"], pool["output"], pool["receptive_field"]) == ("max_pool", [3, 3, 4], [4, 4])
    assert document["layers"][3]["receptive_field"] is None


def test_with_an_input_the_data_is_not_read(call, quick):
    quick.write_text(quick.read_text().replace('"digits"', '"not/there"'))
    document = json.loads(call("shape", "quick.toml", "--input", "12x10x3", "--classes", 4, "--json").stdout)
    assert (document["input"], document["output"]) == ([12, 10, 3], [4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n", 3, "--f", 5], "spanning 5 cells does not fit 3 cells"),
        (["--n", 3, "--f", 3, "--s", 0], "stride must be at least 1"),
        (
            ["--n", 3, "--f", 3, "--p", -1],
            "--p: expected same, valid, full, a whole number, ROWSxCOLUMNS or TOP,BOTTOM,LEFT,RIGHT, not",
        ),
        (["--n", 3, "--f", "three"], "--f: expected a whole number or ROWSxCOLUMNS such as 3x5, not 'three'"),
        ([], "Expected --n and --f, or a CONFIG"),
        (["--n", 3], "Expected --f, the size of the kernel, or --chain"),
        (["--compare"], "Expected --n, the size of the image"),
        (["quick.toml", "--n", 3], "--n cannot go with a CONFIG, which takes --classes, --input and --json"),
        (["quick.toml", "--classes", 3], "--classes goes with --input HxWxC"),
        (["--n", 3, "--f", 3, "--classes", 3], "--classes cannot go with --n"),
        (["--n", 9, "--chain", "conv3", "--f", 3], "--f cannot go with --chain, which takes --n, --nc"),
        (["--n", 9, "--f", 3, "--compare", "--nc", 3], "--nc cannot go with --compare"),
        (["--n", 9, "--f", 3, "--output-padding", 1], "--output-padding cannot go with --n"),
        (
            ["--n", 9, "--f", 3, "--s", 2, "--transpose", "--output-padding", 2],
            "must be smaller than the stride",
        ),
        (["--n", 9, "--f", 3, "--groups", 2], "groups = 2 does not divide the 1 channel"),
        (["--n", 9, "--f", 3, "--solve", "p"], "--solve p needs --out, the size wanted"),
        (["--n", 9, "--f", 3, "--solve", "f", "--out", 3], "--solve f asks for f; leave --f out"),
        (["--n", 9, "--solve", "s", "--out", 3], "--solve s needs --f, the size of the kernel"),
        (["--n", 9, "--f", 3, "--out", 3], "--out cannot go with --n"),
        (["--n", 9, "--f", 3, "--is", 0], "the claimed size must be at least 1"),
        (["--n", 9, "--f", 3, "--is", "7x7x4"], "--is: expected a whole number or ROWSxCOLUMNS"),
        (["--n", 9, "--is", 3], "Expected --f, the size of the kernel"),
        (["--n", 9, "--f", 3, "--is", 3, "--transpose", "--ceil-mode"], "leave one out"),
        (["--n", 9, "--f", 3, "--is", 3, "--output-padding", 1], "--output-padding goes with --transpose"),
        (["--n", 9, "--f", 3, "--is", 3, "--nc", 2], "--nc cannot go with --is"),
        (["--n", 9, "--f", 3, "--p", "1,2,3"], "--p: expected a whole number or ROWSxCOLUMNS such as 3x5"),
        (["--n", 9, "--chain", "conv3 pol2"], "expected conv or pool at character 7"),
        (["--n", 4, "--chain", "conv3 conv3"], "'conv3', cannot take its input of 2 × 2 × 1"),
        (
            ["quick.toml", "--input", "8x8"],
            "--input: expected ROWSxCOLUMNSxCHANNELS such as 28x28x1, not '8x8'",
        ),
        (
            ["quick.toml", "--input", "2x2x1", "--classes", 3],
            "[[layers]] 1 (conv) cannot take its input of 2 × 2 × 1",
        ),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_mistake_is_one_error(call, arguments, message):
    result = call("shape", *arguments)
    assert result.code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


def test_padding_may_differ_on_every_side(call):
    document = json.loads(call("shape", "--n", 6, "--f", 3, "--p", "0,1,2,0", "--json").stdout)
    assert (document["padding"], document["output"]) == ([[0, 1], [2, 0]], [5, 6])
    assert (
        "padding         top 0, bottom 1, left 2, right 0"
        in call("shape", "--n", 6, "--f", 3, "--p", "0,1,2,0").stdout
    )
    document = json.loads(call("shape", "--n", 6, "--f", 3, "--p", "1,2", "--json").stdout)
    assert document["padding"] == [[1, 1], [2, 2]]


def test_the_receptive_field_of_one_window(call):
    document = json.loads(call("shape", "--n", 9, "--f", 3, "--p", 1, "--s", 2, "--d", 2, "--json").stdout)
    assert document["receptive_field"] == {
        "size": [5, 5], "jump": [2, 2], "start": [-1, -1], "centre": [1.0, 1.0]
    }  # fmt: skip


def test_groups_and_memory(call):
    options = ["--n", "28x32", "--f", 5, "--p", "same", "--nc", 4, "--nf", 16, "--groups", 2]
    text = call("shape", *options).stdout
    assert "parameters    = 5·5·(4/2)·16 + 16 = 816" in text
    assert "in 14 KiB, out 56 KiB, columns (im2col) 350 KiB; float32, one image" in text
    document = json.loads(call("shape", *options, "--json").stdout)
    assert document["memory"] == {
        "input": 28 * 32 * 4 * 4,
        "output": 28 * 32 * 16 * 4,
        "columns": 28 * 32 * 100 * 4,
    }
    assert (document["groups"], document["multiply_adds"]) == (2, 5 * 5 * 2 * 16 * 28 * 32)


def test_a_transposed_convolution_and_its_way_back(call):
    options = ["--n", "3x5", "--f", 3, "--p", 1, "--s", 2, "--transpose"]
    text = call("shape", *options, "--output-padding", 1).stdout
    assert "3 × 5 → 6 × 10, transposed" in text
    assert "rows = (3 − 1)·2 − 1 − 1 + 1·(3−1) + 1 + 1 = 6" in text
    assert "takes 6 × 10 back to 3 × 5" in text
    assert "--output-padding picks one" in text
    document = json.loads(call("shape", *options, "--nc", 2, "--nf", 3, "--json").stdout)
    assert (document["output"], document["op"], document["back"]) == ([5, 9], "transposed", [3, 5])
    assert document["multiply_adds"] == 3 * 5 * 3 * 3 * 2 * 3


def test_an_output_padding_that_reaches_the_stride_does_not_lead_back(call):
    text = call("shape", "--n", 3, "--f", 3, "--d", 2, "--transpose", "--output-padding", 1).stdout
    assert "takes 8 × 8 to 4 × 4, not back" in text


def test_conventions_side_by_side(call):
    result = call("shape", "--compare", "--n", 6, "--f", 3, "--p", 1, "--s", 2)
    assert (result.code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    rows = (re.match(r"  (\S.*?)  +(\d|–)  ", line) for line in lines)
    sizes = {row[1]: row[2] for row in rows if row}
    assert sizes == {
        "floor": "3",
        "ceil": "4",
        "TensorFlow SAME": "3",
        "TensorFlow VALID": "2",
        "PyTorch": "3",
        'PyTorch "same"': "–",
        "PyTorch ceil_mode": "4",
        "Caffe convolution": "3",
        "Caffe pooling": "4",
    }
    for text in (
        "⌊(6 + 1 + 1 − 1·(3−1) − 1) / 2⌋ + 1 = 3",
        "⌈6 / 2⌉ = 3",
        "4     ceil, PyTorch ceil_mode, Caffe pooling",
        "it pads 0 + 1 by itself",
        "is not supported for strided convolutions",
        "down in its convolution",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html",
    ):
        assert text in result.stdout, text


def test_conventions_axis_by_axis(call):
    options = ["--compare", "--n", "6x7", "--f", 3, "--s", 2]
    text = call("shape", *options).stdout
    assert "rows: n = 6, f = 3, p = 0 + 0, s = 2, d = 1" in text
    assert "columns: n = 7, f = 3" in text
    document = json.loads(call("shape", *options, "--json").stdout)
    assert {name: len(axis["conventions"]) for name, axis in document.items()} == {"rows": 9, "columns": 9}
    assert document["columns"]["conventions"][1] == {
        "convention": "ceil",
        "output": 3,
        "padding": [0, 0],
        "unused": 0,
        "formula": "⌈(n + p_before + p_after − d(f−1) − 1)/s⌉ + 1",
        "numbers": "⌈(7 + 0 + 0 − 1·(3−1) − 1) / 2⌉ + 1 = 3",
        "notes": [],
        "source": "https://onnx.ai/onnx/operators/onnx__MaxPool.html",
    }


def test_where_all_agree_it_says_so(call):
    assert "All conventions agree." in call("shape", "--compare", "--n", 6, "--f", 1).stdout


SOLVED = {
    "one padding, and its name": (
        ["--solve", "p", "--f", 5, "--s", 2, "--out", 14],
        "26 ≤ 23 + 2p < 28  →  p = 2 (same)",
    ),
    "several": (["--solve", "f", "--s", 3, "--out", 5], "12 ≤ 27 − 1(f−1) < 15  →  f = 14, 15, 16"),
    "many": (["--solve", "s", "--f", 1, "--out", 2], "1s ≤ 27 < 2s  →  s = 14 … 27, 14 answers"),
    "no end": (["--solve", "s", "--f", 3, "--out", 1], "every s from 26 on"),
    "none": (["--solve", "p", "--f", 4, "--out", 28], "Nearest: p = 1 gives 27 and p = 2 gives 29."),
    "none, but uneven": (["--solve", "p", "--f", 4, "--out", 28], "Padding 1 before and 2 after gives 28."),
    "same": (["--solve", "f", "--p", "same", "--out", 28], "27 ≤ 27 < 28  →  every f from 1 on"),
    "dilation": (["--solve", "d", "--f", 3, "--out", 22], "21 ≤ 27 − 2d < 22  →  d = 3"),
    "dilation, padded": (
        ["--solve", "d", "--f", 3, "--p", "full", "--out", 34],
        "33 ≤ 27 + 2d < 34  →  d = 3",
    ),
    "full": (["--solve", "f", "--p", "full", "--out", 30], "29 ≤ 27 + 1(f−1) < 30  →  f = 3"),
    "nothing fits": (["--solve", "s", "--f", 40, "--out", 3], "Not one window fits, whatever it is."),
    "axes apart": (["--solve", "s", "--f", 4, "--out", "13x9"], "columns: 8s ≤ 24 < 9s  →  s = 3"),
}


@pytest.mark.parametrize(("options", "words"), SOLVED.values(), ids=SOLVED.keys())
def test_the_formula_turned_round(call, options, words):
    result = call("shape", "--n", 28, *options)
    assert (result.code, result.stderr) == (0, "")
    assert words in result.stdout


def test_the_answers_as_json(call):
    options = ["--n", "28x30", "--f", 4, "--solve", "s", "--out", "14x9"]
    document = json.loads(call("shape", *options, "--json").stdout)
    assert document["unknown"] == "s"
    assert document["rows"]["first"] is None
    assert document["rows"]["nearest"] == [{"value": 1, "output": 25}, {"value": 2, "output": 13}]
    assert (document["columns"]["first"], document["columns"]["last"]) == (3, 3)


def test_a_claim_that_holds_is_a_yes(call):
    result = call("shape", "--n", 28, "--f", 5, "--s", 2, "--is", 12)
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.startswith("yes: 12\n")
    assert "= ⌊23 / 2⌋ + 1 = 12" in result.stdout


CLAIMS = {
    "square": (
        ["--n", 28, "--f", 5, "--s", 2, "--is", 14],
        "no: 12, not 14",
        "  p = 2 (same)   ⌊(28 + 2 + 2 − 1·(5−1) − 1) / 2⌋ + 1 = ⌊27 / 2⌋ + 1 = 14",
    ),
    "none of a letter": (
        ["--n", 28, "--f", 5, "--s", 2, "--is", 14],
        "no: 12, not 14",
        "No s gives it: s = 1 gives 24 and s = 2 gives 12.",
    ),
    "rows and columns": (
        ["--n", "28x30", "--f", 5, "--s", 2, "--is", "14x12"],
        "no: 12 × 13, not 14 × 12",
        "No p gives it along the columns: p = 0 gives 13.",
    ),
    "uneven": (["--n", 28, "--f", 4, "--is", 28], "no: 25, not 28", "  p = 1,2,1,2   ⌊(28 + 1 + 2"),
    "transposed": (
        ["--n", 7, "--f", 3, "--s", 2, "--p", 1, "--transpose", "--is", 14],
        "no: 13, not 14",
        "output padding = 1   (7 − 1)·2 − 1 − 1 + 1·(3−1) + 1 + 1 = 14",
    ),
    "a pool": (
        ["--n", 6, "--f", 3, "--s", 2, "--ceil-mode", "--is", 2],
        "no: 3, not 2",
        "2 is what the formula gives rounded down: ⌊3 / 2⌋ + 1.",
    ),
    "dilated": (["--n", 9, "--f", 3, "--d", 2, "--is", 7], "no: 5, not 7", "  d = 1   ⌊(9"),
    "no window": (["--n", 3, "--f", 5, "--is", 3], "no: not 3, for no window fits", "  p = 2 (same)   ⌊(3"),
    "zeros alone": (["--n", 9, "--f", 3, "--is", 99], "no: 7, not 99", "windows that hold zeros alone"),
    "impossible": (
        ["--n", 5, "--f", 2, "--s", 2, "--ceil-mode", "--is", 9],
        "no: 3, not 9",
        "No padding, stride, window or dilation changed alone gives 9.",
    ),
}


@pytest.mark.parametrize(("options", "answer", "words"), CLAIMS.values(), ids=CLAIMS)
def test_a_claim_that_does_not_hold_is_a_no_with_what_would(call, options, answer, words):
    result = call("shape", *options)
    assert (result.code, result.stderr) == (3, "")
    assert result.stdout.startswith(f"{answer}\n")
    assert words in result.stdout


def test_a_claim_as_json(call):
    options = ["--n", "28x30", "--f", 5, "--s", 2]
    result = call("shape", *options, "--is", "14x15", "--json")
    document = json.loads(result.stdout)
    assert (result.code, document["right"]) == (3, False)
    assert (document["output"], document["claimed"]) == ([12, 13], [14, 15])
    assert document["changes"][0]["letter"] == "p"
    assert document["changes"][0]["value"] == [[2, 2], [2, 2]]
    assert document["without_answer"][0] == {
        "letter": "s",
        "axis": "rows",
        "nearest": [{"value": 1, "output": 24}, {"value": 2, "output": 12}],
    }
    assert [slip["says"] for slip in document["slips"]] == ["with the window left out"]
    yes = json.loads(call("shape", *options, "--is", "12x13", "--json").stdout)
    assert (yes["right"], yes["changes"]) == (True, [])
    none = json.loads(call("shape", "--n", 3, "--f", 5, "--is", 3, "--json").stdout)
    assert (none["output"], "does not fit" in none["refusal"]) == (None, True)


def test_a_chain_has_a_row_a_step(call):
    result = call("shape", "--n", 32, "--chain", "conv3p1s2 pool2 conv5")
    assert (result.code, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["input", "32", "×", "32", "1", "1", "0"] in rows
    assert ["conv3p1s2", "16", "×", "16", "⌊(32+2−3)/2⌋+1", "3", "2", "−1", "1"] in rows
    assert ["conv5", "4", "×", "4", "⌊(8−5)/1⌋+1", "21", "4", "−1", "0"] in rows
    assert "parameters" not in result.stdout


def test_a_chain_with_channels_is_counted(call):
    options = ["--n", 224, "--nc", 3, "--chain", "conv7p3s2n64 pool3p1s2 conv3psamen64"]
    text = call("shape", *options).stdout
    assert "9,472" in text
    assert "233,619,456" in text
    document = json.loads(call("shape", *options, "--json").stdout)
    assert (document["input"], document["output"]) == ([224, 224, 3], [56, 56, 64])
    assert document["receptive_field"] == {
        "size": [19, 19], "jump": [4, 4], "start": [-9, -9], "centre": [0.0, 0.0]
    }  # fmt: skip
    assert document["parameters"] == 46_400
    assert document["steps"][1]["unused"] == [1, 1]


@pytest.mark.usefixtures("quick")
def test_the_table_tells_where_each_layer_looks_and_what_it_keeps(call):
    rows = [line.split() for line in call("shape", "quick.toml").stdout.splitlines()]
    assert ["2", "max_pool", "⌊(6−2)/2⌋+1", "2", "1.5", "0", "144", "B"] in rows
    document = json.loads(call("shape", "quick.toml", "--json").stdout)
    conv, pool, *_, dense = document["layers"]
    assert conv["formula"]["rows"] == "⌊(8 + 0 + 0 − 1·(3−1) − 1) / 1⌋ + 1 = ⌊5 / 1⌋ + 1 = 6"
    assert conv["memory"] == {"output": 6 * 6 * 4 * 4, "columns": 6 * 6 * 9 * 4}
    assert (pool["jump"], pool["start"], pool["centre"], pool["unused"]) == (
        [2, 2],
        [0, 0],
        [1.5, 1.5],
        [0, 0],
    )
    assert (dense["jump"], dense["formula"]) == (None, None)
    assert document["memory"]["largest_columns"] == conv["memory"]["columns"]


def test_transposed_sizes_are_compared_too(call):
    given = ["shape", "--transpose", "--compare", "--n", "7x4", "--f", 3, "--p", 1, "--s", 2]
    document = json.loads(call(*given, "--json").stdout)
    found = {
        axis: {one["convention"]: one["output"] for one in document[axis]["conventions"]}
        for axis in ("rows", "columns")
    }
    assert (found["rows"]["PyTorch"], found["rows"]["Keras same"], found["rows"]["ONNX"]) == (13, 14, 13)
    assert (found["columns"]["PyTorch"], found["columns"]["Keras same"]) == (7, 8)
    more = json.loads(call(*given, "--output-padding", 1, "--json").stdout)["rows"]
    assert more["output_padding"] == 1
    assert {one["convention"]: one["output"] for one in more["conventions"]}["PyTorch"] == 14
    assert "Keras same, ONNX SAME_UPPER" in call(*given).stdout


@pytest.mark.parametrize("axes", [axes, partial(transposed_axes, output_padding=None)])
def test_a_narrow_screen_has_the_formulas_below(axes):
    printed = io.StringIO()
    rows, columns = axes((6, 6), Window.of(3, padding=1, stride=2))
    Console(width=40, file=printed).print(comparison_view(rows, columns, 40))
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 40
    assert "…" not in "".join(lines)


def test_output_padding_belongs_to_a_transposed_convolution(call):
    failed = call("shape", "--compare", "--n", 6, "--f", 3, "--output-padding", 1)
    assert failed.code == 2
    assert "add --transpose" in failed.stderr
