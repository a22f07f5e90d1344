"""A checkpoint: the bytes are best.safetensors of a run, to predict with, and its last, to go on from."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np

from convcli.data import Dataset, Splits
from convcli.errors import ConvcliError
from convcli.runs.checkpoints import load_run, restore_training
from convcli.runs.folder import BEST, LAST, RESOLVED, Run
from fuzz.words import with_another_word

LENGTH = struct.Struct("<Q")
IMAGES = Dataset(np.zeros((4, 4, 4, 1), np.uint8), np.arange(4) % 2, ("0", "1"))


def test_one_input(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / RESOLVED).touch()
        with suppress(ConvcliError):
            (folder / BEST).write_bytes(data)
            load_run(folder)
        with suppress(ConvcliError):
            (folder / LAST).write_bytes(data)
            last = Run(folder).read_checkpoint(LAST)
            restore_training(last, folder / LAST, Splits(IMAGES, None, None, ()), threads=1)


def mutate(data: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    """Change the header, the document in it, or the weights, and set the header's length anew."""
    (length,) = LENGTH.unpack_from(data) if len(data) >= LENGTH.size else (0,)
    header, weights = data[LENGTH.size :][:length], data[LENGTH.size + length :]
    part = rng.choice(["header", "document", "weights"])
    if part == "weights":
        weights = change(weights)
    elif part == "document":
        header = _with_other_document(header, rng, change)
    else:
        header = with_another_word(header, rng, change)
    return LENGTH.pack(len(header)) + header + weights


def _with_other_document(header: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    try:
        table = json.loads(header)
        metadata = table["__metadata__"]
        document = with_another_word(metadata["convcli"].encode(), rng, change)
        metadata["convcli"] = document.decode(errors="replace")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return change(header)
    return json.dumps(table).encode()
