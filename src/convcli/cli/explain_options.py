"""The options of `explain`: the numbers, the window on them, a layer, a trained network, what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

EITHER_SIZE = "S|SYxSX"

Topic: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[TOPIC]", help="What to explain, or all; without it, the list.")
]

Input: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="X",
        help="A matrix ('1 2 3; 4 5 6', channels parted by |), an array as Python and NumPy write it, a "
        ".npy, .npz (FILE#NAME), .csv, .tsv, .txt or .json file, - (standard input), or an image. Behind "
        "a file [1] takes a part of its array, and @row,col,height,width a crop; both count from 0.",
    ),
]

Kernels: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--kernel",
        "-k",
        metavar="K",
        help="A name, a matrix, @FILE or run:RUN#LAYER/FILTER, as in `filter`; repeated for several "
        "filters, channels parted by |. Or an array as for --input, of one filter or several.",
    ),
]

Op: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="correlate|convolve",
        help="Whether kernels are flipped first, as in `filter`; not if not given.",
    ),
]

Bias: TypeAlias = Annotated[
    str | None, typer.Option(metavar="B", help="A number for each filter, such as '1 -2', or an array.")
]

Stride: TypeAlias = Annotated[
    str | None, typer.Option(metavar=EITHER_SIZE, help="Step from window to window.")
]

Padding: TypeAlias = Annotated[
    str | None, typer.Option(metavar="same|valid|full|N", help="Zeros added around the input.")
]

Dilation: TypeAlias = Annotated[
    str | None, typer.Option(metavar="D|DYxDX", help="Distance between the kernel's cells.")
]

Size: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar=EITHER_SIZE, help="Of the pool's window; receptive-field: of the input."),
]

Pool: TypeAlias = Annotated[
    str | None, typer.Option(metavar="max|mean", help="What a pool takes of each window (avg is mean).")
]

CeilMode: TypeAlias = Annotated[
    bool | None,
    typer.Option("--ceil-mode/--no-ceil-mode", help="Whether a pool's last window may hang over."),
]

CountIncludePad: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--count-include-pad/--no-count-include-pad",
        help="Whether a mean counts padding as zeros.",
    ),
]

OutputPadding: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar=EITHER_SIZE, help="transposed: rows and columns added at the end."),
]

Groups: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="G", help="groups: of channels and filters that do not see each other."),
]

Activation: TypeAlias = Annotated[str | None, typer.Option(metavar="G", help="g in A = g(Z), such as relu.")]

Layers: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="LAYERS",
        help="receptive-field: 'conv 3, pool 2 s2, conv 3' as in `shape --chain`, or a configuration.",
    ),
]

Gamma: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="G", help="batch-norm: γ of each channel, such as '2 1'; --bias is β."),
]

Momentum: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="M", help="batch-norm: what running figures keep; 0.9 if not given."),
]

Epsilon: TypeAlias = Annotated[
    float | None, typer.Option(metavar="E", help="batch-norm: added to the variance; 1e-5 if not given.")
]

Rate: TypeAlias = Annotated[
    float | None, typer.Option(metavar="P", help="dropout: the share that is dropped; 0.5 if not given.")
]

Seed: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", help="dropout: of its draws; 3 if not given.")
]

Optimizer: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULE",
        help="'adam', 'sgd momentum=0.9': options as in a configuration; repeated to compare.",
    ),
]

LearningRate: TypeAlias = Annotated[
    float | None, typer.Option(metavar="R", help="Of the optimizer; 0.1 if not given.")
]

Gradient: TypeAlias = Annotated[
    str | None, typer.Option(metavar="DA", help="dA of the output, as --input takes it.")
]

Layout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="nhwc|nchw|hwc|chw|hw",
        help="Which axis of your arrays is which; a kernel's are f_h, f_w, c, k, or k, c, f_h, f_w "
        "where channels come first. Channels last if not given.",
    ),
]

Run: TypeAlias = Annotated[
    Path | None, typer.Option(help="Take the tensors from this trained network.", metavar="RUN")
]

Layer: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="L",
        help="With --run: which layer, from 1, or 3.1; the first that fits, for --why the last.",
    ),
]

Image: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|test:N",
        help="With --run: the image that goes through it, a file, or one of the run's own (train:, "
        "validation:, test:) by the number or file that its report shows.",
    ),
]

Crop: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="R,C,H,W", help="With --run: the part of the layer's input to look at."),
]

Filter: TypeAlias = Annotated[int | None, typer.Option(metavar="K", help="Which filter to look at, from 1.")]

Channel: TypeAlias = Annotated[
    int | None, typer.Option(metavar="C", help="Which channel to look at, from 1.")
]

Why: TypeAlias = Annotated[
    bool, typer.Option("--why", help="network: show why, by Grad-CAM (--layer), occlusion and gradient.")
]

Class: TypeAlias = Annotated[
    str | None,
    typer.Option("--class", metavar="NAME", help="With --why: of which class; the predicted one if not."),
]

Label: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="N|NAME", help="The true class, by number from 1; with --run by name."),
]

LabelSmoothing: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="E", help="softmax: the share of the label that all classes get alike."),
]

At: TypeAlias = Annotated[
    str | None, typer.Option(metavar="STEPS", help="Only these steps, such as 4, 1-3 or 1,5.")
]

Stepping: TypeAlias = Annotated[
    bool, typer.Option("--step", help="On a terminal: go from step to step with the arrow keys.")
]

Svg: TypeAlias = Annotated[str | None, typer.Option(metavar="F", help="Write a picture, light and dark.")]

Png: TypeAlias = Annotated[str | None, typer.Option(metavar="F", help="Write a picture.")]

Gif: TypeAlias = Annotated[str | None, typer.Option(metavar="F", help="Write an animation, a frame a step.")]

Html: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="F",
        help="Write one page: steps to go through, numbers to change; of all topics, a folder of pages.",
    ),
]

Markdown: TypeAlias = Annotated[str | None, typer.Option(metavar="F", help="Write tables and formulas.")]

Latex: TypeAlias = Annotated[str | None, typer.Option(metavar="F", help="Write matrices and formulas.")]

Json: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="[F]", help="Print the exact numbers as one JSON document, or write them to a file."
    ),
]
