"""`convcli verify`: the engine against slow loops."""

from __future__ import annotations

import json

import numpy as np

from convcli.engine.batch import conv
from convcli.proof import verification


def test_the_engine_of_this_machine_passes(call):
    result = call("verify")
    assert (result.code, result.stderr) == (0, "")
    for operation in ("conv2d", "max_pool2d", "avg_pool2d", "filter2d"):
        assert operation in result.stdout
    assert "✗" not in result.stdout
    cases = sum(len(table) for _, table, _ in verification._OPERATIONS)
    assert f"All {2 * cases} comparisons hold: largest error" in result.stdout


def only(monkeypatch, *names):
    for _, cases, _ in verification._OPERATIONS:
        for name in {*cases} - set(names):
            monkeypatch.delitem(cases, name)


def test_the_same_as_json(call, monkeypatch):
    only(monkeypatch, "same")
    result = call("verify", "--json", "--seed", 3)
    document = json.loads(result.stdout)
    assert (result.code, document["holds"]) == (0, True)
    assert [case["dtype"] for case in document["cases"]] == ["float64", "float32"]
    assert set(document["cases"][0]["errors"]) == {"y", "dx", "dw", "db"}


def spoil(monkeypatch):
    right = conv.conv2d
    monkeypatch.setattr(
        conv, "conv2d", lambda *args, **options: np.full_like(right(*args, **options), np.nan)
    )


def test_a_wrong_result_ends_in_exit_code_3_and_is_named(call, monkeypatch):
    only(monkeypatch, "same", "touching")
    spoil(monkeypatch)
    result = call("verify")
    assert result.code == 3
    assert "y inf ✗" in result.stdout
    assert result.stderr == (
        "error: 2 results of 6 comparisons are not what slow loops give.\n"
        "  conv2d, same, float64: y is off by inf; conv2d, same, float32: y is off by inf.\n"
    )


def test_json_tells_of_a_failure_too(call, monkeypatch):
    only(monkeypatch, "same")
    spoil(monkeypatch)
    result = call("verify", "--json")
    document = json.loads(result.stdout)
    assert (result.code, document["holds"]) == (3, False)
    assert document["cases"][0]["errors"]["y"] is None
