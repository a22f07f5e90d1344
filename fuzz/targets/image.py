"""Image files of every format: the same pixels or the same error by one thread and by two."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from convcli.data.presentation import Presentation
from convcli.errors import ConvcliError
from convcli.images import read
from convcli.images.png.chunks import SIGNATURE, chunk, chunks

FEW = 2**20  # pixels; one reading of as many as are allowed is enough, within ten seconds


def test_one_input(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        path.write_bytes(data)
        with suppress(ConvcliError):
            read(path)
        assert _outcome(path, 1) == _outcome(path, 2)
        with suppress(ConvcliError):
            read(path, luma=True, max_pixels=FEW)
        with suppress(ConvcliError):
            Presentation().read(path, 1, max_pixels=FEW)


def _outcome(path: Path, threads: int) -> object:
    """Return all there is to know of an image, or why there is none."""
    try:
        image = read(path, threads=threads, max_pixels=FEW)
    except ConvcliError as error:
        return str(error)
    alpha = None if image.alpha is None else image.alpha.tobytes()
    return image.pixels.shape, image.pixels.dtype, image.pixels.tobytes(), alpha, image.metadata, image.notes


def mutate(data: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    """Change one chunk of a PNG file and its check sum; other formats have none."""
    if not data.startswith(SIGNATURE):
        return change(data)
    parts = [(name, data[place:][:length]) for name, place, length in chunks(io.BytesIO(data))]
    if not parts:
        return change(data)
    number = rng.randrange(len(parts))
    parts[number] = parts[number][0], change(parts[number][1])
    return SIGNATURE + b"".join(chunk(name, content) for name, content in parts)
