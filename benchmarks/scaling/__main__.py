"""`python -m benchmarks.scaling`: the model's table, for ranks, links and networks that are named."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.scaling.fitting import SHAPES, fit_network, links
from benchmarks.scaling.links import Link
from benchmarks.scaling.model import Network, cut_for, efficiency, pays_from, slower, step
from benchmarks.scaling.stored import stored

out = Console(highlight=False, width=None if sys.stdout.isatty() else 100)


def scaling(
    ranks: Annotated[
        list[int] | None, typer.Option(min=1, help="How many; several times for several rows.")
    ] = None,
    network: Annotated[str, typer.Option(help=f"Measured: {', '.join(SHAPES)}.")] = "seed",
    batch: Annotated[int, typer.Option(min=1, help="Images in a batch, of all ranks together.")] = 8192,
    threads: Annotated[int, typer.Option(min=1, help="Of each rank, each with a core.")] = 1,
    latency: Annotated[float, typer.Option(min=0, help="Seconds of a message to another rank.")] = 30e-6,
    bandwidth: Annotated[float, typer.Option(min=1, help="Bits a second of a rank, each way.")] = 10e9,
    overhead: Annotated[float, typer.Option(min=0, help="Seconds of a core for a message.")] = 5e-6,
    handshake: Annotated[float, typer.Option(min=0, help="Latencies more of a long message.")] = 1.0,
    plain: Annotated[bool, typer.Option("--plain", help="MPI's Allreduce, not the fixed tree.")] = False,
    image: Annotated[
        float | None, typer.Option(min=0, help="Seconds of a core for an image; as measured if not given.")
    ] = None,
    fixed: Annotated[
        float | None, typer.Option(min=0, help="Seconds a step that every rank takes; as measured.")
    ] = None,
    parameters: Annotated[
        int | None, typer.Option(min=1, help="Of the network; its own if not given.")
    ] = None,
    piece: Annotated[int | None, typer.Option(min=1, help="Images in a piece; its own if not given.")] = None,
    meetings: Annotated[int, typer.Option(min=0, help="Of batch_norm: two for each such layer.")] = 0,
    figures: Annotated[int, typer.Option(min=0, help="Numbers of a piece at each meeting.")] = 128,
) -> None:
    """Print what the model says of a step: its parts, how many a second, and how well ranks are used.

    As many lanes are taken as there are workers, where convcli has fewer; such rows are marked.
    """
    if network not in SHAPES:
        raise typer.BadParameter(f"{network!r}; there are {', '.join(SHAPES)}.", param_hint="--network")
    document = stored()
    found = fit_network(network, document, links(document)["shared memory"])
    asked = Network(
        network,
        parameters or found.parameters,
        piece or found.piece,
        found.image if image is None else image,
        found.image_alone if image is None else image,
        found.fixed if fixed is None else fixed,
        found.add,
        meetings,
        figures,
    )
    link = Link("", latency, bandwidth / 8, overhead, handshake)
    out.print(
        f"{network}: {asked.parameters:,} parameters, {1e3 * asked.image:.2f} ms an image, batch {batch:,}; "
        f"link: {1e6 * latency:g} µs, {bandwidth / 1e9:g} Gb/s; {'plain' if plain else 'fixed tree'}"
    )
    out.print(rows_of(asked, link, ranks or [1, 2, 4, 8, 16, 32, 64], batch, threads, plain=plain))
    workers = threads * max(ranks or [64])
    if cut_for(asked, batch, workers).lanes > asked.most_lanes:
        out.print(
            f"* convcli has {asked.most_lanes} lanes at most: this is what as many as workers would do."
        )
    for count in ranks or [64]:
        if count > 1:
            least = pays_from(asked, link, count, plain=plain)
            from_batch = f"from a batch of {least:,} images" if least else "with no batch"
            out.print(f"{count:,} ranks are half used or better {from_batch}.")
    most = slower(asked, batch, link, plain=plain)
    out.print(
        f"With a batch of {batch:,} a step takes longer again on more than {most:,} rank{'s' * (most > 1)}."
    )


def rows_of(
    network: Network, link: Link, ranks: list[int], batch: int, threads: int, *, plain: bool
) -> Table:
    """Return a row for each number of ranks."""
    table = Table(
        "ranks", "lanes", "compute ms", "fixed ms", "exchange ms", "steps/s", "images/s", "efficiency"
    )
    for count in ranks:
        cut = cut_for(network, batch, count * threads)
        told = step(network, cut, link, count, threads, plain=plain)
        table.add_row(
            f"{count:,}",
            f"{cut.lanes}{'*' * (cut.lanes > network.most_lanes)}",
            f"{1e3 * told.compute:,.1f}",
            f"{1e3 * told.fixed:,.1f}",
            f"{1e3 * told.exchange.seconds:,.1f}",
            f"{1 / told.seconds:,.2f}",
            f"{batch / told.seconds:,.0f}",
            f"{efficiency(network, batch, link, count, threads, plain=plain):.0%}",
        )
    return table


if __name__ == "__main__":
    typer.run(scaling)
