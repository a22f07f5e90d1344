"""Whatever is typed or stands in a name: each message stays the lines that convcli wrote, and no defect."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from convcli.cli.output import note, out, print_json, say
from convcli.errors import ConfigError, ConvcliError

# A forged line, a colour, a C1 control sequence, what turns the order of signs around, a line separator.
WORD = "x\nerror: forged\x1b[31m\x9b31m\x9d\u202e\u2066\u2028"
CONFIG = 'layers = ["flatten", "dense"]\ndata = { source = "digits" }\ntraining = { epochs = 1 }\n'

COMMANDS = """
%
--%
filter %
filter cam.png --% x
filter cam.png -k %
filter cam.png -k @%
filter cam.png -k box:%=3
filter cam.png -k gaussian:sigma=%
filter cam.png -k run:%#1/1
filter cam.png -k box -o %/y.png
filter cam.png -k box --out-dir cam.png/%
filter cam.png -k box --border %
filter cam.png -k box --format %
filter cam.png -k box --stride %
filter cam.png -k box --padding %
filter cam.png -k box --fill %
filter cam.png -k box --threads %
explain %
explain convolution --input %
explain convolution --kernel %
explain convolution --run %
explain convolution --at %
explain convolution --svg %/y.svg
kernels %
kernels box:size=%
shape %
shape --n %
shape --n 6 --f %
shape --n 6 --f 3 --p %
shape --n 6 --chain %
init %/y.toml
check %
check some.toml --set %
check some.toml --set data.source=%
check some.toml --set training.loss=%
check some.toml --input %
train %
train some.toml --set layers.1=%
train --resume %
runs --in %
runs --sort %
runs compare % %
runs plot %
evaluate %
evaluate % --data x
report %
predict % cam.png
gradcheck %
gradcheck some.toml --seed %
verify --seed %
""".strip().splitlines()


@pytest.fixture
def here(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "cam.png")
    (tmp_path / "some.toml").write_text(CONFIG)
    return tmp_path


def called(call, command, word):
    return call(*(part.replace("%", word) for part in shlex.split(command)))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_word_begins_a_line_or_steers_a_terminal(command, call, here):
    result = called(call, command, WORD)
    assert result.code in (1, 2)
    assert "error: " in result.stderr
    assert not [line for line in result.stderr.splitlines() if line.lstrip().startswith("error: forged")]
    assert len(result.stderr.splitlines()) <= 2
    assert all(sign.isprintable() or sign == "\n" for sign in result.stdout + result.stderr)


NUMBERS = {
    "5,000 digits": "9" * 5000,
    "400 digits": "9" * 400,
    "20 digits": "9" * 20,
    "18 digits": "9" * 18,
    "a float beyond all": "1e999",
    "no number": "nan",
    "below zero": "-1",
}
WITH_NUMBERS = [
    "filter cam.png -k % -o y.png --force",
    "filter cam.png -k box:size=% -o y.png --force",
    "filter cam.png -k gaussian:sigma=% -o y.png --force",
    "filter cam.png -k run:run#%/1 -o y.png",
    "filter cam.png -k run:run#1/% -o y.png",
    "filter cam.png -k box --max-pixels % -o y.png --force",
    "filter cam.png -k box --threads % -o y.png --force",
    "filter cam.png -k box --stride % -o y.png --force",
    "filter cam.png -k box --padding % -o y.png --force",
    "filter cam.png -k box --dilation % -o y.png --force",
    "filter cam.png -k box --fill % --border constant -o y.png --force",
    "explain convolution --input %",
    "explain convolution --kernel %",
    "explain convolution --stride %",
    "explain convolution --padding %",
    "explain convolution --at %",
    "explain backward --stride %",
    "explain pooling --size %",
    "kernels box:size=%",
    "shape --n % --f 3",
    "shape --n 6 --f %",
    "shape --n 6 --f 3 --p %",
    "shape --n 6 --f 3 --s %",
    "shape --n 6 --f 3 --d %",
    "shape --n 6 --f 3 --nc %",
    "shape --n 6 --f 3 --nf % --nc 3",
    "shape --n 6 --f 3 --transpose --output-padding %",
    "shape --n 6 --f 3 --s 2 --compare --p %",
    "shape --n 6 --solve p --f 3 --out %",
    "shape --n 6 --chain conv%",
    "shape --n 6 --chain conv3p%s%",
    "check some.toml --set training.seed=%",
    "check some.toml --set training.epochs=%",
    "check some.toml --set layers.%.units=3",
    "check some.toml --set data.size=[%,%]",
    "check some.toml --input %x28x1",
    "check some.toml --input 8x8x1 --classes %",
    "train some.toml --threads % --set data.source=none",
    "gradcheck some.toml --tolerance % --set data.source=none",
    "gradcheck some.toml --seed % --set data.source=none",
    "predict run cam.png --top %",
]


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("command", WITH_NUMBERS)
def test_no_number_ends_in_a_defect(command, number, call, here):
    result = called(call, command, number)
    assert result.code in (0, 1, 2)
    assert "defect" not in result.stderr
    if result.code:
        assert len(result.stderr.splitlines()) <= 2
        assert len(result.stderr) < 800


def test_lines_are_given_one_by_one(capsys):
    for speak in (say, out, note):
        speak("one\nline")
    assert capsys.readouterr() == (r"one\nline" + "\n", r"one\nline" + "\n" + r"note: one\nline" + "\n")
    assert str(ConvcliError("one\nline", "two")) == "one\\nline\ntwo"
    assert ConfigError("one", "  two\u202e").lines == ("one", r"  two\u202e")


def test_json_spells_out_what_steers(capsys):
    document = {"name": WORD, "byte": os.fsdecode(b"\xff"), "tag": "\U000e0001", "plain": "Bücher, 数字"}
    print_json(document)
    text = capsys.readouterr().out
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert json.loads(text) == document
    assert "Bücher, 数字" in text


CLOSED = [*(pytest.param(one, marks=pytest.mark.long) for one in ("<&-", ">&-", "2>&-")), "<&- >&- 2>&-"]


@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("shape --n 6 --f 3", 0),
        ("kernels", 0),
        ("kernels nothing", 2),
        ("filter cam.png -k box -o y.png --force", 0),
        ("filter - -k box -o y.png --force", 1),
        ("filter cam.png -k box -o - --format png", 0),
    ],
)
def test_closed_streams_are_as_the_null_device(command, code, closed, here):
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m convcli {command} {closed}', sys.executable],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=here,
        check=False,
    )
    assert done.returncode == code, done
    assert b"defect" not in done.stderr
    assert b"error" not in done.stdout
