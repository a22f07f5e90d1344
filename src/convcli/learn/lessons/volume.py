"""Volumes: a filter has as many channels as the input, and the output as many as there are filters."""

from __future__ import annotations

import numpy as np

from convcli.engine.batch.conv import conv2d
from convcli.engine.workspace import Array
from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Arrow, Formula, Grid, Row, Words
from convcli.explaining.notation import cell_name, number
from convcli.learn.answers import Matrix, Number, Sizes
from convcli.learn.exercises import Draws, Exercise, cell, kernel, known, matrix, one_of, typed
from convcli.learn.lesson import Lesson, register
from convcli.shapes import output_size
from convcli.wording import by, counted


def _parts(draws: Draws, n: int, f: int, channels: int = 2) -> tuple[Array, Array]:
    """Return an input (n, n, channels) and a filter (f, f, channels)."""
    x = np.stack([matrix(draws, n, n, 0, 3) for _ in range(channels)], axis=2)
    return x, np.stack([kernel(draws, f) for _ in range(channels)], axis=2)


def _z(x: Array, w: Array, bias: float = 0) -> Array:
    return np.asarray(conv2d(x[None], w[..., None], np.array([float(bias)]))[0, :, :, 0])


def _rows(x: Array, w: Array) -> tuple[Row, ...]:
    return tuple(
        (
            Grid.of(x[:, :, c], f"channel {c + 1}"),
            Arrow("*"),
            Grid.of(w[:, :, c], f"W, channel {c + 1}", "kernel"),
        )
        for c in range(x.shape[2])
    )


def figure(draws: Draws) -> Explanation:
    """Return the shapes and the first cell."""
    x, w = _parts(draws, 3, 2)
    return explain("volume", Request(input=typed(x), kernels=(typed(w),))).only([0, 1])


def one_cell(draws: Draws) -> Exercise:
    """Compute a cell of a filter's plane."""
    while True:
        (x, w), bias = _parts(draws, 3, 2), int(draws.integers(-2, 3))
        out, at = _z(x, w, bias), cell(draws, (2, 2))
        alone = [_z(x[:, :, [c]], w[:, :, [c]])[at] for c in range(2)]
        if bias and 0 not in alone and out[at] != out[at[::-1]]:
            break
    ask = Request(input=typed(x), kernels=(typed(w),), bias=(float(bias),))
    name = cell_name("Z", at)
    return Exercise(
        f"An input of 2 channels, one filter of 2 channels, b = {number(bias)}. What is {name}?",
        _rows(x, w),
        Number(out[at]),
        "Each channel of the filter is laid on its channel of the input; the sums of all channels are "
        "added, and then b.",
        lambda: explain("volume", ask).steps[1 + at[0] * 2 + at[1]],
        {"input": x.tolist(), "filter": w.tolist(), "bias": bias, "cell": list(at)},
        known(
            out[at],
            (out[at] - bias, "b is missing"),
            (alone[0] + bias, "that is the first channel alone"),
            (alone[0], "that is the first channel alone, without b"),
            (out[at[::-1]], f"that is {cell_name('Z', at[::-1])}: rows come first"),
            (_z(x, w[::-1, ::-1], bias)[at], "that is with the filter flipped"),
        ),
    )


def shape(draws: Draws) -> Exercise:
    """Tell the shape of the output of several filters."""
    n, channels, f = int(draws.integers(6, 33)), one_of(draws, (3, 4, 8)), one_of(draws, (3, 5))
    filters, p, s = one_of(draws, (2, 6, 10, 16)), int(draws.integers(0, 2)), int(draws.integers(1, 3))
    out = output_size(n, f, stride=s, padding=p)
    right = (out, out, filters)
    reach = n + 2 * p - f
    lines = (
        f"⌊({n} + 2·{p} − {f}) / {s}⌋ + 1 = ⌊{reach} / {s}⌋ + 1 = {out}",
        f"{counted(filters, 'filter')}, a plane each: {by(right)}",
    )
    return Exercise(
        f"{filters} filters of {f} × {f} × {channels} on an input of {by((n, n, channels))}, p = {p}, s = "
        f"{s}. What shape has the output?",
        (),
        Sizes(right, "rows x columns x channels"),
        "Rows and columns by the size formula; channels: one plane for each filter.",
        Step.of("A plane for each filter", lines, {}),
        {"shape": [n, n, channels], "f": f, "filters": filters, "padding": p, "stride": s},
        known(
            right,
            (
                (out, out, channels),
                "the output has as many channels as there are filters, not as the input has",
            ),
            ((out, out, channels * filters), "the sums over the channels are added to one plane a filter"),
            ((filters, out, out), "here channels come last: rows × columns × channels"),
        ),
    )


def filter_shape(draws: Draws) -> Exercise:
    """Tell how many channels and filters a layer must have."""
    n, f = int(draws.integers(8, 33)), one_of(draws, (3, 5))
    channels, filters = (int(count) for count in draws.choice([3, 4, 6, 8, 16], 2, replace=False))
    out = n - f + 1
    right = (f, f, channels, filters)
    lines = (
        f"n − f + 1 = {out}, so f = {n} − {out} + 1 = {f}",
        f"channels of each filter = channels of the input = {channels}",
        f"filters = channels of the output = {filters}",
    )
    return Exercise(
        f"A layer (no padding, stride 1) makes {by((out, out, filters))} of {by((n, n, channels))}. What is "
        "the shape of W: f × f × channels × filters?",
        (),
        Sizes(right, "f x f x channels x filters"),
        "The input tells the channels of each filter, the output their number; rows tell f.",
        Step.of("f × f × channels × filters", lines, {}),
        {"input": [n, n, channels], "output": [out, out, filters]},
        known(right, ((f, f, filters, channels), "channels and filters are exchanged")),
    )


def plane(draws: Draws) -> Exercise:
    """Compute the whole plane of a filter."""
    while True:
        x, w = _parts(draws, 3, 2)
        out = _z(x, w)
        if not np.array_equal(out, _z(x, w[::-1, ::-1])) and not np.array_equal(out, out.T):
            break
    ask = Request(input=typed(x), kernels=(typed(w),))
    return Exercise(
        "Write Z, the plane that this filter makes (b = 0).",
        _rows(x, w),
        Matrix(out, "Z"),
        "Convolve each channel by itself, 2 × 2 each, and add the two results cell by cell.",
        lambda: explain("volume", ask).steps[-2],
        {"input": x.tolist(), "filter": w.tolist(), "bias": 0},
        known(
            out,
            (_z(x[:, :, :1], w[:, :, :1]), "that is the first channel alone"),
            (_z(x[:, :, 1:], w[:, :, 1:]), "that is the second channel alone"),
            (_z(x, w[::-1, ::-1]), "that is with the filter flipped"),
        ),
    )


register(
    Lesson(
        "volume",
        "Volumes and many filters",
        (
            Words(
                "An image of several channels is a volume. A filter on it is a volume, too: f × f × as many "
                "channels as the input has. Each of its channels is laid on its own channel of the input, "
                "and all products of all channels are added to one number, and the bias b to that."
            ),
            Words(
                "So one filter makes one plane. Several filters make several planes, which are stacked: the "
                "output has as many channels as there are filters."
            ),
            Formula("n × n × n_c * f × f × n_c, n_f filters → out × out × n_f"),
        ),
        figure,
        (one_cell, shape, filter_shape, plane),
        "volume",
    )
)
