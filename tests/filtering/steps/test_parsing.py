"""Steps as texts."""

from __future__ import annotations

import pytest

from convcli.filtering.steps.parsing import step_of


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("gamma:value=.5", "gamma:value=0.5"),
        ("gamma:value=2.", "gamma:value=2"),
        ("unsharp:amount=+.5e1", "unsharp:amount=5"),
        ("threshold:invert=True", "threshold:invert=true"),
        (" crop : size = 10×20 , corner = 1,2 ", "crop:size=10x20,corner=1x2"),
    ],
)
def test_values_may_be_written_in_several_ways(text, meant):
    assert step_of(text) == step_of(meant)
