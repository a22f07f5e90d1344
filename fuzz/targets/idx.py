"""IDX: the images and the labels of a training part, each gzip'd or not, parted by `SEPARATOR`."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from convcli.data import open_source
from convcli.errors import ConvcliError

SEPARATOR = b"<labels>"


def test_one_input(data: bytes) -> None:
    images, _, labels = data.partition(SEPARATOR)
    with tempfile.TemporaryDirectory() as folder, suppress(ConvcliError):
        (Path(folder) / "train-images-idx3-ubyte").write_bytes(images)  # gzip'd or not, whatever its name
        (Path(folder) / "train-labels-idx1-ubyte.gz").write_bytes(labels)
        open_source(".", base=Path(folder))


def mutate(data: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    """Change the images or the labels; what is packed, not its packing."""
    images, _, labels = data.partition(SEPARATOR)
    if rng.randrange(2):
        images = _changed(images, change)
    else:
        labels = _changed(labels, change)
    return images + SEPARATOR + labels


def _changed(part: bytes, change: Callable[[bytes], bytes]) -> bytes:
    with suppress(OSError, EOFError, zlib.error):
        return gzip.compress(change(gzip.decompress(part)), mtime=0)
    return change(part)
