"""`convcli kernels` through its entry point."""

from __future__ import annotations

import json

import pytest

from convcli.kernels import KERNELS, kernel_names


def test_list_names_every_kernel_with_its_parameters_and_the_operation(call):
    result = call("kernels")
    assert result.code == 0
    assert result.stderr == ""
    listed = [
        line.split()[0].partition(":")[0] for line in result.stdout.splitlines() if line.startswith("  ")
    ]
    assert listed == kernel_names()
    assert "gaussian:sigma=1 " in result.stdout
    assert "correlation" in result.stdout
    assert all(definition.group in result.stdout for definition in KERNELS.values())


def test_list_as_json_has_all_there_is_to_know(call):
    result = call("kernels", "--json")
    entries = {entry["name"]: entry for entry in json.loads(result.stdout)}
    assert list(entries) == kernel_names()
    assert entries["gaussian"]["parameters"] == {
        "sigma": 1.0,
        "size": None,
        "sigma_x": None,
        "sigma_y": None,
    }
    assert entries["roberts"]["shape"] == [2, 2]
    assert "Sobel" in entries["sobel-x"]["source"]


def test_one_kernel_is_shown_with_weights_sum_source_and_operation(call):
    result = call("kernels", "sobel-x")
    assert result.code == 0
    assert "-1   0   1\n-2   0   2\n-1   0   1\nsum 0\n" in result.stdout
    assert "correlate" in result.stdout
    assert "Sobel and Feldman" in result.stdout


def test_kernel_of_parts_shows_each_and_how_they_are_combined(call):
    shown = call("kernels", "sobel").stdout
    assert shown.count("sum 0") == 2
    assert "root of the sum of the parts' squares" in shown
    assert call("kernels", "kirsch").stdout.count("sum 0") == 8


def test_parameters_are_shown_and_large_kernels_cut_short(call):
    shown = call("kernels", "gaussian:sigma=2").stdout
    assert "gaussian:sigma=2  17 × 17" in shown
    assert "…" in shown
    assert "sum 1" in shown
    assert max(map(len, shown.splitlines())) < 125


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/3 -1/3", "0.3333  -0.3333"),
        ("0 0", "0  0"),
        ("1e-30 0", "0.000000000000"),
        ("2.5 -0.0", "2.500  0.000"),
    ],
)
def test_typed_kernels_are_shown(call, text, words):
    assert words in call("kernels", text).stdout


def test_json_of_one_kernel_has_full_weights_and_is_read_back(call, tmp_path):
    result = call("kernels", "gabor:theta=45", "--json")
    document = json.loads(result.stdout)
    assert document["op"] == "correlate"
    assert document["parameters"]["theta"] == 45
    assert len(document["weights"]) == document["shape"][0]
    assert document["sum"] == pytest.approx(0, abs=1e-12)
    (tmp_path / "mine.json").write_text(result.stdout)
    again = json.loads(call("kernels", "@mine.json", "--json").stdout)
    assert again["weights"] == document["weights"]
    assert again["name"] == "mine"


def test_json_of_a_kernel_of_parts_has_a_sum_for_each(call):
    document = json.loads(call("kernels", "sobel", "--json").stdout)
    assert document["sum"] == [0, 0]
    assert document["combine"] == "magnitude"


def test_unknown_kernel_is_refused_with_a_suggestion(call):
    result = call("kernels", "sobl")
    assert result.code == 2
    assert result.stdout == ""
    assert result.stderr == "error: Unknown kernel 'sobl'. Did you mean 'sobel'?\n"


def test_help_has_examples_and_names_the_operation(call):
    result = call("kernels", "--help")
    assert result.code == 0
    assert "convcli kernels gaussian:sigma=2" in result.stdout
    assert "correlation" in result.stdout
