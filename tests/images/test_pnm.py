"""Netpbm's files of 16 bits are read whole; what OpenCV reads is the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convcli import images
from convcli.errors import InputError


@pytest.mark.parametrize("white", [256, 1000, 4095, 50000, 65535])
@pytest.mark.parametrize("magic", ["P2", "P3", "P5", "P6"])
def test_more_than_8_bits_stay_16(tmp_path: Path, magic: str, white: int) -> None:
    channels = 3 if magic in ("P3", "P6") else 1
    values = np.random.default_rng(0).integers(0, white + 1, (4, 5, channels))
    values[0, 0] = white
    plain = magic in ("P2", "P3")
    data = b" ".join(b"%d" % value for value in values.ravel()) if plain else values.astype(">u2").tobytes()
    path = tmp_path / "a.pnm"
    path.write_bytes(f"{magic}\n# made by hand\n5 4\n{white}\n".encode() + data)
    image = images.read(path)
    assert image.pixels.dtype == np.uint16
    assert np.array_equal(image.pixels.reshape(values.shape), np.floor(values * 65535 / white + 0.5))


def test_more_pixels_than_allowed_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6 90000 90000 65535\n")
    with pytest.raises(InputError, match="90,000"):
        images.read(path)
