"""An image is numbers: rows, columns, channels."""

from __future__ import annotations

import numpy as np

from convcli.explaining import Explanation, Request, explain
from convcli.explaining.elements import Formula, Grid, Step, Words
from convcli.explaining.notation import cell_name, number, total
from convcli.explaining.pixels import CHANNELS
from convcli.learn.answers import Number, Sizes
from convcli.learn.exercises import Draws, Exercise, cell, known, one_of, typed
from convcli.learn.lesson import Lesson, register
from convcli.wording import by


def _image(draws: Draws, side: int = 4) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Return a small RGB image (side, side, 3) of round numbers."""
    return draws.integers(0, 26, (side, side, 3)).astype(np.float64) * 10


def figure(draws: Draws) -> Explanation:
    """Return an image and its three matrices."""
    return explain("pixels", Request(input=typed(_image(draws, 5)))).only([0])


def _grids(image: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]) -> tuple[Grid, ...]:
    return tuple(Grid.of(image[:, :, c], name) for c, name in enumerate(CHANNELS))


def read(draws: Draws) -> Exercise:
    """Read a cell of a channel."""
    image, c = _image(draws), int(draws.integers(3))
    i, j = cell(draws, (4, 4))
    value, name = image[i, j, c], cell_name(CHANNELS[c], (i, j))
    marked = Grid.of(image[:, :, c], CHANNELS[c], {(i, j): "result"})
    others = [(image[i, j, k], f"that is {cell_name(CHANNELS[k], (i, j))}") for k in range(3) if k != c]
    return Exercise(
        f"What is {name}?",
        (_grids(image),),
        Number(value),
        "The first number is the row, from the top; the second is the column, from the left; both from 1.",
        Step.of("The cell", ((marked,), f"{name} = {number(value)}"), {}),
        {"image": image.tolist(), "cell": [i, j], "channel": c},
        known(value, (image[j, i, c], f"that is {cell_name(CHANNELS[c], (j, i))}: rows come first"), *others),
    )


def count(draws: Draws) -> Exercise:
    """Count the numbers of an image."""
    rows, columns, channels = one_of(draws, (20, 28, 32)), one_of(draws, (10, 30, 40)), one_of(draws, (1, 3))
    kind = "a grey" if channels == 1 else "an RGB"
    value = rows * columns * channels
    line = f"{by((rows, columns, channels))} = {value:,}"
    return Exercise(
        f"How many numbers make up {kind} image of {rows} rows and {columns} columns?",
        (),
        Number(value),
        "Each channel has a number for each pixel.",
        Step.of("Rows × columns × channels", (line,), {}),
        {"shape": [rows, columns, channels]},
        known(
            value,
            (rows * columns, "that is one channel"),
            (rows * columns * 3, "a grey image has one channel"),
        ),
    )


def grey(draws: Draws) -> Exercise:
    """Take the mean of the channels of a pixel."""
    image, (i, j) = _image(draws), cell(draws, (4, 4))
    while image[i, j].sum() % 30:
        image[i, j] = _image(draws, 1)
    pixel = image[i, j].tolist()
    value = sum(pixel) / 3
    line = f"({total(map(number, pixel))}) / 3 = {number(value)}"
    return Exercise(
        "A grey image is made by taking the mean of red, green and blue. What is "
        f"{cell_name('grey', (i, j))}?",
        (_grids(image),),
        Number(value),
        "Take the cell at the same place in each of the three matrices, add them up, and divide by 3.",
        Step.of("The mean of the three", (line,), {}),
        {"image": image.tolist(), "cell": [i, j]},
        known(
            value,
            (sum(pixel), "that is the sum, not yet the mean"),
            (float(image[j, i].mean()), f"that is {cell_name('grey', (j, i))}: rows come first"),
        ),
    )


def brightest(draws: Draws) -> Exercise:
    """Find the brightest cell of a matrix."""
    plane = draws.permutation(25).reshape(5, 5).astype(np.float64) * 10
    i, j = divmod(int(plane.argmax()), 5)
    if i == j:  # then rows and columns could be exchanged unseen
        plane[[i, (i + 1) % 5]] = plane[[(i + 1) % 5, i]]
        i = (i + 1) % 5
    shown = Grid.of(plane, "grey", {(i, j): "result"})
    return Exercise(
        "In which row and which column is the brightest pixel? (0 is black, 255 white)",
        ((Grid.of(plane, "grey"),),),
        Sizes((i + 1, j + 1), "row and column"),
        "Bright is a large number. Rows come first, and both are counted from 1.",
        Step.of("The largest number", ((shown,), f"{cell_name('grey', (i, j))} = {number(plane.max())}"), {}),
        {"plane": plane.tolist()},
        known((i + 1, j + 1), ((j + 1, i + 1), "rows come first"), ((i, j), "rows and columns count from 1")),
    )


register(
    Lesson(
        "pixels",
        "An image is numbers",
        (
            Words(
                "A grey image is a matrix: a number for each pixel, 0 for black and 255 for white. "
                "A colour image is three such matrices of one size, its channels: red, green and blue."
            ),
            Words(
                "A cell is named by its row, from the top, and its column, from the left, both from 1: "
                "red[2, 3] stands in row 2, column 3. Sizes are told as rows × columns × channels."
            ),
            Formula("28 × 28 × 3 = 2,352 numbers"),
        ),
        figure,
        (read, count, brightest, grey),
        "pixels",
    )
)
