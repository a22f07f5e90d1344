"""`convcli init`: a starter that is valid, and never written over anything."""

from __future__ import annotations

import shlex
import tomllib

import pytest

from convcli.config_file import ConfigFile
from convcli.data import load_data
from convcli.nn.layer import LAYERS
from convcli.nn.network import Network
from convcli.nn.optimizers import OPTIMIZERS
from convcli.nn.schedules import SCHEDULES


def test_what_it_writes_trains_as_it_stands(call, tmp_path):
    result = call("init")
    assert result.code == 0
    assert result.stdout.splitlines() == [
        "convcli.toml",
        "Next: convcli check convcli.toml && convcli train convcli.toml",
    ]
    file = ConfigFile.read(tmp_path / "convcli.toml")
    data = load_data(file.config.data, file.base, 0)
    Network.classifying(file.config.layers, data.train.shape, len(data.train.classes))


def test_its_comments_name_every_layer_optimizer_and_schedule(call):
    text = call("init", "-").stdout
    for name in (*LAYERS, *OPTIMIZERS, *SCHEDULES):
        assert name in text


def test_what_is_commented_out_is_valid_too(call, tmp_path):
    lines = call("init", "-").stdout.splitlines()
    hidden = [line.startswith("# ") and (" = " in line or line[2] == "[") for line in lines]
    shown = [line[2:] if commented else line for line, commented in zip(lines, hidden, strict=True)]
    text = "\n".join(line for line in shown if "path/to" not in line)
    assert len(tomllib.loads(text)["training"]) > 5
    (tmp_path / "all.toml").write_text(text)
    ConfigFile.read(tmp_path / "all.toml")


def test_stdout_is_the_same_text(call, tmp_path):
    result = call("init", "-")
    call("init", "flowers.toml")
    assert (tmp_path / "flowers.toml").read_text() == result.stdout
    assert result.stderr == ""


def test_an_existing_file_is_left_alone_without_force(call, tmp_path):
    mine = tmp_path / "convcli.toml"
    mine.write_text("mine")
    result = call("init")
    assert result == (
        1,
        "",
        "error: convcli.toml exists already; name another, or use --force to overwrite it.\n",
    )
    assert mine.read_text() == "mine"
    assert call("init", "--force").code == 0
    assert "[training]" in mine.read_text()


@pytest.mark.parametrize(
    ("place", "found"),
    [("none/x.toml", "the folder none does not exist"), ("file/x.toml", "file is a file, not a folder")],
)
def test_a_place_that_cannot_be_written_is_named(call, tmp_path, place, found):
    (tmp_path / "file").write_text("")
    result = call("init", place)
    assert result.code == 1
    assert result.stderr.startswith(f"error: {place}: {found}")


def test_what_comes_next_can_be_typed_whatever_the_name(call):
    name = "my config's.toml"
    advice = call("init", name).stdout.splitlines()[1].removeprefix("Next: ")
    assert shlex.split(advice) == ["convcli", "check", name, "&&", "convcli", "train", name]
