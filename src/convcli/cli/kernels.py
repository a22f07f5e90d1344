"""`convcli kernels`: what kernels there are, what one of them looks like, and what a network has learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.kernel_options import Normalize, Scale, chosen_kernels
from convcli.cli.options import Force, Json, chosen_run
from convcli.cli.output import console, out, out_text, print_json, show
from convcli.cli.picture_file import Output, picture_file
from convcli.errors import UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.kernels import Kernel

STREAM = "-"


def kernels(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A kernel as --kernel takes it: sobel, gaussian:sigma=2, @FILE, run:RUN#LAYER/FILTER.",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Show what a network learned, beside the nearest named kernels."),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(metavar="N", help="With --run: which layer, from 1, or 3.1; the first conv layer."),
    ] = None,
    scale: Scale = None,
    normalize: Normalize = False,
    frequency: Annotated[
        bool,
        typer.Option(
            "--frequency",
            help="Say what the kernel does to waves: gains, phase, half power; with -o as a picture.",
        ),
    ] = False,
    output: Output = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """List the named kernels, show one (weights, sum, parameters, source), or those that a network learned.

    Weights are shown as `filter` lays them on the image by default: unflipped (cross-correlation).

    \b
    Examples:
      convcli kernels
      convcli kernels sobel
      convcli kernels gaussian:sigma=2
      convcli kernels gabor --json
      convcli kernels "1 2 1; 2 4 2; 1 2 1" --scale 1/16
      convcli kernels gaussian:sigma=2 --frequency -o response.png
      convcli kernels --run runs/digits-001
    """
    from convcli.render.kernels import kernel_document, kernel_text, list_document, list_text

    if layer is not None and run is None:
        raise UsageError("--layer belongs to a trained network: name it with --run RUN.")
    if name is not None and run is not None:
        raise UsageError(f"{name} and --run both say what to show; give one of them.")
    if name is None and (scale is not None or normalize):
        raise UsageError("--scale and --normalize belong to one kernel: name it.")
    if frequency and name is None:
        raise UsageError("--frequency belongs to one kernel: name it.")
    if output is not None and not frequency:
        raise UsageError("-o takes a picture: say of what with --frequency.")
    if run is not None:
        _show_learned(run, layer, json)
    elif name is None:
        print_json(list_document()) if json else out_text(list_text())
    else:
        kernel, *_ = chosen_kernels([name], scale=scale, normalize=normalize).values()
        if frequency:
            return _show_frequency(kernel, name, output, force=force, json=json)
        print_json(kernel_document(kernel)) if json else out_text(kernel_text(kernel))
    return None


def _show_frequency(kernel: Kernel, name: str, output: str | None, *, force: bool, json: bool) -> None:
    """Say what a kernel does to waves, or draw it."""
    from convcli.render.frequency import frequency_document, frequency_picture, frequency_text
    from convcli.runs.kernels import files_of_kernel

    if output is not None:
        inputs = map(str, files_of_kernel(name))
        ending, put = picture_file(output, (".png", ".svg"), inputs=inputs, force=force, json=json)
        place = put(frequency_picture(kernel, svg=ending == ".svg"))
        if not json:
            return None if output == STREAM else out(f"{place}  frequency response of {shown(kernel.name)}")
    return print_json(frequency_document(kernel)) if json else out_text(frequency_text(kernel))


def _show_learned(run: Path, layer: str | None, json: bool) -> None:
    """Print the kernels of a trained layer, by default the first convolution."""
    from convcli.explaining.tensors import layer_of
    from convcli.nn.layers import Conv, SeparableConv
    from convcli.render.learned import LearnedLayer, learned_document, learned_view
    from convcli.runs import checkpoints

    run = chosen_run(run)
    model = checkpoints.load_run(run)
    number, _ = layer_of(model, layer, (Conv, SeparableConv))
    weights = model.weights.arrays.at(number)["W"]
    first = number == model.network.places[0].number
    learned = LearnedLayer(str(run), number, weights, rgb=first and weights.shape[2] == 3)
    if json:
        return print_json(learned_document(learned))
    return show(learned_view(learned, coloured=console().color_system is not None))
