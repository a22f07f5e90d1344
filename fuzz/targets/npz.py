"""NumPy archives: a zip file of arrays."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from convcli.data import open_source
from convcli.errors import ConvcliError


def test_one_input(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(ConvcliError):
        (Path(folder) / "set.npz").write_bytes(data)
        open_source("set.npz", base=Path(folder))


def mutate(data: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    """Change one member of the archive and pack it again, so that its check sum holds."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist() if info.file_size <= 1 << 20]
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError, OSError):
        return change(data)
    if not members:
        return change(data)
    chosen = rng.randrange(len(members))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, (info, content) in enumerate(members):
            archive.writestr(
                info.filename, change(content) if number == chosen else content, info.compress_type
            )
    return packed.getvalue()
