"""`convcli gradcheck`: whether the derivatives that training uses are the derivatives."""

from __future__ import annotations

from typing import Annotated

import typer

from convcli.cli.options import Classes, Configuration, Json, Overrides, configured_network
from convcli.cli.output import out_text, print_json, show
from convcli.errors import CheckError


def gradcheck(
    config: Configuration,
    overrides: Overrides = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="The largest relative error that is allowed.")
    ] = 1e-6,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Of the weights, inputs, coordinates and directions drawn.")
    ] = 0,
    volume: Annotated[
        str | None, typer.Option("--input", help="HxWxC of an image, so that the data is not read.")
    ] = None,
    classes: Classes = None,
    json: Json = False,
) -> None:
    """Check every gradient of a network: analytic against central differences, in float64.

    Each layer alone, in the shape it has in the network, then the loss, then the whole network through its
    loss. An array is checked at random coordinates and along random directions that change every number of
    it at once, so that one wrong derivative shows wherever it is; large maps mostly along directions. Steps
    over a kink (relu, max_pool) give themselves away, as the difference does not settle when they shrink;
    they are made smaller or drawn again. Exit code 3 if an error is not below the tolerance.

    \b
    Examples:
      convcli gradcheck examples/digits.toml
      convcli gradcheck examples/mnist.toml --input 28x28x1 --classes 10 --json
      convcli gradcheck examples/digits.toml --set layers.1.activation=tanh --seed 7
    """

    from convcli.proof.gradcheck import check_count, check_network
    from convcli.render.checks import (
        gradient_document,
        gradient_failure,
        gradient_summary,
        gradient_table,
    )
    from convcli.render.progress import steps

    network, file = configured_network(config, overrides or (), volume, classes)
    checks = []
    with steps(check_count(network), "checking gradients") as advance:
        for check in check_network(network, file.config.training.loss, seed):
            checks.append(check)
            advance()
    if json:
        print_json(gradient_document(checks, tolerance))
    else:
        show(gradient_table(checks, tolerance))
    if failure := gradient_failure(checks, tolerance):
        raise CheckError(*failure)
    if not json:
        out_text(gradient_summary(checks, tolerance))
