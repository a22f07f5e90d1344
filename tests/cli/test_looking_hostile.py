"""Odd and hostile input of the commands that look: `compare`, `show`, `preview`."""

import json
import os

import numpy as np
import PIL.Image
import pytest

EVIL = "x\x1b[31m\u202e.png"
"""Would turn a terminal red, and the order of what follows around."""

COMMANDS = {
    "compare": lambda name: ("compare", name, name),
    "show": lambda name: ("show", name),
    "preview": lambda name: ("preview", name, "--kernels", "sobel", "-o", "sheet.png"),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_name_of_a_file_reaches_the_terminal_as_it_is(call, tmp_path, command):
    PIL.Image.new("L", (8, 8)).save(tmp_path / EVIL)
    done = call(*COMMANDS[command](EVIL))
    assert done.code == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout + done.stderr
    missing = call(*COMMANDS[command]("no" + EVIL))
    assert missing.code == 1
    assert "\x1b" not in missing.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_json_has_the_name_as_it_is(call, tmp_path):
    PIL.Image.new("L", (8, 8)).save(tmp_path / EVIL)
    assert json.loads(call("compare", EVIL, EVIL, "--json").stdout)["a"] == EVIL


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"P5 9 9 255 "])
def test_a_damaged_file_is_an_error_of_one_line(call, tmp_path, command, data):
    (tmp_path / "x.png").write_bytes(data)
    done = call(*COMMANDS[command]("x.png"))
    assert done.code == 1
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_more_pixels_than_are_allowed_are_refused(call, tmp_path, command):
    PIL.Image.new("L", (100, 100)).save(tmp_path / "x.png")
    assert call(*COMMANDS[command]("x.png"), "--max-pixels", 9999).code == 1
    assert call(*COMMANDS[command]("x.png"), "--max-pixels", 10000).code == 0


ODD = {
    "1x1": np.zeros((1, 1), np.uint8),
    "1x5000": np.arange(5000, dtype=np.uint16)[None],
    "nan": np.full((9, 9), np.nan, np.float32),
    "huge": np.array([[-1e300, 1e300], [np.inf, -np.inf]]),
    "int64": np.array([[-(2**62), 2**62]] * 3),
    "five channels": np.zeros((9, 9, 5), np.uint8),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ODD)
def test_odd_images_are_looked_at_or_refused_in_one_line(call, tmp_path, command, kind):
    np.save(tmp_path / "x.npy", ODD[kind])
    done = call(*COMMANDS[command]("x.npy"))
    assert done.code in (0, 1, 2)
    assert "defect" not in done.stderr
    assert "Traceback" not in done.stderr
    if command == "compare" and done.code == 0:
        assert "identical" in done.stdout
