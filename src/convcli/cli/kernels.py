"""`convcli kernels`: what kernels there are, what one of them looks like, and what a network has learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.contact import Show, check_stdout
from convcli.cli.kernel_options import Normalize, Scale, chosen_kernels
from convcli.cli.options import Force, Json, chosen_run
from convcli.cli.output import console, note, out, out_text, own_words_only, print_json
from convcli.cli.output import show as printed
from convcli.cli.picture_file import Output, picture_file
from convcli.cli.terminal import Protocol, check_protocol, screen
from convcli.errors import UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.kernels import Kernel
    from convcli.render.learned import LearnedLayer

FREQUENCY_LINES = 20  # of a terminal, at most
SHEET_SIDE = 320  # pixels of a picture's longer side on a sheet


def kernels(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A kernel as --kernel takes it: sobel, gaussian:sigma=2, @FILE, run:RUN#LAYER/FILTER. With "
            "--sheet an image.",
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
    sheet: Annotated[
        bool,
        typer.Option(
            "--sheet",
            help="Lay every kernel on a photo, which is then what NAME names, or without one on a drawing; "
            "with --run the learned kernels and their frequency responses. A picture, for -o or --show.",
        ),
    ] = False,
    output: Output = None,
    show: Show = False,
    protocol: Protocol = "auto",
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
      convcli kernels --sheet photo.jpg -o sheet.png
      convcli kernels --run runs/digits-001
      convcli kernels --run runs/digits-001 --sheet -o bank.png
    """
    from convcli.render.kernels import kernel_document, kernel_text, list_document, list_text

    if layer is not None and run is None:
        raise UsageError("--layer belongs to a trained network: name it with --run RUN.")
    if name is not None and run is not None:
        raise UsageError(f"{name} and --run both say what to show; give one of them.")
    check_protocol(protocol, show=show)
    if (name is None or sheet) and (scale is not None or normalize):
        raise UsageError("--scale and --normalize belong to one kernel: name it.")
    if frequency and (sheet or name is None):
        raise UsageError("--frequency belongs to one kernel: name it.")
    if not (sheet or frequency) and (show or output is not None):
        raise UsageError("-o and --show take a picture: say of what, with --frequency or --sheet.")
    if sheet:
        return _show_sheet(name, run, layer, output, protocol if show else None, force=force, json=json)
    if run is not None:
        _show_learned(run, layer, json)
    elif name is None:
        print_json(list_document()) if json else out_text(list_text())
    else:
        kernel, *_ = chosen_kernels([name], scale=scale, normalize=normalize).values()
        if frequency:
            shown_by = protocol if show else None
            return _show_frequency(kernel, name, output, shown_by, force=force, json=json)
        print_json(kernel_document(kernel)) if json else out_text(kernel_text(kernel))
    return None


def _show_frequency(
    kernel: Kernel, name: str, output: str | None, protocol: str | None, *, force: bool, json: bool
) -> None:
    """Say what a kernel does to waves, and draw it where that is asked for."""
    from convcli.files import is_stdout
    from convcli.render.frequency import frequency_document, frequency_picture, frequency_text
    from convcli.runs.kernels import files_of_kernel

    check_stdout(output, protocol, json=json)
    if output is not None:
        inputs = map(str, files_of_kernel(name))
        ending, put = picture_file(output, (".png", ".svg"), inputs=inputs, force=force, json=json)
        place = put(frequency_picture(kernel, svg=ending == ".svg"))
        if not json and protocol is None:
            return None if is_stdout(output) else out(f"{place}  frequency response of {shown(kernel.name)}")
    if protocol is not None:
        from convcli.cli.show import put as put_picture
        from convcli.images import View
        from convcli.render.frequency import frequency_map

        put_picture(View(frequency_map(kernel)), screen(protocol, height=FREQUENCY_LINES))
    return print_json(frequency_document(kernel)) if json else out_text(frequency_text(kernel))


def _show_learned(run: Path, layer: str | None, json: bool) -> None:
    """Print the kernels of a trained layer, by default the first convolution."""
    from convcli.render.learned import learned_document, learned_view

    learned = _learned(chosen_run(run), layer)
    if json:
        return print_json(learned_document(learned))
    return printed(learned_view(learned, coloured=console().color_system is not None))


def _learned(run: Path, layer: str | None) -> LearnedLayer:
    from convcli.explaining.tensors import layer_of
    from convcli.nn.layers import Conv, SeparableConv
    from convcli.render.learned import LearnedLayer
    from convcli.runs import checkpoints

    model = checkpoints.load_run(run)
    number, _ = layer_of(model, layer, (Conv, SeparableConv))
    weights = model.weights.arrays.at(number)["W"]
    first = number == model.network.places[0].number
    return LearnedLayer(str(run), number, weights, rgb=first and weights.shape[2] == 3)


def _show_sheet(
    image: str | None,
    run: Path | None,
    layer: str | None,
    output: str | None,
    protocol: str | None,
    *,
    force: bool,
    json: bool,
) -> None:
    """Put all kernels on a sheet: laid on an image, on a drawing, or those of a run as they are."""
    from convcli.cli.contact import Place, try_on
    from convcli.filtering.trials import named, reduced, trials
    from convcli.images import Image, read
    from convcli.images.chart import chart
    from convcli.kernels import parse

    if output is None and protocol is None:
        raise UsageError("--sheet is a picture: give -o FILE, or --show.")
    if run is not None:
        from convcli.render.bank import bank_tiles, bank_title, bank_words
        from convcli.render.learned import learned_document
        from convcli.runs.kernels import files_of_run

        place = Place(output, list(map(str, files_of_run(run))), protocol, force=force, json=json)
        place.check()
        learned = _learned(chosen_run(run), layer)
        return place.put(
            bank_title(learned), bank_tiles(learned), bank_words(learned), learned_document(learned)
        )
    place = Place(output, [] if image is None else [image], protocol, force=force, json=json)
    place.check()
    if image is None:
        whole = Image(chart())
    else:
        with own_words_only():
            whole = read(Path(image), every=True)
        note(whole.notes)
    small = reduced(whole, SHEET_SIDE)
    rows, columns = small.pixels.shape[:2]
    words = f"All kernels on one picture, {rows} high and {columns} wide."
    return try_on(small, image or "a drawing", trials(named("all"), read=parse), SHEET_SIDE, place, words)
