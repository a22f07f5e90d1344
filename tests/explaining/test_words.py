"""One vocabulary: other names of pools and activations are taken, and one is printed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convcli
import stripes
from convcli.errors import UnknownNameError
from convcli.explaining import Request, explain


@pytest.mark.parametrize("topic", ["pooling", "pooling-backward", "step"])
@pytest.mark.parametrize("name", ["avg", "average"])
def test_avg_is_mean(topic, name):
    assert explain(topic, Request(pool=name)).document() == explain(topic, Request(pool="mean")).document()


def test_an_unknown_pool_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="Unknown pool 'median'"):
        explain("pooling", Request(pool="median"))


@pytest.mark.parametrize("topic", ["layer", "backward"])
@pytest.mark.parametrize("name", ["linear", "identity"])
def test_linear_and_identity_are_none(topic, name):
    found = explain(topic, Request(activation=name)).document()
    assert found == explain(topic, Request(activation="none")).document()
    assert found["activation"] == "none"


def test_a_configuration_takes_them_too_and_keeps_ours():
    layers = [
        {"type": "conv", "filters": 2, "activation": "identity"},
        {"type": "mean_pool"},
        {"type": "flatten"},
        {"type": "dense", "activation": {"type": "linear"}},
    ]
    config = stripes.config(layers)
    assert [layer.type for layer in config.layers] == ["conv", "avg_pool", "flatten", "dense"]
    assert {str(layer.activation) for layer in config.layers if hasattr(layer, "activation")} == {"none"}


def test_a_bias_has_one_shape_in_all_figures():
    for topic in ("layer", "volume"):
        shapes = explain(topic, Request()).document()["steps"][0]
        assert shapes["b"] == [shapes["Z"][2]]
    assert np.shape(explain("backward", Request()).data["db"]) == (1,)


@pytest.mark.parametrize("args", [["pooling", "--json"], ["--json", "pooling"], ["pooling", "--json", "-"]])
def test_json_prints_one_document_as_everywhere(call, args, tmp_path):
    result = call("explain", *args, "--stride", "1")
    assert result.code == 0
    assert json.loads(result.stdout)["topic"] == "pooling"
    assert list(tmp_path.iterdir()) == []


def test_json_lists_the_topics_too(call):
    assert "pooling" in [one["topic"] for one in json.loads(call("explain", "--json").stdout)["topics"]]


def test_json_may_name_a_file_as_the_other_formats_do(call, tmp_path):
    assert call("explain", "pooling", "--json", "a.json").code == 0
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == json.loads(
        convcli.explain("pooling").to("json")
    )
