"""Tables of a configuration, and the kinds of values that they hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from convcli.config import DataOptions


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("background", 256),
        ("background", [1, 2]),
        ("background", 0.5),
        ("range", [1, 1]),
        ("range", [2, 1]),
        ("range", 7),
        ("fit", "squash"),
        ("columns", ["a"]),
        ("columns", ["a", "a"]),
        ("layout", "first"),
    ],
)
def test_options_of_data_that_mean_nothing_are_refused(option, value):
    with pytest.raises(ValidationError):
        DataOptions.model_validate({"source": "s", option: value})
