"""CIFAR-10 in its binary version: a batch, and perhaps the names of the classes after `SEPARATOR`."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from convcli.data import open_source
from convcli.errors import ConvcliError

SEPARATOR = b"<names>"


def test_one_input(data: bytes) -> None:
    batch, separator, names = data.partition(SEPARATOR)
    with tempfile.TemporaryDirectory() as folder, suppress(ConvcliError):
        (Path(folder) / "data_batch_1.bin").write_bytes(batch)
        if separator:
            (Path(folder) / "batches.meta.txt").write_bytes(names)
        open_source(".", base=Path(folder))
