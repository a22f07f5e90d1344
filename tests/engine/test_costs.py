import numpy as np
import pytest

from convcli.engine.costs import has_avx512, instructions


@pytest.mark.parametrize(
    ("section", "expected", "wide"),
    [
        ({}, (), False),  # NumPy leaves out what is empty
        ({"SIMD Extensions": {"baseline": ["NEON"]}}, ("NEON",), False),
        ({"SIMD Extensions": {"baseline": ["X86_V2"], "found": ["X86_V3"]}}, ("X86_V2", "X86_V3"), False),
        ({"SIMD Extensions": {"found": ["X86_V3", "X86_V4"]}}, ("X86_V3", "X86_V4"), True),
        ({"SIMD Extensions": {"found": ["AVX2", "AVX512F"]}}, ("AVX2", "AVX512F"), True),
    ],
)
def test_vector_instructions_are_those_that_numpy_names(monkeypatch, section, expected, wide):
    monkeypatch.setattr(np, "show_config", lambda mode: section)
    assert instructions() == expected
    assert has_avx512(instructions()) is wide
