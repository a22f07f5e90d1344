"""`convcli verify`: whether the engine computes on this machine what slow loops compute."""

from __future__ import annotations

from typing import Annotated

import typer

from convcli.cli.options import Json
from convcli.cli.output import out_text, print_json, show
from convcli.errors import CheckError


def verify(
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the numbers drawn.")] = 0,
    json: Json = False,
) -> None:
    """Hold the engine to slow loops, on this machine: convolution, pooling, filtering, and their gradients.

    The fast ways through the engine (matrix products, Winograd, separable and Fourier filters, …) depend on
    sizes and on the machine's libraries; the table of cases takes each of them, in float64 and float32.
    Errors are relative to the largest number of a result. Exit code 3 if one is too large.

    \b
    Examples:
      convcli verify
      convcli verify --seed 1 --json
    """
    from convcli.proof.verification import verify as verdicts_of
    from convcli.render.checks import verdict_document, verdict_failure, verdict_summary, verdict_table

    verdicts = list(verdicts_of(seed))
    if json:
        print_json(verdict_document(verdicts))
    else:
        show(verdict_table(verdicts))
    if failure := verdict_failure(verdicts):
        raise CheckError(*failure)
    if not json:
        out_text(verdict_summary(verdicts))
