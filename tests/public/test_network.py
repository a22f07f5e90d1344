"""`convcli.Network`: shapes and counts from a configuration, without data or weights."""

from __future__ import annotations

from pathlib import Path

import pytest

import convcli
from convcli.errors import ConfigError, UsageError

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = """
[[layers]]
type = "conv"
filters = 8
kernel = 3
padding = "same"

[[layers]]
type = "flatten"

[[layers]]
type = "dense"
"""


def test_it_is_made_of_a_text_of_layers_alone():
    network = convcli.Network.from_toml(TEXT, input_shape=(6, 5, 3), classes=4)
    assert network.shapes == [(6, 5, 3), (6, 5, 8), (240,), (4,)]
    assert repr(network) == "Network: 3 layers, 6 × 5 × 3 → 4, 1,188 weights"


def test_it_is_made_of_a_file_whose_data_tell_the_shape():
    network = convcli.Network.from_toml(EXAMPLES / "digits.toml")
    assert (network.shapes[0], network.shapes[-1]) == ((8, 8, 1), (10,))
    assert convcli.Network.from_toml(str(EXAMPLES / "digits.toml")).shapes == network.shapes


def test_a_notebook_shows_its_table():
    network = convcli.Network.from_toml(TEXT, input_shape=(6, 5, 1), classes=2)
    assert "<td" in network._repr_html_()
    assert "6 × 5 × 8" in network._repr_html_()


@pytest.mark.parametrize(
    ("config", "options", "error", "told"),
    [
        (TEXT, {}, ConfigError, "data: this key is missing"),
        (
            TEXT.replace("filters", "filter"),
            {"input_shape": (6, 5, 1)},
            ConfigError,
            "Did you mean 'filters'",
        ),
        ("gone.toml", {}, ConfigError, "gone.toml: no such file"),
        ("a = \n", {"input_shape": (6, 5, 1)}, ConfigError, "configuration: not valid TOML"),
        (EXAMPLES / "digits.toml", {"classes": 3}, UsageError, "classes goes with input_shape"),
        (TEXT, {"input_shape": (6, 5)}, UsageError, r"input_shape: expected \(h, w, c\)"),
        (TEXT, {"input_shape": (6, 5, 0)}, UsageError, r"input_shape: expected \(h, w, c\)"),
    ],
)
def test_what_is_wrong_is_said(config, options, error, told):
    with pytest.raises(error, match=told):
        convcli.Network.from_toml(config, **options)
