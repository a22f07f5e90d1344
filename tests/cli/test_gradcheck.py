"""`convcli gradcheck`: right gradients pass in seconds, and every spoiled one is named."""

from __future__ import annotations

import json
import re
import time
from contextlib import nullcontext

import numpy as np
import pytest

from conftest import ROOT
from convcli.nn.layers import Conv, MaxPool
from convcli.nn.layers.fused import ConvMaxPool

DIGITS = ROOT / "examples" / "digits.toml"


def test_the_digits_network_passes_in_seconds(call):
    begin = time.process_time()
    result = call("gradcheck", DIGITS)
    assert time.process_time() - begin < 20
    assert (result.code, result.stderr) == (0, "")
    errors = [float(text) for text in re.findall(r"\d\.\de-\d\d", result.stdout.split("All 28")[0])]
    assert len(errors) == 28
    assert max(errors) < 1e-6
    assert "All 28 gradients agree with differences: largest error" in result.stdout


@pytest.mark.long
def test_large_maps_are_checked_in_seconds_behind_a_bar(call, monkeypatch):
    told = []
    monkeypatch.setattr(
        "convcli.render.progress.steps", lambda total, name: nullcontext(lambda: told.append(total))
    )
    begin = time.process_time()
    result = call("gradcheck", ROOT / "examples" / "photos.toml", "--input", "64x64x3", "--classes", 3)
    assert result.code == 0
    assert told == [12] * 12
    assert time.process_time() - begin < 40


@pytest.mark.usefixtures("quick")
def test_the_same_as_json(call):
    result = call("gradcheck", "quick.toml", "--json")
    document = json.loads(result.stdout)
    assert (result.code, document["holds"], document["tolerance"]) == (0, True, 1e-6)
    conv, pool, together, *_, loss, whole = document["checks"]
    assert (conv["layers"], conv["type"], set(conv["errors"])) == ([1], "conv", {"x", "W", "b"})
    assert (together["layers"], together["type"]) == ([1, 2], "conv + max_pool")
    assert (pool["type"], set(pool["errors"])) == ("max_pool", {"x"})
    assert (loss["layers"], loss["type"], loss["options"]) == ([], "loss", "cross_entropy")
    assert set(whole["errors"]) == {"x", "1.W", "1.b", "5.W", "5.b"}


def spoil(monkeypatch, kind, change):
    right = kind.backward

    def backward(self, dy, weights, tape):
        return change(right(self, dy, weights, tape), tape)

    monkeypatch.setattr(kind, "backward", backward)


def missing_bias(dx, tape):
    tape.gradients["b"][...] = 0
    return dx


def scaled_weights(dx, tape):
    tape.gradients["W"][...] *= 1.01
    return dx


SPOILED = {
    "wrong sign": (Conv, lambda dx, tape: -dx, r"\[\[layers\]\] 1 \(conv\): x is off by 2"),
    "missing bias": (Conv, missing_bias, r"\[\[layers\]\] 1 \(conv\): b is off by 1"),
    "wrong crop": (Conv, lambda dx, tape: np.roll(dx, 1, 1), r"\[\[layers\]\] 1 \(conv\): x is off by"),
    "off by a hundredth": (Conv, scaled_weights, r"\[\[layers\]\] 1 \(conv\): W is off by [19]\.\de-0[23]"),
    "missing bias, two as one": (
        ConvMaxPool,
        missing_bias,
        r"1 and 2 as one \(conv \+ max_pool\): 1.b is off",
    ),
    "the wrong cell": (
        MaxPool,
        lambda dx, tape: np.roll(dx, 1, 2),
        r"\[\[layers\]\] 2 \(max_pool\): x is off",
    ),
}


@pytest.mark.parametrize(("kind", "change", "message"), SPOILED.values(), ids=SPOILED.keys())
@pytest.mark.usefixtures("quick")
def test_a_spoiled_derivative_ends_in_exit_code_3_and_is_named(call, monkeypatch, kind, change, message):
    spoil(monkeypatch, kind, change)
    result = call("gradcheck", "quick.toml")
    assert result.code == 3
    assert "✗" in result.stdout
    assert "agree with differences" not in result.stdout
    assert result.stderr.startswith("error: ")
    assert re.search(message, result.stderr), result.stderr
    assert len(result.stderr.splitlines()) == 2


@pytest.mark.usefixtures("quick")
def test_json_tells_of_a_failure_too(call, monkeypatch):
    spoil(monkeypatch, Conv, missing_bias)
    result = call("gradcheck", "quick.toml", "--json")
    document = json.loads(result.stdout)
    assert (result.code, document["holds"]) == (3, False)
    assert [check["type"] for check in document["checks"] if not check["holds"]] == ["conv"]


@pytest.mark.usefixtures("quick")
def test_the_tolerance_is_the_users(call):
    result = call("gradcheck", "quick.toml", "--tolerance", "1e-20")
    assert result.code == 3
    assert "differ from differences by more than 1e-20" in result.stderr
    assert re.search(r"and \d+ more\.", result.stderr)


@pytest.mark.usefixtures("quick")
def test_other_numbers_for_another_seed_and_values_set_over_the_file(call):
    options = ["--input", "9x7x2", "--classes", 3, "--set", "layers.1.activation=tanh", "--json"]
    documents = [
        json.loads(call("gradcheck", "quick.toml", *options, "--seed", seed).stdout) for seed in (0, 1)
    ]
    assert all(document["holds"] for document in documents)
    assert "tanh" in documents[0]["checks"][0]["options"]
    assert documents[0]["checks"] != documents[1]["checks"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.toml"], "none.toml: no such file"),
        (["quick.toml", "--classes", 3], "--classes goes with --input HxWxC"),
        (["quick.toml", "--input", "8x8"], "--input: expected ROWSxCOLUMNSxCHANNELS"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_mistake_is_one_error(call, arguments, message):
    result = call("gradcheck", *arguments)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
