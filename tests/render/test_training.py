"""A training on the screen: curves and a bar on a terminal that has room for them, plain lines elsewhere."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

import stripes
from convcli.render.training import FEWEST_LINES, MOST_EPOCHS, SAMPLES, _Display, training_view
from convcli.training import BatchDone
from histories import history

BRAILLE = [chr(code) for code in range(0x2801, 0x2900)]


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def shown(monkeypatch):
    """Return a function that shows a training on a terminal, and what is then on it."""

    def show(*, columns=84, lines=24, training=None, kind=Terminal, **environment):
        for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
            monkeypatch.delenv(name, raising=False)
        size = {"COLUMNS": str(columns), "LINES": str(lines), "TERM": "xterm-256color"}
        for name, value in (size | environment).items():
            monkeypatch.setenv(name, value)
        terminal = kind()
        monkeypatch.setattr(sys, "stderr", terminal)
        training = training or stripes.training()
        with training_view(training) as view:
            for event in training.run():
                (view.batch if isinstance(event, BatchDone) else view.epoch)(event)
        return terminal.getvalue()

    return show


def curved(text):
    return any(letter in text for letter in BRAILLE)


def test_a_terminal_shows_curves_a_bar_and_a_line_an_epoch(shown):
    text = shown(columns=120)
    assert curved(text)
    assert text.count("images/s  *") >= 1
    assert "epoch 1/3  loss" in text
    assert "━" in text


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_line_of_an_epoch_is_wider_than_the_terminal(shown, columns):
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown(columns=columns))
    lines = [line for line in text.splitlines() if line.startswith(("epoch 1/3  loss", "  validation "))]
    assert lines
    assert max(map(len, lines)) <= columns
    assert re.search(r"validation \d\.\d{4} +\d+\.\d\d%", text)


@pytest.mark.parametrize("columns", [30, 80])
def test_the_bar_leaves_room_for_the_echo_of_ctrl_c(shown, columns):
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown(columns=columns))
    bars = [line for line in re.split(r"[\r\n]", text) if "━" in line]
    assert bars
    assert max(map(len, bars)) <= columns - 3


def test_the_last_curves_stay_on_the_terminal_and_the_bar_does_not(shown):
    last = shown(NO_COLOR="1").rsplit("\x1b[2K", 1)[1]
    lines = last.splitlines()
    assert "loss" in lines[0]
    assert "accuracy" in lines[0]
    assert lines[-1].startswith("- - training  ── validation  ● best: ")
    assert "━" not in last


def test_curves_have_colours_unless_they_are_unwanted(shown):
    assert "\x1b[36m" in shown()
    assert "\x1b[36m" not in shown(NO_COLOR="1")


@pytest.mark.parametrize(
    ("columns", "lines", "fits"),
    [(30, 24, True), (29, 24, False), (84, FEWEST_LINES, True), (84, FEWEST_LINES - 1, False)],
)
def test_curves_need_room(shown, columns, lines, fits):
    text = shown(columns=columns, lines=lines)
    assert curved(text) == fits
    assert "epoch 1/3  loss" in text


def test_a_terminal_that_knows_no_braille_gets_the_bar_alone(shown):
    class Plain(Terminal):
        encoding = "ascii"

    text = shown(kind=Plain)
    assert not curved(text)
    assert "epoch 3/3" in text


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}])
def test_elsewhere_there_are_only_lines(shown, environment):
    text = shown(kind=Terminal if environment else io.StringIO, **environment)
    assert [line[:10] for line in text.splitlines()] == ["epoch 1/3 ", "epoch 2/3 ", "epoch 3/3 "]


def test_a_training_that_goes_on_shows_the_epochs_before(shown):
    training = stripes.training()
    events = training.run()
    while len(training.progress.history) < 2:
        next(events)
    events.close()
    first = shown(training=training, NO_COLOR="1").split("━")[0]
    assert "● best: " in first


def test_of_an_epoch_of_many_batches_some_are_kept():
    display = _Display(Console(file=io.StringIO()), stripes.training())
    for batch in range(1, 1001):
        display.sample(BatchDone(1, batch, 1000, 1.0, 0.5, 100.0, 0.001))
    assert len(display.running) == SAMPLES
    assert display.running[-1].epoch == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("count", [1, MOST_EPOCHS, 10 * MOST_EPOCHS + 7])
def test_of_many_epochs_the_best_and_the_last_are_drawn(monkeypatch, count):
    training, drawn = stripes.training(), []
    training.progress.history = history([0.5] * count)
    training.progress.best_epoch = min(count, 5)
    monkeypatch.setattr("convcli.render.training.terminal_curves", lambda runs, *_: drawn.append(runs[""]))
    _Display(Console(file=io.StringIO(), width=80, height=24), training).curves()
    epochs = [row.epoch for row in drawn[-1]]
    assert epochs == sorted(set(epochs))
    assert {min(count, 5), count} <= set(epochs)
    assert min(count, MOST_EPOCHS) <= len(epochs) <= 2 * MOST_EPOCHS
