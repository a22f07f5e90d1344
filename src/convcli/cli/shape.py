"""`convcli shape`: the size formula in numbers, turned round, compared, chained; a network's table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.options import Classes, Json, configured_network, parse_padding, parse_pair
from convcli.cli.output import console, out_text, print_json, show
from convcli.errors import CheckError, UsageError
from convcli.shapes.solving import Given, Unknown

if TYPE_CHECKING:
    from convcli.shapes import Pair, Window


# Which options go with which way to ask. The first one that is given says which way it is.
MODES = {
    "CONFIG": {"--input", "--classes"},
    "--chain": {"--n", "--nc"},
    "--compare": {"--n", "--f", "--p", "--s", "--d", "--transpose", "--output-padding"},
    "--solve": {"--n", "--f", "--p", "--s", "--d", "--out"},
    "--is": {"--n", "--f", "--p", "--s", "--d", "--transpose", "--output-padding", "--ceil-mode"},
    "--transpose": {"--n", "--f", "--p", "--s", "--d", "--nc", "--nf", "--groups", "--output-padding"},
    "--ceil-mode": {"--n", "--f", "--p", "--s", "--d"},
    "--n": {"--f", "--p", "--s", "--d", "--nc", "--nf", "--groups"},
}


def shape(
    config: Annotated[
        Path | None,
        typer.Argument(help="A configuration: print the table of its network.", show_default=False),
    ] = None,
    n: Annotated[str | None, typer.Option("--n", help="Image size: N or ROWSxCOLUMNS.")] = None,
    f: Annotated[str | None, typer.Option("--f", help="Kernel size.")] = None,
    p: Annotated[
        str | None,
        typer.Option(
            "--p",
            help="Padding: same, valid, full, P, ROWSxCOLUMNS or TOP,BOTTOM,LEFT,RIGHT (default valid).",
        ),
    ] = None,
    s: Annotated[str | None, typer.Option("--s", help="Stride (default 1).")] = None,
    d: Annotated[str | None, typer.Option("--d", help="Dilation (default 1).")] = None,
    nc: Annotated[int | None, typer.Option("--nc", min=1, help="Channels of the image.")] = None,
    nf: Annotated[int | None, typer.Option("--nf", min=1, help="Number of filters.")] = None,
    groups: Annotated[
        int | None, typer.Option("--groups", min=1, help="Groups of channels that do not see each other.")
    ] = None,
    transpose: Annotated[bool, typer.Option("--transpose", help="A transposed convolution.")] = False,
    output_padding: Annotated[
        str | None, typer.Option("--output-padding", help="With --transpose: cells added at the end.")
    ] = None,
    ceil_mode: Annotated[
        bool,
        typer.Option("--ceil-mode", help="Of a pool: the last window may hang over the end."),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="What TensorFlow, PyTorch, ONNX and Caffe make of the same numbers."),
    ] = False,
    solve: Annotated[
        Unknown | None, typer.Option("--solve", help="With --out: every p, s, f or d that gives that size.")
    ] = None,
    wanted: Annotated[str | None, typer.Option("--out", help="With --solve: the size wanted.")] = None,
    claimed: Annotated[
        str | None,
        typer.Option(
            "--is",
            metavar="SIZE",
            help="Whether that size comes out; if not, what does, which p, s, f or d would give it, "
            "and exit code 3.",
        ),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain", metavar="STEPS", help="Windows one after the other: 'conv3p1s2 pool2 conv5n16'."
        ),
    ] = None,
    volume: Annotated[
        str | None,
        typer.Option("--input", help="With CONFIG: HxWxC of an image, so that the data is not read."),
    ] = None,
    classes: Classes = None,
    json: Json = False,
) -> None:
    """Compute output sizes, with the formula written out in numbers.

    The operation is cross-correlation, as in networks; flipping the kernel changes no size.
    A step of a chain is conv or pool, a size, and options in any order: p padding (a number, RxC, same,
    valid or full), s stride, d dilation; for conv n filters and g groups; for pool c to round up (ceil mode).

    \b
    Examples:
      convcli shape --n 6 --f 3 --p 1 --s 2
      convcli shape --n 28x32 --f 5 --p same --nc 3 --nf 16
      convcli shape --n 6 --f 3 --p 1 --s 2 --compare
      convcli shape --n 28 --f 5 --s 2 --solve p --out 14
      convcli shape --n 28 --f 5 --s 2 --is 14
      convcli shape --n 7 --f 4 --p 1 --s 2 --transpose
      convcli shape --n 7 --f 3 --p 1 --s 2 --transpose --compare
      convcli shape --n 224 --nc 3 --chain "conv7p3s2n64 pool3p1s2 conv3psamen64"
      convcli shape examples/digits.toml
      convcli shape examples/mnist.toml --input 28x28x1 --classes 10
    """
    given = {
        "CONFIG": config, "--chain": chain, "--compare": compare or None, "--solve": solve,
        "--transpose": transpose or None, "--n": n, "--f": f, "--p": p, "--s": s, "--d": d, "--nc": nc,
        "--ceil-mode": ceil_mode or None, "--nf": nf, "--groups": groups, "--output-padding": output_padding,
        "--out": wanted, "--is": claimed, "--input": volume, "--classes": classes,
    }  # fmt: skip
    mode = _mode({name for name, value in given.items() if value is not None})
    if config is not None:
        return _network(config, volume, classes, json)
    if n is None:
        raise UsageError("Expected --n, the size of the image: convcli shape --n 6 --f 3 --p 1 --s 2.")
    plane = parse_pair(n, "--n")
    if chain is not None:
        return _chain(chain, plane, nc, json)
    if solve is not None:
        return _solve(solve, plane, (f, p, s, d), wanted, json)
    if f is None:
        raise UsageError("Expected --f, the size of the kernel, or --chain: convcli shape --n 6 --f 3.")
    if claimed is not None:
        axes = _axes(plane, (f, p, s, d), ceil_mode, transpose, output_padding)
        return _judge(axes, parse_pair(claimed, "--is"), json)
    from convcli.shapes import Window
    from convcli.shapes.pooling import PoolWindow

    window = (PoolWindow if ceil_mode else Window).of(
        parse_pair(f, "--f"),
        stride=parse_pair(s or "1", "--s"),
        padding=parse_padding(p or "valid", "--p"),
        dilation=parse_pair(d or "1", "--d"),
        ceil_mode=ceil_mode,
    )
    if mode == "--compare":
        return _compare(plane, window, transpose, output_padding, json)
    from convcli.render.sizes import SizeReport, TransposedReport

    report = SizeReport(plane, window, nc, nf, groups)
    if transpose:
        extra = parse_pair(output_padding or "0", "--output-padding")
        report = TransposedReport(plane, window, nc, nf, groups, extra)
    return print_json(report.document()) if json else out_text(report.text())


def _mode(given: set[str]) -> str:
    """Return which way is asked, or complain about options that do not go with it."""
    mode = next((name for name in MODES if name in given), None)
    if mode is None:
        raise UsageError("Expected --n and --f, or a CONFIG: convcli shape --n 6 --f 3 --p 1 --s 2.")
    foreign = sorted(given - MODES[mode] - {mode})
    if foreign:
        way = "a CONFIG" if mode == "CONFIG" else mode
        own = ", ".join(sorted(MODES[mode]))
        raise UsageError(f"{', '.join(foreign)} cannot go with {way}, which takes {own} and --json.")
    return mode


def _compare(plane: Pair, window: Window, transpose: bool, output_padding: str | None, json: bool) -> None:
    from convcli.render.comparison import comparison_document, comparison_view
    from convcli.shapes.conventions import Axis, axes
    from convcli.shapes.transposed_conventions import transposed_axes

    rows: Axis
    columns: Axis
    if transpose:
        extra = None if output_padding is None else parse_pair(output_padding, "--output-padding")
        rows, columns = transposed_axes(plane, window, extra)
    elif output_padding is not None:
        raise UsageError("--output-padding cannot go with --compare alone; add --transpose.")
    else:
        rows, columns = axes(plane, window)
    if json:
        return print_json(comparison_document(rows, columns))
    return show(comparison_view(rows, columns, console().width))


def _chain(text: str, plane: Pair, channels: int | None, json: bool) -> None:
    from convcli.shapes.chain import links, parse_chain

    steps = parse_chain(text)
    found = list(links(steps, plane, channels or 1))
    from convcli.render.chain import chain_document, chain_view

    if json:
        return print_json(chain_document(found))
    counted = channels is not None or any(step.filters for step in steps)
    return show(chain_view(found, with_costs=counted))


def _solve(
    unknown: Unknown, plane: Pair, options: tuple[str | None, ...], wanted: str | None, json: bool
) -> None:
    from convcli.render.solutions import solutions_document, solutions_text
    from convcli.shapes.solving import solve

    f, p, s, d = options
    if wanted is None:
        raise UsageError(f"--solve {unknown} needs --out, the size wanted.")
    if {Unknown.f: f, Unknown.p: p, Unknown.s: s, Unknown.d: d}[unknown] is not None:
        raise UsageError(f"--solve {unknown} asks for {unknown}; leave --{unknown} out.")
    if f is None and unknown is not Unknown.f:
        raise UsageError(f"--solve {unknown} needs --f, the size of the kernel.")
    rows, columns = _axes(plane, options)
    target = parse_pair(wanted, "--out")
    answers = solve(unknown, rows, target[0]), solve(unknown, columns, target[1])
    if json:
        return print_json(solutions_document((rows, columns), answers))
    return out_text(solutions_text((rows, columns), answers))


def _judge(axes: tuple[Given, Given], claimed: Pair, json: bool) -> None:
    from convcli.render.claims import claim_document, claim_text
    from convcli.shapes.claims import judge

    judged = judge(axes, claimed)
    if json:
        print_json(claim_document(judged))
    else:
        out_text(claim_text(judged))
    if not judged.right:
        raise typer.Exit(CheckError.exit_code)


def _axes(
    plane: Pair,
    options: tuple[str | None, ...],
    ceil_mode: bool = False,
    transposed: bool = False,
    output_padding: str | None = None,
) -> tuple[Given, Given]:
    """Return rows and columns, of what the options f, p, s and d say."""
    if ceil_mode and transposed:
        raise UsageError("--ceil-mode is of a pool, --transpose of a convolution: leave one out.")
    if output_padding is not None and not transposed:
        raise UsageError("--output-padding goes with --transpose.")
    f, p, s, d = options
    sizes, strides, dilations = (
        parse_pair(text or "1", name) for text, name in ((f, "--f"), (s, "--s"), (d, "--d"))
    )
    extra = parse_pair(output_padding or "0", "--output-padding")
    padding = parse_padding(p or "valid", "--p")
    sides = (padding, padding) if isinstance(padding, str) else padding
    rows, columns = (
        Given(plane[i], sizes[i], sides[i], strides[i], dilations[i], ceil_mode, transposed, extra[i])
        for i in range(2)
    )
    return rows, columns


def _network(path: Path, volume: str | None, classes: int | None, json: bool) -> None:
    from convcli.render.network import geometry_view, network_document, network_table

    network, file = configured_network(path, (), volume, classes)
    if json:
        return print_json(network_document(network))
    show(network_table(network, file.name))
    return show(geometry_view(network))
