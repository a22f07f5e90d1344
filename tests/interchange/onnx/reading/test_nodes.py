"""ONNX's own tests of operators: what is a network of layers gives what it should, the rest has reasons."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")

SCRIPT = Path(__file__).parents[4] / "docs" / "onnx_nodes.py"
LEAST = {"node": 150, "pytorch-operator": 12, "pytorch-converted": 33, "simple": 2}
"""How many of a kind run at least; newer versions of the package have more."""


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("onnx_nodes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_all_that_are_layers_pass(script):
    outcomes = script.outcomes()
    run = [one for one in outcomes if one.mapped]
    assert [one for one in run if one.reason] == []
    assert {
        kind: sum(one.kind == kind for one in run) >= least for kind, least in LEAST.items()
    } == dict.fromkeys(LEAST, True)
    assert all(one.reason for one in outcomes if not one.mapped)


@pytest.mark.long
def test_the_page_has_every_operator(script):
    import onnx

    page = script.TARGET.read_text("utf-8")
    assert page.startswith(script.INTRODUCTION)
    known = {one.op for one in script.outcomes() if one.op.isalnum()}
    assert {op for op in known if f"| {op} |" not in page} == set(), f"run it with onnx {onnx.__version__}"
