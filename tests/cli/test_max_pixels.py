"""Images of more pixels than are allowed, by every command that opens image files."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.images import Image, encode

COMMANDS = {
    "filter": ("filter", "photo.png", "-k", "box", "--out-dir", "out"),
    "filter a folder": ("filter", "photos", "-k", "box", "--out-dir", "out"),
    "predict": ("predict", "{trained}", "photo.png"),
    "explain a photo": ("explain", "pixels", "--input", "photo.png"),
    "explain a crop": ("explain", "convolution", "--input", "photo.png@0,0,4,4"),
    "explain edges": ("explain", "edges", "--input", "photo.png"),
    "explain pooling": ("explain", "pooling", "--input", "photo.png"),
    "explain a network": ("explain", "network", "--run", "{trained}", "--image", "photo.png"),
    "explain a layer": ("explain", "backward", "--run", "{trained}", "--image", "photo.png"),
    "explain a pool": ("explain", "pooling", "--run", "{trained}", "--image", "photo.png"),
}


@pytest.fixture(params=COMMANDS.values(), ids=list(COMMANDS))
def command(request, trained, tmp_path):
    """Return the words of a command that opens an image of 8 × 9 pixels."""
    data = encode(Image(np.arange(72, dtype=np.uint8).reshape(8, 9)), "png")
    (tmp_path / "photos").mkdir()
    for name in ("photo.png", "photos/a.png", "photos/b.png"):
        (tmp_path / name).write_bytes(data)
    return [word.format(trained=trained) for word in request.param]


def test_limit_holds(call, command, tmp_path):
    result = call(*command, "--max-pixels", 71)
    assert (result.code, result.stdout) == (1, "")
    assert "8 × 9 pixels are more than the 71 that are opened" in result.stderr
    assert "--max-pixels" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_is_within_the_limit_is_opened(call, command):
    assert call(*command, "--max-pixels", 72).code == 0


def test_limit_is_at_least_one_pixel(call, command):
    result = call(*command, "--max-pixels", 0)
    assert result.code == 2
    assert "--max-pixels" in result.stderr
