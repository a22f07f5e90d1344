"""`convcli export`: which network leaves, where it goes, and what is refused."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def own(trained, tmp_path):
    """A run that may be written into."""
    return shutil.copytree(trained, tmp_path / "own")


def test_without_a_place_it_goes_into_the_run(call, own):
    for _ in range(2):  # an older one is replaced
        result = call("export", own, "--to", "npz")
        assert (result.code, result.stderr) == (0, "")
        assert result.stdout.startswith(f"{own / 'weights.npz'}  ")
    told = json.loads(call("export", own, "--to", "npz", "--json").stdout)
    size = (own / "weights.npz").stat().st_size
    assert told == {"run": str(own), "format": "npz", "bytes": {str(own / "weights.npz"): size}, "said": []}


def test_elsewhere_nothing_is_overwritten_without_force(call, trained, tmp_path):
    (tmp_path / "there.npz").write_bytes(b"mine")
    result = call("export", trained, "--to", "npz", "-o", "there.npz")
    assert result.code == 1
    assert "--force" in result.stderr
    assert (tmp_path / "there.npz").read_bytes() == b"mine"
    assert call("export", trained, "--to", "npz", "-o", "there.npz", "--force").code == 0


def test_what_is_no_format_or_no_run_is_said(call, trained):
    result = call("export", trained, "--to", "onx")
    assert result.code == 2
    assert "npz" in result.stderr
    assert call("export", "nowhere", "--to", "npz").code == 1


def test_one_file_may_go_to_standard_output_with_nothing_else_there(call, trained, tmp_path):
    result = call("export", trained, "--to", "page", "--weights", "int8", "-o", "-")
    assert result.code == 0
    assert result.stdout.startswith("<!doctype html>")
    assert result.stdout.endswith("</html>\n")
    assert result.stderr.startswith("accuracy with int8 weights: ")
    assert list(tmp_path.glob("*")) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--to", "npz", "--json"), "--json is printed on standard output"),
        (("--to", "torch"), "--to torch makes a folder, and standard output takes one file"),
    ],
)
def test_what_cannot_go_to_standard_output_is_refused(call, trained, options, told):
    result = call("export", trained, *options, "-o", "-")
    assert (result.code, result.stdout) == (2, "")
    assert told in result.stderr
