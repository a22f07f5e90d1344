"""Kernels as text; and, behind the ending of its name and a colon, what a kernel file holds."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np

from convcli.errors import ConvcliError
from convcli.kernels import parse
from convcli.kernels.kernel_files import READERS


def test_one_input(data: bytes) -> None:
    ending, colon, content = data.partition(b":")
    with tempfile.TemporaryDirectory() as folder, suppress(ConvcliError), warnings.catch_warnings():
        warnings.simplefilter("error")
        if colon and os.fsdecode(ending) in READERS:
            path = Path(folder) / f"kernel{os.fsdecode(ending)}"
            path.write_bytes(content)
            text = f"@{path}"
        else:
            text = os.fsdecode(data).replace("@", "")
        kernel = parse(text)
        assert kernel.parts
        assert all(part.shape == kernel.shape and np.isfinite(part).all() for part in kernel.parts)
