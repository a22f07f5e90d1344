"""`convcli show`, and how it finds out what the terminal can do."""

import io
import os
import re
import threading
import time

import numpy as np
import PIL.Image
import pytest

from convcli.cli.terminal import QUESTION, Answer, chosen, reply_of

ENVIRONMENTS = [
    ({"TERM": "xterm-256color"}, Answer(), "blocks"),
    ({"TERM": "xterm-256color"}, Answer(sixel=True), "sixel"),
    ({"TERM": "xterm-256color"}, Answer(kitty=True, sixel=True), "kitty"),
    ({"TERM": "xterm-kitty"}, Answer(), "kitty"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, Answer(sixel=True), "iterm"),
    ({"TERM": "tmux-256color", "TMUX": "1"}, Answer(kitty=True), "blocks"),
    ({"TERM": "tmux-256color", "TMUX": "1"}, Answer(sixel=True), "sixel"),
    ({"TERM": "dumb"}, Answer(kitty=True), "text"),
    ({}, Answer(), "text"),
    ({"WT_SESSION": "x"}, Answer(), "blocks"),
    ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, Answer(kitty=True), "text"),
]


@pytest.mark.parametrize(("environment", "answer", "protocol"), ENVIRONMENTS)
def test_the_protocol_is_the_best_that_is_known_of_a_terminal(environment, answer, protocol):
    assert chosen(environment, answer, is_terminal=True, encoding="utf-8") == protocol
    assert chosen(environment, answer, is_terminal=False, encoding="utf-8") == "text"


def test_a_terminal_that_cannot_write_half_blocks_gets_plain_characters():
    assert chosen({"TERM": "xterm"}, Answer(), is_terminal=True, encoding="ascii") == "text"


@pytest.fixture
def terminal():
    """Both ends of a terminal: what a program has, and what the window has."""
    if not hasattr(os, "openpty"):
        pytest.skip("pseudo-terminals are Unix's")
    window, program = os.openpty()
    yield program, window
    os.close(window)
    os.close(program)


def test_a_terminal_is_asked_and_what_it_was_set_to_is_restored(terminal):
    import termios

    program, window = terminal
    before = termios.tcgetattr(program)
    seen = []

    def answer():
        seen.append(os.read(window, 100))
        for part in (b"\x1b_Gi=31;OK\x1b\\\x1b[6;3", b"6;18t\x1b[?62;4;22c"):
            os.write(window, part)

    thread = threading.Thread(target=answer)
    thread.start()
    reply = reply_of(program, 5)
    thread.join()
    assert seen == [QUESTION]
    assert Answer.of(reply) == Answer(kitty=True, sixel=True, cell=(36, 18))
    assert termios.tcgetattr(program) == before


def test_a_terminal_that_is_silent_is_waited_for_no_longer_than_said(terminal):
    program, window = terminal
    started = time.monotonic()
    os.write(window, b"ls -l")  # which somebody types meanwhile
    assert Answer.of(reply_of(program, 0.05)) == Answer()
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "reply", [b"", b"\x1b[6;0;0t\x1b[?c", b"\x1b[?64c", b"\xff\x00\x1b[6;9999;1t", b"\x1b[?4c"]
)
def test_odd_replies_promise_nothing(reply):
    assert Answer.of(reply) == Answer()


def test_an_image_is_shown_in_plain_characters_where_there_is_no_terminal(call, tmp_path):
    PIL.Image.fromarray(np.array([[0, 128, 255]] * 3, np.uint8)).save(tmp_path / "a b.png")
    done = call("show", "a b.png", "--width", 3)
    assert done.stdout.splitlines() == [" +@", " +@", "a b.png  3 high, 3 wide, grey, uint8"]
    shown = call("show", "a b.png", "--protocol", "blocks", env={"COLORTERM": "truecolor"}).stdout
    assert "38;2;128;128;128" in shown


def test_of_odd_values_it_is_said_how_they_are_shown(call, tmp_path):
    np.save(tmp_path / "x.npy", np.array([[-3.0, np.nan, 5.0]], np.float32))
    done = call("show", "x.npy")
    assert "values -3 … 5 are shown from black to white" in done.stderr
    assert "no finite number" in done.stderr


def test_a_kernel_is_shown_with_its_numbers(call):
    done = call("show", "sobel-x", "1 2; 3 4")
    lines = done.stdout.splitlines()
    assert lines[0] == "::::++++####", "dark where a weight is negative, bright where it is positive"
    assert "-2   0   2" in done.stdout
    assert "custom  2 × 2" in done.stdout
    coloured = call("show", "sobel-x", "--protocol", "blocks", env={"COLORTERM": "truecolor"}).stdout
    assert len(set(re.findall(r"38;(2;\d+;\d+;\d+)", coloured))) == 5  # two weights of either sign, and 0


def test_what_is_neither_image_nor_kernel_is_named(call, tmp_path):
    assert "Did you mean 'sobel'?" in call("show", "sobl").stderr
    done = call("show", "missing.png")
    assert (done.code, done.stderr) == (1, "error: missing.png: no such file.\n")
    (tmp_path / "x.png").write_bytes(b"nothing")
    assert call("show", "x.png").code == 1
    assert call("show", "-", "-").code == 2
    assert call("show", "x.png", "--width", 0).code == 2


def test_standard_input_is_shown(call):
    file = io.BytesIO()
    PIL.Image.new("CMYK", (4, 4)).save(file, "JPEG")
    done = call("show", "-", stdin=io.TextIOWrapper(io.BytesIO(file.getvalue())))
    assert "standard input  4 high, 4 wide, RGB, uint8" in done.stdout
    assert "CMYK" in done.stderr


def test_filter_shows_results_and_writes_them_only_where_it_is_said_where(call, tmp_path):
    pixels = np.repeat([[0, 255]], 3, axis=1).repeat(4, axis=0).astype(np.uint8)
    for name in ("a.png", "b.png"):
        PIL.Image.fromarray(pixels).save(tmp_path / name)
    done = call("filter", "a.png", "b.png", "-k", "sobel-x", "-k", "identity", "--show")
    assert "nothing is written with --show alone" in done.stderr
    pictures = [line for line in done.stdout.splitlines() if "wide" not in line]
    assert len(pictures) == 4 * 8, "four results of four rows, enlarged four times, half as many lines"
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "b.png"}
    done = call("filter", "a.png", "-k", "identity", "--show", "-o", "c.png")
    assert done.stdout.splitlines()[0].strip() == "@" * 12
    assert done.stdout.splitlines()[-1].startswith("c.png ")
    assert (np.asarray(PIL.Image.open(tmp_path / "c.png")) == pixels).all()


def test_filter_shows_what_no_png_file_holds(call, tmp_path):
    np.save(tmp_path / "five.npy", np.full((4, 6, 5), 70, np.uint16))
    np.save(tmp_path / "floats.npy", np.linspace(-1, 3, 24).reshape(4, 6))
    done = call("filter", "five.npy", "floats.npy", "-k", "identity", "--range", "raw", "--show")
    assert done.code == 0
    assert "of 5 channels the first is shown" in done.stderr
    assert "values -1 … 3 are shown from black to white" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--json",), "--json and pictures"),
        (("--dry-run",), "--dry-run makes nothing"),
        (("-o", "-", "--format", "png"), "cannot both go to standard output"),
        (("--resume",), "--resume is about results that are written"),
        (("--manifest", "x.jsonl"), "--manifest is about"),
    ],
)
def test_showing_goes_with_nothing_that_contradicts_it(call, tmp_path, words, said):
    PIL.Image.new("L", (4, 4)).save(tmp_path / "a.png")
    done = call("filter", "a.png", "-k", "box", "--show", *words)
    assert (done.code, said in done.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
