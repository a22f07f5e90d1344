"""Writes docs/gallery.md and its pictures: run `python docs/gallery.py` in the checkout."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from convcli.cli.app import app

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "gallery.md"
PICTURES = "docs/images/gallery"
LIVE = "stride --input sample_images/camera.png@100,200,7,7 --kernel sobel-x --html"
"""The command of the page that lies here to be opened, without its file."""

INTRODUCTION = """\
# Gallery

The figures of the mathematics of CNNs, each made by the command above it, and each with your own numbers
for the asking: `--input` takes a matrix, a file or a piece of a photo, `--run` the tensors of a trained
network. The same command writes pages to step through (`--html`), animations (`--gif`), Markdown, LaTeX,
and the exact numbers (`--json`).

Those pages are live: the reader types other numbers, in a step itself by a click on one, or chooses a kernel
by name, another stride, padding, dilation, pool or activation, and all steps follow, as `explain` would have
made them; "Reset" brings back the command's. [live.html](live.html) is one to save and open. Not so topics
whose steps are made in Python alone: `edges` and `network`, which would need a whole photo or network on the
page, `activation`, whose curve is drawn, and those of rows and columns with names, such as `dense`; nor
layers of a trained network with more than 4,096 weights, and what its controls do not reach, such as a
stride of 100. Without JavaScript a page shows all of its steps, one under the other. No request leaves it.

`convcli explain all --input X --html course` puts every topic on one input and makes a folder of pages: an
index, links from topic to topic, and an address for each step, such as `convolution.html#step-4`, that opens
it. A page on paper has all steps on A4, in light colours. `--latex` makes documents that `pdflatex` sets,
with TikZ where something is drawn and the cells under the window in colour; `--markdown` stands side by side
on GitHub. With `all` each format makes a file a topic.

Kernels are laid on unflipped (cross-correlation). The [command reference](cli.md) has all options.
"""


@dataclass(frozen=True)
class Figure:
    """One figure: its title, what it shows, the command without its last options, and what it writes."""

    title: str
    text: str
    command: str
    name: str
    animated: bool = False

    def call(self, folder: str = PICTURES) -> str:
        """Return the command, writing to a folder."""
        gif = f" --gif {folder}/{self.name}.gif" if self.animated else ""
        return f"convcli explain {self.command}{gif} --svg {folder}/{self.name}.svg"


FIGURES = (
    Figure(
        "The data of an image",
        "A colour image is three matrices, one for each of red, green and blue, with numbers for light.",
        "pixels --input sample_images/astronaut.png@88,128,6,6",
        "pixels",
    ),
    Figure(
        "Convolution",
        "The window, the pairwise products, their sum, the output cell.",
        "convolution",
        "convolution",
        animated=True,
    ),
    Figure(
        "Flip",
        "Convolution beside the correlation that networks use: the kernel rotated, and what comes of it.",
        "flip",
        "flip",
    ),
    Figure(
        "Edge detection",
        "One photo under five kernels.",
        "edges --input sample_images/camera.png",
        "edges",
    ),
    Figure(
        "A gradient",
        "sobel is two kernels: the slope across, the slope down, and the root of the sum of their squares.",
        "edges --kernel sobel --at 1",
        "gradient",
    ),
    Figure(
        "Valid and same",
        "Without padding the output shrinks; with padding d(f−1) in all it keeps its size.",
        "padding --at 1-2",
        "valid-and-same",
    ),
    Figure(
        "Pixel influence",
        "How many windows each pixel lies in: without padding the border hardly counts.",
        "padding --at 4",
        "influence",
    ),
    Figure(
        "Stride", "What remains of the windows, and which pixels none of them reaches.", "stride", "stride"
    ),
    Figure(
        "Dilation",
        "The kernel spread by d − 1 zeros, and how far it reaches with as few weights.",
        "dilation --at 1-3",
        "dilation",
    ),
    Figure("Volume", "Several filters, each as deep as the input.", "volume", "volume"),
    Figure(
        "The window in the volume",
        "The window is a part of the volume, as deep as it; at each place one cell comes of it.",
        "volume --at 2-5",
        "volume-window",
        animated=True,
    ),
    Figure(
        "Groups",
        "Filters that see some of the channels only: fewer weights, less work.",
        "groups --at 1-2,18,22",
        "groups",
    ),
    Figure(
        "A dense layer",
        "Neurons and connections: z = Wx + b, a = g(z), and the way back to W, b and x.",
        "dense --at 1-2,5,9,12",
        "dense",
    ),
    Figure(
        "Activation",
        "Its values, curve and slope, and what of a gradient goes back through it.",
        "activation --activation elu",
        "activation",
    ),
    Figure(
        "Softmax and cross-entropy",
        "From outputs to probabilities, the loss, and its gradient, p − y.",
        "softmax",
        "softmax",
    ),
    Figure(
        "Layer dimensions",
        "Every tensor of one convolutional layer.",
        "layer --at 1",
        "layer",
    ),
    Figure(
        "Pruning and sharing",
        "A convolution is a dense layer with most connections cut and the rest sharing few weights.",
        "sharing",
        "sharing",
    ),
    Figure(
        "Forward and backward of a layer",
        "From A_prev to A, and from dA back to dZ, db and dW.",
        "backward --at 1-3,12",
        "backward",
    ),
    Figure(
        "Full convolution",
        "dA_prev: dZ, padded, in full convolution with the rotated kernel.",
        "backward --at 13,18",
        "full-convolution",
    ),
    Figure(
        "Backward at stride 2, with padding",
        "dW has zeros of the padding in it; dZ is dilated by the stride, and what lay on padding is cropped.",
        'backward --stride 2 --padding 1 --bias=-1 --gradient "1 2; -1 3" --at 12,13,28,50',
        "backward-stride-2",
    ),
    Figure("Max pooling", "The maximum of each window, channel by channel.", "pooling", "pooling"),
    Figure(
        "Backward of max pooling",
        "Each gradient goes back to where its maximum stood; where windows overlap they add.",
        "pooling-backward",
        "pooling-backward",
    ),
    Figure(
        "Transposed convolution",
        "Each input cell stamps the kernel, times its value; where stamps overlap they add.",
        "transposed --at 1-6",
        "transposed",
        animated=True,
    ),
    Figure(
        "A network",
        "An image going through all layers: feature maps, shapes, the class probabilities.",
        "network",
        "network",
    ),
    Figure(
        "Receptive field",
        "How far a cell sees through a stack of layers, and by how many ways each pixel reaches it.",
        "receptive-field",
        "receptive-field",
    ),
    Figure(
        "Batch normalisation",
        "Each channel by its own mean and variance; on the way back each gradient reaches all numbers.",
        "batch-norm --at 1-4,7",
        "batch-norm",
    ),
    Figure(
        "Dropout",
        "A mask drawn anew for each batch; what is kept is scaled up, so that the mean stays.",
        "dropout",
        "dropout",
    ),
    Figure(
        "Optimizers",
        "The ways of six rules with the same gradients, and every number of one step of Adam.",
        "optimizer --at 1,15",
        "optimizer",
    ),
    Figure(
        "A training step",
        "Forward, loss, backward, update, and the loss after it, with every number.",
        "step",
        "step",
    ),
)


def page() -> str:
    """Return the gallery's page."""
    parts = [INTRODUCTION]
    for number, figure in enumerate(FIGURES, 1):
        shown = f"images/gallery/{figure.name}.{'gif' if figure.animated else 'svg'}"
        command = figure.call().replace(" --svg", " \\\n    --svg").replace(" --gif", " \\\n    --gif")
        parts += [
            f"## {number}. {figure.title}\n",
            f"{figure.text}\n",
            f"```sh\n{command}\n```\n",
            f"![{figure.title}]({shown})\n",
        ]
    return "\n".join(parts)


def draw(figure: Figure, folder: str) -> None:
    """Run a figure's command in the checkout; `folder` is where its files go."""
    run(figure.call(folder))


def run(command: str) -> None:
    """Run a command in the checkout."""
    arguments = shlex.split(command)[1:]
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            app([*arguments, "--force"], prog_name="convcli", standalone_mode=False)
    finally:
        os.chdir(before)


if __name__ == "__main__":
    (ROOT / PICTURES).mkdir(parents=True, exist_ok=True)
    for figure in FIGURES:
        draw(figure, PICTURES)
    run(f"convcli explain {LIVE} docs/live.html")
    TARGET.write_text(page(), encoding="utf-8")
