"""`convcli kernels`: what kernels there are, and what one of them looks like."""

from __future__ import annotations

from typing import Annotated

import typer

from convcli.cli.output import out, print_json


def kernels(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A kernel as --kernel takes it: sobel, gaussian:sigma=2, @FILE."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the named kernels, or show one: weights, sum, parameters, source.

    Weights are shown as `filter` lays them on the image by default: unflipped (cross-correlation).

    \b
    Examples:
      convcli kernels
      convcli kernels sobel
      convcli kernels gaussian:sigma=2
      convcli kernels gabor --json
    """
    from convcli.kernels import parse
    from convcli.render.kernels import kernel_document, kernel_text, list_document, list_text

    if name is None:
        print_json(list_document()) if json else out(list_text())
    else:
        kernel = parse(name)
        print_json(kernel_document(kernel)) if json else out(kernel_text(kernel))
