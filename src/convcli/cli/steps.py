"""`convcli steps`: what steps `filter` has, and what options one of them takes."""

from __future__ import annotations

from typing import Annotated

import typer

from convcli.cli.options import Json
from convcli.cli.output import out_text, print_json


def steps(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A step as --step names it: threshold, gray, gaussian."),
    ] = None,
    json: Json = False,
) -> None:
    """List the steps of `filter`, or show one with its options, their defaults and its source.

    A step is written NAME or NAME:OPTION=VALUE,OPTION=VALUE. Every kernel is one, with its parameters and
    how it is laid among the options.

    \b
    Examples:
      convcli steps
      convcli steps invert
      convcli steps gaussian
      convcli steps --json
    """
    from convcli.filtering.steps.parsing import class_of
    from convcli.render.steps import list_document, list_text, step_document, step_text

    if name is None:
        print_json(list_document()) if json else out_text(list_text())
        return
    step = class_of(name)
    print_json(step_document(step)) if json else out_text(step_text(step))
