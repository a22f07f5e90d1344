"""Small problems whose answers were worked out by hand, and how to ask for each topic's example."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from convcli.explaining import Request, explain


class Case(NamedTuple):
    """What is asked, and what its JSON must say: each key a key of the document."""

    name: str
    topic: str
    request: dict[str, Any]
    expected: dict[str, Any]


CASES = [
    Case(
        "valid",
        "convolution",
        {"input": "1 2 3; 4 5 6; 7 8 9", "kernels": ("1 0; 0 -1",)},
        # 1 − 5, 2 − 6, 4 − 8, 5 − 9
        {"output": [[-4, -4], [-4, -4]], "output_shape": [2, 2]},
    ),
    Case(
        "the kernel is not flipped",
        "convolution",
        {"input": "0 0 0; 0 1 0; 0 0 0", "kernels": ("1 2 3; 4 5 6; 7 8 9",), "padding": "same"},
        # an impulse gives the kernel rotated by 180°
        {"output": [[9, 8, 7], [6, 5, 4], [3, 2, 1]]},
    ),
    Case(
        "a flipped kernel of weights that all differ",
        "flip",
        {"input": "1 2 3; 4 5 6; 7 8 9", "kernels": ("1 2; 3 4",), "bias": (1,)},
        # 1·1 + 2·2 + 4·3 + 5·4 + 1 and 1·4 + 2·3 + 4·2 + 5·1 + 1; each step right or down adds 10 or 30
        {
            "kernel_flipped": [[4, 3], [2, 1]],
            "correlation": [[38, 48], [68, 78]],
            "convolution": [[24, 34], [54, 64]],
            "cells_that_differ": 4,
        },
    ),
    Case(
        "a single 1 under a kernel, flipped and not",
        "flip",
        {},
        {
            "correlation": [[9, 8, 7], [6, 5, 4], [3, 2, 1]],
            "convolution": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
            "cells_that_differ": 8,  # all but the 5 in the middle
        },
    ),
    Case(
        "a kernel that is its own rotation",
        "flip",
        {"input": "1 5 2; 0 3 4", "kernels": ("1 2; 2 1",)},
        # 1 + 10 + 0 + 3, 5 + 4 + 6 + 4
        {"correlation": [[14, 19]], "convolution": [[14, 19]], "cells_that_differ": 0},
    ),
    Case(
        "rows and columns spread differently",
        "dilation",
        {"input": "1 2 3 4; 5 6 7 8; 9 1 2 3", "kernels": ("1 -1; 2 1",), "dilation": (2, 3)},
        # rows 1 and 3, columns 1 and 4: 1 − 4 + 2·9 + 3
        {
            "output": [[18]],
            "span": [3, 4],
            "steps.0.spread": [[1, 0, 0, -1], [0, 0, 0, 0], [2, 0, 0, 1]],
            "steps.2.window": [[1, 4], [9, 3]],
            "steps.3.products": 4,
            "steps.3.cells": 12,
        },
    ),
    Case(
        "what each dilation covers of six columns",
        "dilation",
        {"input": "1 2 3 4 5 6", "kernels": ("1 0 1",), "dilation": (1, 2)},
        # 1 + 5, 2 + 6; 1 + 4·d columns do not fit for d = 3, nor do 1 + 2·d of the rows matter
        {
            "output": [[6, 8]],
            "steps.1.covered": [
                {"dilation": [1, 1], "span": [1, 3], "output_shape": [1, 4]},
                {"dilation": [2, 2], "span": [1, 5], "output_shape": [1, 2]},
                {"dilation": [1, 2], "span": [1, 5], "output_shape": [1, 2]},
            ],
        },
    ),
    Case(
        "stride 2 with a remainder, bias, halves",
        "stride",
        {"input": "1 2 3 4; 5 6 7 8; 9 10 11 12", "kernels": ("0.5 0; 0 0.5",), "bias": (1,), "stride": 2},
        # (1 + 6) / 2 + 1, (3 + 8) / 2 + 1; the last row is in no window
        {"output": [[4.5, 6.5]], "output_shape": [1, 2]},
    ),
    Case(
        "dilation 2 and an even kernel under same padding",
        "convolution",
        {"input": "1 2 3; 4 5 6; 7 8 9", "kernels": ("1 1; 1 1",), "padding": "same", "dilation": 2},
        # total padding 2 on each axis, one before: the corners of each 3 × 3 neighbourhood
        {"output": [[5, 10, 5], [10, 20, 10], [5, 10, 5]], "padding": [[1, 1], [1, 1]]},
    ),
    Case(
        "same padding at stride 2 is asymmetric for an even kernel",
        "convolution",
        {"input": "1 2 3; 4 5 6; 7 8 9", "kernels": ("1 0; 0 1",), "padding": "same", "stride": 2},
        # a zero row below and a zero column on the right: 1 + 5, 3 + 0; 7 + 0, 9 + 0
        {"output": [[6, 3], [7, 9]], "padding": [[0, 1], [0, 1]], "output_shape": [2, 2]},
    ),
    Case(
        "how often pixels are used",
        "padding",
        {"input": "1 2 3; 4 5 6; 7 8 9", "kernels": ("1 1; 1 1",)},
        {
            "steps.0.uses": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
            "steps.1.uses": [[1, 2, 2], [2, 4, 4], [2, 4, 4]],
            "steps.2.uses": [[4, 4, 4], [4, 4, 4], [4, 4, 4]],
            "steps.2.output_shape": [4, 4],
        },
    ),
    Case(
        "two channels and three filters",
        "volume",
        {
            "input": "1 2; 3 4 | 5 6; 7 8",
            "kernels": ("1 0; 0 1 | 1 0; 0 1", "1 1; 1 1 | 0 0; 0 0", "0 1; 0 0 | 0 0; -1 0"),
            "bias": (0, 1, 2),
        },
        # (1 + 4) + (5 + 8);  (1 + 2 + 3 + 4) + 0 + 1;  2 − 7 + 2
        {"output": [[[18]], [[11]], [[-3]]], "steps.1.channel_sums": [5, 13], "output_shape": [1, 1, 3]},
    ),
    Case(
        "depthwise, a filter to each channel",
        "groups",
        {
            "input": "1 2; 3 4 | 5 6; 7 8",
            "kernels": ("1 0; 0 1", "2 0; 0 -1"),
            "bias": (1, 0),
            "groups": 2,
            "gradient": "3 | -1",
        },
        # 1 + 4 + 1, 10 − 8; 3 and −1 times the channel, and times the kernel
        {
            "output": [[[6]], [[2]]],
            "dW": [[[[3, 6], [9, 12]]], [[[-5, -6], [-7, -8]]]],
            "db": [3, -1],
            "dA_prev": [[[3, 0], [0, 3]], [[-2, 0], [0, 1]]],
            "steps.0.weights": 8,
            "steps.0.weights_without_groups": 16,
        },
    ),
    Case(
        "two groups of two channels, as deep as the kernels are",
        "groups",
        {"input": "1 | 2 | 3 | 4", "kernels": ("1 | 10", "5 | -1")},
        # 1 + 20, 15 − 4
        {
            "groups": 2,
            "output": [[[21]], [[11]]],
            "dW": [[[[1]], [[2]]], [[[3]], [[4]]]],
            "dA_prev": [[[1]], [[10]], [[5]], [[-1]]],
            "steps.0.links": [[0, 0], [1, 0], [2, 1], [3, 1]],
            "steps.1.channel_sums": [1, 20],
        },
    ),
    Case(
        "two neurons, of which relu holds one back",
        "dense",
        {"input": "1 2", "kernels": ("3 -1; -2 1",), "bias": (1, -1), "gradient": "2 5"},
        # 3 − 2 + 1, −2 + 2 − 1; only the first has a slope: 2·(1, 2), and 2·(3, −1)
        {
            "z": [2, -1],
            "a": [2, 0],
            "dz": [2, 0],
            "dW": [[2, 4], [0, 0]],
            "db": [2, 0],
            "dx": [6, -2],
            "steps.0.parameters": 6,
        },
    ),
    Case(
        "a column of inputs, a neuron to each kernel, no bias",
        "dense",
        {"input": "1; 0; -2", "kernels": ("1 2 3", "0 1 1"), "activation": "none", "gradient": "1; -1"},
        # 1 − 6, −2; (1, 0, −2) and its negative; (1, 2, 3) − (0, 1, 1)
        {
            "z": [-5, -2],
            "dW": [[1, 0, -2], [-1, 0, 2]],
            "dx": [1, 1, 2],
            "steps.0.parameters": 6,
        },
    ),
    Case(
        "relu, with its kink",
        "activation",
        {"input": "-2 0 3", "gradient": "5 6 -7"},
        {"A": [[0, 0, 3]], "g_prime": [[0, 0, 1]], "dZ": [[0, 0, -7]], "steps.1.kinks": [[0, 1]]},
    ),
    Case(
        "clip has a kink at either limit",
        "activation",
        {"input": "-1 0; 6 5; 9 6", "activation": "clip"},
        {
            "A": [[0, 0], [6, 5], [6, 6]],
            "dZ": [[0, 0], [0, 1], [0, 0]],
            "steps.1.kinks": [[0, 1], [1, 0], [2, 1]],
        },
    ),
    Case(
        "sigmoid in the middle",
        "activation",
        {"input": "0", "activation": "sigmoid", "gradient": "8"},
        # 1 / (1 + 1); ½ · ½, times 8
        {"A": [[0.5]], "g_prime": [[0.25]], "dZ": [[2]], "steps.4.values.tanh": [0]},
    ),
    Case(
        "three outputs alike",
        "softmax",
        {"input": "5 5 5 5", "label": "2"},
        # a quarter each; log 4
        {
            "p": [0.25] * 4,
            "y": [0, 1, 0, 0],
            "dz": [0.25, -0.75, 0.25, 0.25],
            "loss": math.log(4),
            "steps.0.exp": [1, 1, 1, 1],
            "steps.0.sum": 4,
        },
    ),
    Case(
        "outputs beyond what exp can take, and the true class far below",
        "softmax",
        {"input": "1000 0 -1000", "label": "3"},
        {"p": [1, 0, 0], "dz": [1, 0, -1], "loss": 2000, "steps.0.shifted": [0, -1000, -2000]},
    ),
    Case(
        "a smoothed label of two outputs alike",
        "softmax",
        {"input": "7; 7", "label": "1", "label_smoothing": 0.5},
        # half of the label stays, the other half is shared by both; of p = ½ any y costs log 2
        {"y": [0.75, 0.25], "p": [0.5, 0.5], "dz": [-0.25, 0.25], "loss": math.log(2)},
    ),
    Case(
        "a layer with relu and stride 2",
        "layer",
        {
            "input": "1 2 0; 0 1 3; 2 1 1",
            "kernels": ("1 -1; 0 2", "-1 0; 0 0"),
            "bias": (-1, 1),
            "stride": 2,
            "padding": ((0, 1), (0, 1)),
            "activation": "relu",
        },
        # Z_1: 1 − 2 + 2 − 1, 0 − 0 + 0 − 1; 2 − 1 + 0 − 1, 1 − 0 + 0 − 1.  Z_2: 1 − 1, 1 − 0; 1 − 2, 1 − 1
        {
            "Z": [[[0, -1], [0, 0]], [[0, 1], [-1, 0]]],
            "A": [[[0, 0], [0, 0]], [[0, 1], [0, 0]]],
        },
    ),
    Case(
        "maximum with ties and a remainder",
        "pooling",
        {"input": "1 3 3; 3 2 0; 9 9 9"},
        # 3 stands at (0, 1) first; the third row and column fill no window
        {"output": [[[3]]], "steps.0.maximum_at": [0, 1]},
    ),
    Case(
        "mean of two channels, overlapping",
        "pooling",
        {"input": "1 2 3; 3 4 5 | 0 0 1; 0 1 1", "stride": 1, "pool": "mean"},
        {"output": [[[2.5, 3.5]], [[0.25, 0.75]]]},
    ),
    Case(
        "maximum with padding, rounded up",
        "pooling",
        {"input": "-1 -2 -3 -4", "size": (1, 3), "stride": (1, 2), "padding": (0, 1), "ceil_mode": True},
        # padding is no maximum: max(−1, −2), max(−2, −3, −4), and the last window holds −4 alone
        {"output": [[[-1, -2, -4]]], "steps.0.window": [[None, -1, -2]], "steps.0.maximum_at": [0, 0]},
    ),
    Case(
        "mean with padding that does not count",
        "pooling",
        {
            "input": "1 2 3 4",
            "size": (1, 3),
            "stride": (1, 2),
            "padding": (0, 1),
            "pool": "mean",
            "count_include_pad": False,
        },
        {"output": [[[1.5, 3]]], "steps.0.window": [[None, 1, 2]]},
    ),
    Case(
        "gradient of a mean with padding and a last window that hangs over",
        "pooling-backward",
        {
            "input": "1 2 3",
            "size": (1, 2),
            "stride": (1, 2),
            "padding": ((0, 0), (0, 0)),
            "pool": "mean",
            "ceil_mode": True,
            "gradient": "2 5",
        },
        # the last window holds one cell
        {"dA_prev": [[[1, 1, 5]]], "output_shape": [1, 2, 1]},
    ),
    Case(
        "gradient of maxima in padded windows",
        "pooling-backward",
        {"input": "4 1; 2 3", "size": 2, "stride": 2, "padding": 1, "gradient": "1 2; 3 4"},
        {"dA_prev": [[[1, 2], [3, 4]]], "mask": [[[1, 1], [1, 1]]], "steps.0.cells": [[0, 0]]},
    ),
    Case(
        "gradient of overlapping maxima with ties",
        "pooling-backward",
        {"input": "1 5 5; 0 5 2; 5 1 1", "stride": 1, "gradient": "1 2; 3 4"},
        # windows: 5 at (0,1); 5 at (0,1) before (0,2); 5 at (1,1) before (2,0); 5 at (1,1)
        {"dA_prev": [[[0, 3, 0], [0, 7, 0], [0, 0, 0]]], "mask": [[[0, 2, 0], [0, 2, 0], [0, 0, 0]]]},
    ),
    Case(
        "backward with stride 2 and an asymmetric remainder",
        "backward",
        {
            "input": "1 2 3 4; 5 6 7 8; 9 1 2 3",
            "kernels": ("1 2; 3 4",),
            "bias": (0,),
            "stride": 2,
            "activation": "none",
            "gradient": "1 -1",
        },
        # one row and no column remain; dW[0, 0] = 1·1 − 1·3, and so on
        {
            "Z": [[[44, 64]]],
            "dW": [[[[-2, -2], [-2, -2]]]],
            "db": [0],
            "dA_prev": [[[1, 2, -1, -2], [3, 4, -3, -4], [0, 0, 0, 0]]],
        },
    ),
    Case(
        "stamps that overlap, and the gradients of each",
        "transposed",
        {"input": "1 2; 3 4", "kernels": ("1 2; 3 4",), "gradient": "1 0 0; 0 0 0; 0 0 2"},
        # 1·W at the top left, 2·W one to the right, 3·W one below, 4·W at the bottom right: in the middle
        # 1·4 + 2·3 + 3·2 + 4·1. dY meets the first cell of the first stamp and the last cell of the last
        {
            "output": [[1, 4, 4], [6, 20, 16], [9, 24, 16]],
            "steps.2.stamp": [[2, 4], [6, 8]],
            "steps.2.overlaps": [[0, 1], [1, 1]],
            "dX": [[1, 0], [0, 8]],
            "dW": [[1, 0], [0, 8]],
            "db": 3,
        },
    ),
    Case(
        "stamps two apart, cropped, with a column and a row more",
        "transposed",
        {
            "input": "1 2",
            "kernels": ("1 2 3; 4 5 6; 7 8 9",),
            "bias": (1,),
            "stride": 2,
            "padding": 1,
            "output_padding": 1,
        },
        # each row is w0, w1, w2 + 2·w0, 2·w1, 2·w2, and one zero more; the first row and column fall away
        {
            "full": [[1, 2, 5, 4, 6, 0], [4, 5, 14, 10, 12, 0], [7, 8, 23, 16, 18, 0], [0] * 6],
            "output": [[6, 15, 11, 13], [9, 24, 17, 19]],
        },
    ),
    Case(
        "what a convolution shares",
        "sharing",
        {"input": "1 2 3; 4 5 6; 7 8 9", "kernels": ("1 0; 0 -1",)},
        {
            "dense": {"connections": 36, "parameters": 40},
            "convolution": {"connections": 16, "parameters": 5},
            "steps.4.inputs": [0, 1, 3, 4],
            "output": [[-4, -4], [-4, -4]],
        },
    ),
    Case(
        "relu at stride 1 without padding, the first example",
        "backward",
        {},
        # Z: 8 − 4, 6 − 4; 3 − 4, 6 − 4, so that relu holds the third back; dA = 1 2; −1 3
        {
            "Z": [[[4, 2], [-1, 2]]],
            "dZ": [[[1, 2], [0, 3]]],
            # dW[1, 1] = 1·1 + 2·2 + 1·3, and so on: A_prev correlated with dZ
            "dW": [[[[8, 8, 2], [8, 8, 8], [2, 6, 14]]]],
            "db": [6],
            # the kernel laid down once for each cell of dZ
            "dA_prev": [[[1, 2, -1, -2], [2, 8, 2, -3], [0, 5, 2, 2], [0, 0, -3, 3]]],
            "padding": [[0, 0], [0, 0]],
            "stride": [1, 1],
        },
    ),
    Case(
        "relu clips a cell of each filter, in the example",
        "layer",
        {},
        {"Z": [[[1, 4], [-3, 0]], [[1, 3], [-1, 2]]], "A": [[[1, 4], [0, 0]], [[1, 3], [0, 2]]]},
    ),
    Case(
        "nine pixels and four outputs, the example",
        "sharing",
        {},
        # 3·1 + 0·(−1) + 1·2 + 5·0, and so on
        {"output": [[5, 9], [0, 11]], "convolution": {"connections": 16, "parameters": 5}},
    ),
    Case(
        "three channels of pixels",
        "pixels",
        {"input": "1 2 | 3 4 | 5 6.5"},
        {"channels": {"red": [[1, 2]], "green": [[3, 4]], "blue": [[5, 6.5]]}, "shape": [1, 2, 3]},
    ),
    Case(
        "one kernel on a step",
        "edges",
        {"input": "0 0 9 9; 0 0 9 9; 0 0 9 9", "kernels": ("-1 0 1",)},
        {"steps.0.minimum": 0, "steps.0.maximum": 9, "steps.0.mean": 4.5, "steps.0.weights": [[-1, 0, 1]]},
    ),
    Case(
        "velocity, and what nesterov makes of it",
        "optimizer",
        {
            "input": "2",
            "gradient": "4 | -4",
            "learning_rate": 0.25,
            "optimizer": ("sgd momentum=0.5", "sgd momentum=0.5 nesterov=true", "sgd weight_decay=0.5"),
        },
        # v = 4, then 0.5·4 − 4 = −2; nesterov goes along 4 + 0.5·4 = 6, then −4 + 0.5·(−2) = −5;
        # with decay along 4 + 0.5·2 = 5, then −4 + 0.5·0.75
        {
            "optimizers.0.weights": [[1], [1.5]],
            "optimizers.1.weights": [[0.5], [1.75]],
            "steps.3.quantities.g + μv": [6],
            "steps.4.state.velocity": [-2],
            "optimizers.2.weights": [[0.75], [1.65625]],
        },
    ),
    Case(
        "moments of adam, and the decay beside them",
        "optimizer",
        {
            "input": "2",
            "gradient": "4 | 0",
            "learning_rate": 0.25,
            "optimizer": tuple(
                f"{name} beta1=0.5 beta2=0.75 epsilon=1e-30" for name in ("adam", "adamw weight_decay=0.5")
            ),
        },
        # m = 0.5·4, v = 0.25·16; m̂ = 2 / 0.5, v̂ = 4 / 0.25: a change of 0.25·4/4; then both are halved
        # and taken by 3/4. AdamW: (1 − 0.25·0.5)·2 − 0.25
        {
            "steps.1.quantities.m": [2],
            "steps.1.quantities.v": [4],
            "steps.1.quantities.m̂": [4],
            "steps.1.quantities.v̂": [16],
            "steps.1.w_after": [1.75],
            "steps.2.state": {"mean": [1], "square": [3]},
            "steps.3.w_after": [1.5],
        },
    ),
    Case(
        "a training step of which all but the last loss is a whole number or a half",
        "step",
        {},
        # x less what stands two to its right: columns 0 and 2, 1 and 3. The scores are 2 − 2 and −2 + 2, so
        # p is 1/2, ds is ∓1/2, dP is −1/2·1 + 1/2·(−1), and dW1 is less the window on the maximum's place
        {
            "Z": [[[2, -1], [1, -2]]],
            "A": [[[2, 0], [1, 0]]],
            "P": [[[2]]],
            "scores": [0, 0],
            "probabilities": [0.5, 0.5],
            "gradients": {
                "W1": [[[[-2, -1, -1], [-1, 0, 0], [-3, -1, -3]]]],
                "b1": [-1],
                "W2": [[-1, 1]],
                "b2": [-0.5, 0.5],
            },
            "steps.6.dP": [-1],
            "steps.7.dZ": [[[-1, 0], [0, 0]]],
            "updated.b2": [-1.95, 1.95],
            "updated.W2": [[1.1, -1.1]],
        },
    ),
    Case(
        "a batch of four, there and back",
        "batch-norm",
        {
            "input": "0 8; 8 0",
            "gamma": (2,),
            "bias": (1,),
            "momentum": 0.5,
            "epsilon": 1e-30,
            "gradient": "4 0; 0 0",
        },
        # μ = 4, σ = 4, x̂ = ∓1; dβ = 4, dγ = −4; dX = 2/4·(dY − 4/4 − x̂·(−4)/4)
        {
            "mean": [4],
            "variance": [16],
            "normalised": [[[-1, 1], [1, -1]]],
            "output": [[[-1, 3], [3, -1]]],
            "running_mean": [2],
            "dgamma": [-4],
            "dbeta": [4],
            "steps.6.terms.0": [[[4, 0], [0, 0]], [[1, 1], [1, 1]], [[1, -1], [-1, 1]]],
            "dX": [[[1, 0], [0, -1]]],
        },
    ),
    Case(
        "half of the numbers, doubled",
        "dropout",
        {"gradient": "1 1 1 1; 2 2 2 2; -1 -1 -1 -1"},
        {
            "mask": [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]],
            "output": [[8, 4, 0, 0], [4, 0, 16, 0], [12, 0, 0, 8]],
            "dX": [[2, 2, 0, 0], [4, 0, 4, 0], [-2, 0, 0, -2]],
            "while_predicting": [[4, 2, 6, 8], [2, 4, 8, 6], [6, 8, 2, 4]],
        },
    ),
    Case(
        "what a cell sees after two windows and a step between",
        "receptive-field",
        {"layers": "conv 3 p1 s2, conv 2", "size": 5},
        # r: 1 + 2·1, then 3 + 1·2; jump 2; start −1. 3 × 3 and then 2 × 2 come out of 5 × 5, and the cell at
        # the top left sees rows −1 … 3: of the windows around 0 and 2 both hold 1
        {
            "size": [5, 5],
            "jump": [2, 2],
            "start": [-1, -1],
            "layers.0.size": [3, 3],
            "layers.1.output": [2, 2],
            "steps.2.ways": [
                [1, 2, 1, 1, 0],
                [2, 4, 2, 2, 0],
                [1, 2, 1, 1, 0],
                [1, 2, 1, 1, 0],
                [0, 0, 0, 0, 0],
            ],
        },
    ),
    Case(
        "the network made by hand",
        "network",
        {},
        {"classes": ["upright", "level", "falling", "rising"], "class": "upright", "input_shape": [8, 8, 1]},
    ),
    Case(
        "why the stroke is upright",
        "network",
        {"why": True},
        # a mean over 4 × 4 cells comes before a dense layer of 1 for the own map and −1/2 for every other
        {
            "steps.6.method": "grad_cam",
            "steps.6.layer": 2,
            "steps.6.alpha": [1 / 16, -1 / 32, -1 / 32, -1 / 32],
            "steps.6.sums.1.1": 6 / 16,
            "steps.7.patch": [2, 2],
            "steps.7.fill": [0],
            "steps.8.class": "upright",
            # two maxima of the own map have it in their windows, under a weight of 2, and none of another;
            # a maximum has 1/16, a level 1/255
            "steps.8.gradient.0.3.3": 2 * 2 / 16 / 255,
        },
    ),
]


def made(topic, **request):
    """Return an explanation."""
    return explain(topic, Request(**request))


def looked_up(document, key):
    """Return what a path such as `steps.0.uses` leads to."""
    for part in key.split("."):
        document = document[int(part)] if part.isdecimal() else document[part]
    return document
