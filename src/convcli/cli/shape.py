"""`convcli shape`: the size formula in numbers, or the table of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convcli.cli.options import parse_padding, parse_pair
from convcli.cli.output import note, out, print_json, show
from convcli.errors import UsageError


def shape(
    config: Annotated[
        Path | None,
        typer.Argument(help="A configuration: print the table of its network.", show_default=False),
    ] = None,
    n: Annotated[str | None, typer.Option("--n", help="Image size: N or ROWSxCOLUMNS.")] = None,
    f: Annotated[str | None, typer.Option("--f", help="Kernel size.")] = None,
    p: Annotated[str, typer.Option("--p", help="Padding: same, valid, full, or a number.")] = "valid",
    s: Annotated[str, typer.Option("--s", help="Stride.")] = "1",
    d: Annotated[str, typer.Option("--d", help="Dilation.")] = "1",
    nc: Annotated[int | None, typer.Option("--nc", min=1, help="Channels of the image.")] = None,
    nf: Annotated[int | None, typer.Option("--nf", min=1, help="Number of filters.")] = None,
    volume: Annotated[
        str | None,
        typer.Option("--input", help="With CONFIG: HxWxC of an image, so that the data is not read."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option("--classes", min=1, help="With --input: the number of classes.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compute output sizes, with the formula written out in numbers.

    The operation is cross-correlation, as in networks; flipping the kernel changes no size.

    \b
    Examples:
      convcli shape --n 6 --f 3 --p 1 --s 2
      convcli shape --n 28x32 --f 5 --p same --nc 3 --nf 16
      convcli shape examples/digits.toml
      convcli shape examples/mnist.toml --input 28x28x1 --classes 10
    """
    if config is not None:
        if n is not None or f is not None:
            raise UsageError("Give either a CONFIG or --n and --f, not both.")
        return _network(config, volume, classes, json)
    if n is None or f is None:
        raise UsageError("Expected --n and --f, or a CONFIG: convcli shape --n 6 --f 3 --p 1 --s 2.")
    from convcli.render import sizes
    from convcli.shapes import Window

    window = Window.of(
        parse_pair(f, "--f"),
        stride=parse_pair(s, "--s"),
        padding=parse_padding(p, "--p"),
        dilation=parse_pair(d, "--d"),
    )
    report = sizes.SizeReport(parse_pair(n, "--n"), window, nc, nf)
    if json:
        return print_json(report.document())
    return out(report.text())


def _network(path: Path, volume: str | None, classes: int | None, json: bool) -> None:
    from convcli import build
    from convcli.render.network import network_document, network_table

    file = build.load_config(path)
    if volume is not None:
        network = build.build_network(file.config, _volume(volume), classes)
    else:
        data = build.load_data(file.config.data, file.base, file.config.training.seed)
        note(data.notes)
        network = build.build_network(file.config, data.train.shape, len(data.train.classes))
    if json:
        print_json(network_document(network))
    else:
        show(network_table(network, file.name))


def _volume(text: str) -> tuple[int, int, int]:
    numbers = text.replace("×", "x").split("x")
    if len(numbers) != 3 or not all(number.isdigit() and int(number) for number in numbers):
        raise UsageError(f"--input: expected ROWSxCOLUMNSxCHANNELS such as 28x28x1, not {text!r}.")
    return int(numbers[0]), int(numbers[1]), int(numbers[2])
