"""A CSV list of pictures: beside it lie grey.png, colour.png and folder/grey.png, above it outside.png."""

from __future__ import annotations

import io
import tempfile
from contextlib import suppress
from pathlib import Path

import PIL.Image

from convcli.data import open_source
from convcli.errors import ConvcliError


def _png(mode: str) -> bytes:
    file = io.BytesIO()
    PIL.Image.new(mode, (2, 2)).save(file, "PNG")
    return file.getvalue()


GREY, COLOUR = _png("L"), _png("RGB")


def test_one_input(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as outside, suppress(ConvcliError):
        here = Path(outside) / "set"
        (here / "folder").mkdir(parents=True)
        for name in ("grey.png", "folder/grey.png", "../outside.png"):
            (here / name).write_bytes(GREY)
        (here / "colour.png").write_bytes(COLOUR)
        (here / "list.csv").write_bytes(data)
        open_source("list.csv", base=here)
