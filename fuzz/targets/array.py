"""Arrays that somebody names: behind a file's ending and a colon what it holds, or else a text of numbers."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np

from convcli.arrays import ENDINGS, names_array, read_array
from convcli.errors import ConvcliError


def test_one_input(data: bytes) -> None:
    ending, colon, content = data.partition(b":")
    with tempfile.TemporaryDirectory() as folder, suppress(ConvcliError), warnings.catch_warnings():
        warnings.simplefilter("error")
        if colon and os.fsdecode(ending) in ENDINGS:
            path = Path(folder) / f"x{os.fsdecode(ending)}"
            path.write_bytes(content)
            text = str(path)
        else:
            text = os.fsdecode(data).replace("@", "").replace("/", "")
            if not names_array(text) or text.startswith("-"):
                return
        found = read_array(text, "x", most=2**16)
        assert found.values.dtype == np.float64
        assert 0 <= found.values.ndim <= 4
        assert np.isfinite(found.values).all()
