"""Names that would steer a terminal, or be taken for markup, are shown as they are spelled."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

NAMES = ["[red]x", "<b>bold", "\x1b[31mred", "two\nlines", "-rf", os.fsdecode(b"\xff")]
SPELLED = ["[red]x", "<b>bold", r"\x1b[31mred", r"two\nlines", "-rf", r"\xff"]
PICTURE = "1\x1b]0;title\x07.png"
CONFIG = """
data = { source = "set", validation = 0 }
layers = ["flatten", "dense"]
training = { epochs = 1 }
"""


@pytest.fixture
def set_of_images(tmp_path):
    rng = np.random.default_rng(0)
    for name in NAMES:
        (tmp_path / "set" / name).mkdir(parents=True)
        for file in (PICTURE, "2.png"):
            pixels = rng.integers(0, 256, (4, 4), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / file)
    (tmp_path / "some.toml").write_text(CONFIG)
    return tmp_path / "set"


def plain(result):
    """Return what a command has written, if there is nothing in it but printable lines."""
    text = result.stdout + result.stderr
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    return text


def test_names_are_spelled_out(set_of_images, call):
    texts = [
        plain(call("check", "some.toml")),
        plain(call("train", "some.toml", "--run-dir", "run")),
        plain(call("evaluate", "run", "--split", "train")),
        plain(call("predict", "run", *set_of_images.glob(f"*/{PICTURE}"), "--top", "6")),
    ]
    for text in (texts[0], texts[2], texts[3]):
        assert all(name in text for name in SPELLED)
    assert r"1\x1b]0;title\x07.png" in texts[3]
    assert len(texts[3].splitlines()) == len(NAMES)


def test_they_are_spelled_out_in_errors(set_of_images, call):
    (set_of_images / "two\nlines" / "\x1b[0m").mkdir()
    result = call("check", "some.toml")
    assert result.code == 1
    assert r"two\nlines: expected the images of class 'two\nlines', found a folder '\x1b[0m'" in plain(result)
    assert len(result.stderr.splitlines()) == 1


def test_json_gives_them_back_as_they_are(set_of_images, call):
    call("train", "some.toml", "--run-dir", "run")
    result = call("evaluate", "run", "--split", "train", "--json")
    plain(result)
    names = [row["name"] for row in json.loads(result.stdout)["classes"]]
    assert sorted(names) == sorted(NAMES)
