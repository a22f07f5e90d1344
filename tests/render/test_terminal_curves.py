"""Curves for a terminal: the dots lie where the figures are, and every width has room for them."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.render.terminal_curves import NARROWEST, SIDE_BY_SIDE, Running, terminal_curves
from histories import history

FALLING = history([0.9, 0.5, 0.3, 0.2], [0.8, 0.4, 0.25, 0.3])  # the third is the best
UNJUDGED = history([0.9, 0.6])


def lines(histories, width=40, height=6, running=()):
    return terminal_curves(histories, width, height, running).plain.splitlines()


def plotted(histories, measure, **options):
    """Return the letters right of the axis of one of two plots that stand above each other."""
    shown = lines(histories, **options)
    start = next(n for n, line in enumerate(shown) if line.strip().startswith(measure)) + 1
    rows = [line for line in shown[start:] if "┤" in line or "│" in line]
    return [row.split("┤" if "┤" in row else "│")[1] for row in rows[: options.get("height", 6)]]


def dots(letters):
    """Return where the dots of braille letters are, read back bit by bit: (row, column) from the top left."""
    places = [
        (0, 0),
        (1, 0),
        (2, 0),
        (0, 1),
        (1, 1),
        (2, 1),
        (3, 0),
        (3, 1),
    ]  # of bits 0 to 7, as Unicode has it
    found = set()
    for row, line in enumerate(letters):
        for column, letter in enumerate(line):
            bits = ord(letter) - 0x2800 if 0x2800 <= ord(letter) <= 0x28FF else 0
            found |= {(4 * row + y, 2 * column + x) for bit, (y, x) in enumerate(places) if bits >> bit & 1}
    return found


def test_a_line_goes_through_the_figures():
    losses = [0.9, 0.2, 0.6, 0.25]
    letters = plotted({"": history([*losses], losses)}, "loss")  # training lies under it
    found = dots(letters)
    columns, rows = 2 * len(letters[0]), 4 * len(letters)
    for column in range(columns):
        epoch = 1 + 3 * column / (columns - 1)
        expected = (0.9 - np.interp(epoch, [1, 2, 3, 4], losses)) / 0.7 * (rows - 1)
        covered = letters[int(expected + 0.5) // 4][column // 2] == "●"
        assert covered or any(abs(row - expected) <= 1 for row, at in found if at == column), column


def test_training_has_gaps_and_validation_has_none():
    line = [0.5, 0.5, 0.5]
    training, validation = (
        {column for _, column in dots(plotted({"": epochs}, "loss"))}
        for epochs in (history(line), history([0.5, 0.4, 0.4], [0.3, 0.3, 0.3]))
    )
    assert 0.3 < len(training) / (2 * 31) < 0.6
    assert len(validation) > 0.9 * 2 * 31


def test_the_best_epoch_has_a_sign_in_its_place():
    for measure, row in (("loss", 5), ("accuracy", 0)):
        letters = plotted({"": FALLING}, measure)
        (found,) = [(n, line.index("●")) for n, line in enumerate(letters) if "●" in line]
        assert found == (row, round(2 / 3 * (2 * len(letters[0]) - 1)) // 2)
    assert lines({"": FALLING})[-1] == "- - training  ── validation  ● best: 3"


def test_axes_are_named_and_bounded():
    shown = lines({"": FALLING})
    assert shown[0].split() == ["loss"]
    assert [shown[1].split()[0], shown[6].split()[0]] == ["0.9", "0.2"]
    assert shown[7].split() == ["accuracy"]
    assert [shown[8].split()[0], shown[13].split()[0]] == ["80%", "10%"]
    assert shown[14].split() == ["1", "4"]


def test_losses_far_apart_are_drawn_logarithmically():
    shown = lines({"": history([1.0, 0.1, 0.01])})
    assert shown[0].split() == ["loss", "(logarithmic)"]
    found = dots(plotted({"": history([1.0, 0.1, 0.01])}, "loss"))
    columns = 2 * len(plotted({"": FALLING}, "loss")[0])
    assert all(abs(row - column / columns * 24) <= 2 for row, column in found)  # a straight line


@pytest.mark.parametrize("width", [NARROWEST, 40, 60, SIDE_BY_SIDE - 1, SIDE_BY_SIDE, 100, 200])
def test_every_width_is_filled_and_not_exceeded(width):
    shown = lines({"": FALLING}, width)
    plots = shown[:-1]
    assert {len(line) for line in plots} <= {width, width - 1}
    assert (shown[0].split() == ["loss", "accuracy"]) == (width >= SIDE_BY_SIDE)


def test_each_of_several_runs_has_a_letter_and_a_line_with_its_figures():
    runs = {"one": FALLING, "two": UNJUDGED}
    assert lines(runs)[-3:] == [
        "- - training  ── validation",
        "A one: best epoch 3: validation accuracy 75.00%, loss 0.2500",
        "B two: best epoch 2: training accuracy 40.00%",
    ]
    letters = "".join(plotted(runs, "loss"))
    assert letters.count("A") == letters.count("B") == 1


@pytest.mark.parametrize("epochs", [FALLING, UNJUDGED], ids=["within", "at the edge"])
def test_signs_in_one_place_stand_beside_each_other(epochs):
    letters = plotted({"a": epochs, "b": epochs, "c": epochs}, "loss")
    (line,) = [line for line in letters if "A" in line]
    places = [line.index(sign) for sign in "ABC"]
    assert max(places) - min(places) == 2


def test_lines_have_colours_and_names_have_no_markup():
    text = terminal_curves({"[bold]x[/] \x1b[31m": FALLING}, 60)
    assert "● [bold]x[/] \\x1b[31m: best epoch 3" in text.plain
    assert {"cyan", "magenta"} <= {str(span.style) for span in text.spans}


def test_an_epoch_that_is_being_learned_goes_on_from_the_last():
    running = [Running(4.5, 0.15, 0.85), Running(5.0, 0.1, 0.9)]
    shown = lines({"": FALLING}, running=running)
    assert shown[6].split()[0] == "0.1"
    assert shown[14].split() == ["1", "5"]
    assert shown[-1].endswith("● best: 3")


def test_in_the_first_epoch_there_is_only_that():
    shown = lines({"": []}, running=[Running(0.5, 2.0, 0.1), Running(1.0, 1.5, 0.2)])
    assert shown[14].split() == ["0", "1"]
    assert shown[-1] == "- - training"


def test_one_epoch_is_one_point():
    shown = lines({"": UNJUDGED[:1]})
    assert "●" in shown[6]
    assert shown[6].split()[0] == "0.9"


def test_validation_that_came_later_begins_later():
    flat = history([0.5] * 5, [None, None, 0.4, 0.4, 0.4])
    letters = plotted({"": flat}, "loss")
    middle = len(letters[0]) // 2
    assert letters[-1][:middle].strip() == ""
    assert letters[-1][middle] == "●"
    assert letters[-1][middle + 1 :].strip() == letters[-1][middle + 1 :]


def test_validation_of_a_single_epoch_amidst_others_is_seen():
    once = history([0.5] * 4, [None, 0.4, None, None])
    assert "●" in plotted({"": once}, "loss")[-1]
