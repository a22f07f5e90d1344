"""`convcli shape`: sizes with the formula in numbers, and the table of a network."""

from __future__ import annotations

import json

import pytest


def test_a_size_is_printed_with_the_formula_in_numbers(run):
    result = run("shape", "--n", 6, "--f", 3, "--p", 1, "--s", 2)
    assert result.code == 0
    assert result.stderr == ""
    assert "6 × 6 → 3 × 3" in result.stdout
    assert "out = ⌊(6 + 1 + 1 − 1·(3−1) − 1) / 2⌋ + 1 = ⌊5 / 2⌋ + 1 = 3" in result.stdout
    assert "No window reaches the last 1 row(s) and 1 column(s)." in result.stdout


def test_a_size_as_json(run):
    result = run("shape", "--n", 6, "--f", 3, "--p", 1, "--s", 2, "--json")
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
def test_the_table_of_a_network(run):
    result = run("shape", "quick.toml")
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
            "--p: expected same, valid, full, a whole number or ROWSxCOLUMNS, not '-1'",
        ),
        (["--n", 3, "--f", "three"], "--f: expected a whole number or ROWSxCOLUMNS such as 3x5, not 'three'"),
        (["--n", 3], "Expected --n and --f, or a CONFIG"),
        (["quick.toml", "--n", 3], "either a CONFIG or --n and --f, not both"),
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
