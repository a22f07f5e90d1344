"""The network as scripts read it: options come out, arrays lie where they are told, names end no script."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from convcli.interchange.rounding import rounded
from convcli.render.page.document import document
from convcli.render.page.export import Page
from interchange.networks import drawn_model, model_of

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "$weights ${network} $$",
    "\u2028\x00",
    "]]>",
)
END = [{"type": "flatten"}, {"type": "dense"}]


def no_images(part):
    return None


def layers_of(layers, shape=(8, 9, 2)):
    return document(model_of([*layers, *END], shape), {})[0]["layers"]


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
@pytest.mark.parametrize("seed", range(10))
def test_arrays_lie_where_the_document_says(precision, seed):
    arrays = rounded(drawn_model(seed), precision)
    described, weights = document(drawn_model(seed), arrays)
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    for name, array in arrays.items():
        entry = described["arrays"][name]
        assert entry["offset"] % 4 == 0
        found = np.frombuffer(weights, entry["type"], array.values.size, entry["offset"])
        np.testing.assert_array_equal(found.reshape(entry["shape"]), array.values)
        if array.scales is not None:
            found = np.frombuffer(weights, np.float32, array.scales.size, entry["scales"])
            np.testing.assert_array_equal(found, array.scales)


def test_windows_are_told_in_numbers():
    conv, pool, *_ = layers_of(
        [{"type": "conv", "filters": 4, "kernel": 2, "padding": "same"}, {"type": "max_pool", "size": [3, 2]}]
    )
    assert conv["padding"] == [[0, 1], [0, 1]]
    assert (pool["stride"], pool["ceilMode"], pool["padding"]) == ([3, 2], False, [[0, 0], [0, 0]])


def test_activations_are_told_with_their_options():
    conv, activation, *_ = layers_of(
        [{"type": "conv", "filters": 4, "activation": "relu"}, {"type": "activation", "function": "elu"}]
    )
    assert conv["activation"] == {"type": "relu"}
    assert activation["function"] == {"type": "elu", "alpha": 1.0}


def test_what_is_repeated_stands_there_as_often_and_a_shortcut_has_its_stride():
    block = {"type": "conv", "filters": 3, "padding": "same"}
    row, residual, *_ = layers_of(
        [{**block, "repeat": 3}, {"type": "residual", "layers": [{**block, "stride": [2, 1], "filters": 5}]}]
    )
    assert (row["type"], len(row["layers"])) == ("sequence", 3)
    assert "repeat" not in row["layers"][0]
    assert residual["shortcut"]["stride"] == [2, 1]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_class_of_any_name_leaves_the_page_one_page(name):
    def page(names):
        return Page().of(replace(plain, classes=names), no_images).files["page.html"].decode()

    plain = model_of(END, (4, 4, 1))
    html, usual = page((name, "b", "c", "d")), page(("a", "b", "c", "d"))
    assert html.count("<script") == usual.count("<script")
    assert html.count("</script") == usual.count("</script")
    assert html.count("<!--") == usual.count("<!--")
