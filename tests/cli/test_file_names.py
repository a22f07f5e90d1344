"""File names that hold anything a file system takes: they work, and in no message they steer a terminal."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import PIL.Image
import pytest

from convcli.images import Image, encode
from convcli.wording import shown

GREY = np.arange(63, dtype=np.uint8).reshape(7, 9)
STEMS = {
    "spaces": b" two  words ",
    "dash": b"-k",
    "option": b"--help",
    "newline": b"two\nlines",
    "forged error": b"x\nerror: the disk is on fire",
    "carriage return": b"over\rwritten",
    "colour": b"\x1b[31mred",
    "title": b"\x1b]0;owned\x07",
    "markup": b"[bold red]x[not a tag]",
    "emoji code": b":smile:",
    "no text": b"caf\xe9 \xff\xfe",
    "right to left": "abc\u202egnp".encode(),
    "braces": b"{0} %s %(x)d",
    "quotes": b"a'b\"c`d$e\\f",
    "star": b"*",
    "dots": b"..a..",
}
LONGEST = {
    "255 letters": b"x" * 251,
    "252 bytes of signs that take four": "\N{GRINNING FACE}".encode() * 62,
}


@pytest.fixture
def named(tmp_path):
    """Return a function that makes an image of a name of any bytes, and returns the name as Python has it."""

    def make(stem, data=None):
        name = os.fsdecode(stem) + ".png"
        try:
            (tmp_path / name).write_bytes(encode(Image(GREY), "png") if data is None else data)
        except OSError:
            pytest.skip("no such names here")
        return name

    return make


def assert_harmless(text):
    """Assert that a terminal shows the text as lines of signs."""
    assert all(sign.isprintable() for line in text.split("\n") for sign in line), text


def every_name(test):
    """Call a test with each of the names, where the system takes them."""
    test = pytest.mark.parametrize("stem", STEMS.values(), ids=STEMS)(test)
    return pytest.mark.skipif(sys.platform != "linux", reason="other systems forbid some of these names")(
        test
    )


@every_name
def test_file_of_any_name_is_read_and_written(call, named, tmp_path, stem):
    name = named(stem)
    result = call("filter", "-k", "box", "--", name)
    assert (result.code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1
    assert_harmless(result.stdout)
    with PIL.Image.open(tmp_path / (os.fsdecode(stem) + "_box.png")) as made:
        assert made.size == (9, 7)


@every_name
def test_folder_may_have_any_name(call, tmp_path, stem):
    folder = tmp_path / os.fsdecode(stem)
    folder.mkdir()
    (folder / "a.png").write_bytes(encode(Image(GREY), "png"))
    (folder / "b.png").write_bytes(b"\x89PNG")
    result = call("filter", "-k", "box", "--keep-going", "--out-dir", folder / "out", "--", folder.name)
    assert result.code == 1
    assert (folder / "out" / "a_box.png").exists()
    assert len(result.stderr.splitlines()) == 2
    assert_harmless(result.stdout + result.stderr)


@every_name
def test_any_name_comes_back_from_json(call, named, stem):
    name = named(stem)
    document = json.loads(call("filter", "-k", "box", "--json", "--", name).stdout)
    assert document["input"] == name
    assert os.fsencode(document["output"]) == stem + b"_box.png"


@every_name
def test_any_name_stands_on_one_line_of_an_error(call, named, stem):
    damaged, missing = named(stem, b"\x89PNG"), os.fsdecode(b"no" + stem + b".png")
    for name, word in ((damaged, "damaged"), (missing, "no such file")):
        result = call("filter", "-k", "box", "--", name)
        assert (result.code, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 1
        assert f"{shown(name)}: " in result.stderr
        assert word in result.stderr
        assert_harmless(result.stderr)


@every_name
def test_kernel_file_may_have_any_name(call, named, tmp_path, stem):
    name = named(b"image")
    kernel = os.fsdecode(stem) + ".csv"
    (tmp_path / kernel).write_text("1 2 1")
    result = call("filter", name, "-k", f"@{kernel}")
    assert (result.code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1
    assert_harmless(result.stdout)
    (tmp_path / kernel).write_text("1 nan")
    result = call("filter", name, "-k", f"@{kernel}")
    assert result.code == 2
    assert len(result.stderr.splitlines()) == 1
    assert_harmless(result.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
@pytest.mark.parametrize("stem", LONGEST.values(), ids=LONGEST)
def test_longest_names_can_be_read_and_written(call, named, tmp_path, stem):
    longest = named(stem)
    assert call("filter", longest, "-k", "box", "-o", "short.png").code == 0
    (tmp_path / longest).unlink()
    assert call("filter", "short.png", "-k", "box", "-o", longest).code == 0
    assert (tmp_path / longest).exists()
    result = call("filter", longest, "-k", "box")
    assert (result.code, result.stdout) == (1, "")
    assert "cannot be written (File name too long); name it with -o." in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([longest, "short.png"])


def test_dash_is_standard_input_and_a_file_of_that_name_takes_a_path(call, tmp_path):
    (tmp_path / "-").write_bytes(encode(Image(GREY), "png"))
    assert call("filter", "./-", "-k", "box", "-o", "./-.png").code == 0
    assert (tmp_path / "-.png").exists()


@pytest.mark.parametrize("name", ["a\0b.png", ""])
def test_names_that_no_file_can_have_are_refused(call, name):
    result = call("filter", name, "-k", "box", "-o", "x.png")
    assert (result.code, len(result.stderr.splitlines())) == (1, 1)


def test_names_are_shown_as_they_are_where_that_is_harmless():
    for name in ("photo (1) [final].png", "Straße/Café.png", "日本.png", "x\N{GRINNING FACE}.png"):
        assert shown(name) == name
    assert shown("\ud800") == "\\ud800"
