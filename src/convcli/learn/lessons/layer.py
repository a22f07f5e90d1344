"""One layer: how much it learns, how much it computes, and what its activation does."""

from __future__ import annotations

import numpy as np

from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Arrow, Formula, Grid, Words
from convcli.explaining.notation import factor, number
from convcli.learn.answers import Matrix, Number
from convcli.learn.exercises import Draws, Exercise, kernel, known, matrix, one_of, typed
from convcli.learn.lesson import Lesson, register
from convcli.learn.lessons.convolution import pair, valid
from convcli.wording import by


def figure(draws: Draws) -> Explanation:
    """Return the dimensions, and one filter's plane through relu."""
    x, w = matrix(draws, 4, 4, 0, 3), kernel(draws, 3)
    bias = -float(np.sort(valid(x, w).ravel())[1:3].mean().round())
    ask = Request(input=typed(x), kernels=(typed(w),), bias=(bias,), activation="relu")
    return explain("layer", ask).only([0, 1])


def parameters(draws: Draws) -> Exercise:
    """Count what a layer learns."""
    f, channels, filters = one_of(draws, (3, 5)), one_of(draws, (1, 3, 4, 8)), one_of(draws, (2, 4, 6, 8, 10))
    n = one_of(draws, (16, 28, 32))
    value = (f * f * channels + 1) * filters
    line = f"({by((f, f, channels))} + 1) × {filters} = {f * f * channels + 1} × {filters} = {value:,}"
    return Exercise(
        f"{filters} filters of {f} × {f} on an input of {by((n, n, channels))}, each with a bias. How many "
        "numbers does the layer learn?",
        (),
        Number(value),
        "Each filter has a weight for each of its cells in each channel, and one bias. The size of the "
        "image does not matter.",
        Step.of("Weights and biases", (line,), {}),
        {"f": f, "shape": [n, n, channels], "filters": filters},
        known(
            value,
            (f * f * channels * filters, "the biases are missing"),
            ((f * f + 1) * filters, "each filter has as many channels as the input"),
            (f * f * channels + 1, "that is one filter"),
        ),
    )


def multiplications(draws: Draws) -> Exercise:
    """Count what a layer computes."""
    n, f = one_of(draws, (6, 8, 10, 12)), 3
    channels, filters = one_of(draws, (1, 2, 3)), one_of(draws, (2, 4, 5))
    out = n - f + 1
    value = out * out * filters * f * f * channels
    lines = (
        f"the output: {by((out, out, filters))} = {out * out * filters:,} cells",
        f"each of them: {by((f, f, channels))} = {f * f * channels} products",
        f"{out * out * filters:,} × {f * f * channels} = {value:,}",
    )
    return Exercise(
        f"{filters} filters of 3 × 3 on an input of {by((n, n, channels))}, no padding, stride 1. How many "
        "multiplications does the layer need?",
        (),
        Number(value),
        "How many cells has the output, and how many products does each of them take?",
        Step.of("Cells × products", lines, {}),
        {"shape": [n, n, channels], "f": f, "filters": filters},
        known(
            value,
            (out * out * f * f * channels, "that is one filter"),
            (n * n * filters * f * f * channels, "without padding the output is smaller than the input"),
            (out * out * filters * f * f, "each channel takes its products"),
        ),
    )


def activation(draws: Draws) -> Exercise:
    """Compute A = relu(Z + b)."""
    while True:
        x, w = matrix(draws, 3, 3, 0, 3), kernel(draws, 2)
        z, bias = valid(x, w), -int(draws.integers(1, 5))
        a = np.maximum(z + bias, 0)
        if 1 <= (z + bias < 0).sum() <= 3 and not np.array_equal(a, np.maximum(z, 0)):
            break
    ask = Request(input=typed(x), kernels=(typed(w),), bias=(float(bias),), activation="relu")
    return Exercise(
        f"Write A = relu(Z), where Z = W * A_prev + b and b = {number(bias)}. (relu makes 0 of what is "
        "negative.)",
        (
            (
                Grid.of(x, "A_prev"),
                Arrow("*"),
                Grid.of(w, "W", "kernel"),
                Arrow("+"),
                Formula(f"b = {number(bias)}"),
            ),
        ),
        Matrix(a, "A"),
        "First the convolution, 2 × 2; then b to each cell; then 0 for each that is negative.",
        lambda: explain("layer", ask).steps[-1],
        {"input": x.tolist(), "kernel": w.tolist(), "bias": bias},
        known(
            a,
            (z + bias, "that is Z; relu is missing"),
            (z, "b and relu are missing"),
            (np.maximum(z, 0), "b is missing"),
            (np.maximum(z, 0) + bias, "b is added before relu, not after it"),
        ),
    )


def bias(draws: Draws) -> Exercise:
    """Find what a bias does."""
    x, w = matrix(draws, 3, 3, 0, 4), kernel(draws, 3)
    sum_, wanted = float((x * w).sum()), int(draws.integers(-3, 6))
    value = wanted - sum_
    line = f"b = {number(wanted)} − {factor(sum_)} = {number(value)}"
    return Exercise(
        f"Which bias b makes Z = {number(wanted)} here?",
        (pair(x, w),),
        Number(value),
        "Compute the sum of the nine products. What has to be added to it?",
        Step.of("The bias is added to the sum", (line,), {}),
        {"input": x.tolist(), "kernel": w.tolist(), "Z": wanted},
        known(
            value,
            (-value, "the sign is the other way round: Z = sum + b"),
            (wanted - float((x * w[::-1, ::-1]).sum()), "that is with the kernel flipped"),
        ),
    )


register(
    Lesson(
        "layer",
        "One layer: parameters and dimensions",
        (
            Words(
                "A convolutional layer takes the planes of the layer before it, A_prev, convolves them with "
                "each of its filters W, and adds to each filter's plane its own bias b. That is Z. The "
                "activation g is applied to each cell of Z by itself: A = g(Z), often relu, which makes 0 "
                "of what is negative."
            ),
            Words("What it learns are the weights and the biases, however large the image is."),
            Formula("(f × f × n_c + 1) × n_f learned numbers"),
        ),
        figure,
        (activation, parameters, bias, multiplications),
        "layer",
    )
)
