"""What differs in two configurations."""

from __future__ import annotations

import stripes
from convcli.runs.comparing import config_changes


def test_changes_are_named_by_their_place():
    one = stripes.config()
    other = stripes.config(
        [{**stripes.LAYERS[0], "filters": 9}, *stripes.LAYERS[1:], {"type": "dropout"}],
        epochs=5,
        optimizer="sgd",
    )
    found = config_changes(one, other)
    assert found["layers.1.filters"] == (4, 9)
    assert found["training.epochs"] == (3, 5)
    assert found["training.optimizer.type"] == ("adam", "sgd")
    assert found["layers.5.type"] == (None, "dropout")
    assert not [key for key in found if key.startswith(("data", "layers.2", "training.seed"))]
    assert config_changes(one, stripes.config()) == {}
