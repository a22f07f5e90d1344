"""A chain of windows as a table: size, formula, and what each step sees of the first plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from convcli.render.sizes import cost_document, field_document
from convcli.shapes import formulas
from convcli.shapes.chain import Link
from convcli.shapes.volume import volume_bytes
from convcli.wording import by, memory, short_pair


def chain_view(links: Sequence[Link], *, with_costs: bool) -> Group:
    """Return the table of a chain, and, if wanted, what it costs."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("step", no_wrap=True)
    for name in ("size", "formula", "sees", "jump", "start", "unused"):
        table.add_column(name, justify="left" if name == "formula" else "right", no_wrap=name != "formula")
    first = links[0]
    table.add_row("input", by(first.plane), "", "1", "1", "0", "")
    for link in links:
        table.add_row(
            link.step.text,
            by(link.output),
            formulas.short_in_numbers(link.plane, link.step.window),
            *map(short_pair, (link.field.size, link.field.jump, link.field.start)),
            short_pair(link.step.window.remainder(link.plane)),
        )
    costs = [_cost_table(links)] if with_costs else []
    return Group(table, Text(formulas.legend(link.step.window for link in links)), *costs)


def _cost_table(links: Sequence[Link]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_footer=True)
    costs = [link.cost for link in links]
    first = links[0]
    activations = volume_bytes(*first.plane, first.channels) + sum(cost.output_bytes for cost in costs)
    table.add_column("step", footer="total", no_wrap=True)
    table.add_column("volume", justify="right")
    for name, footer in (
        ("parameters", f"{sum(cost.parameters for cost in costs):,}"),
        ("mult-adds", f"{sum(cost.multiply_adds for cost in costs):,}"),
        ("memory", memory(activations)),
        ("columns", f"≤ {memory(max(cost.column_bytes for cost in costs))}"),
    ):
        table.add_column(name, footer=footer, justify="right", no_wrap=True)
    table.add_row("input", by((*first.plane, first.channels)), "", "", memory(costs[0].input_bytes), "")
    for link in links:
        cost = link.cost
        table.add_row(
            link.step.text,
            by((*link.output, link.filters)),
            *(f"{count:,}" if count else "" for count in (cost.parameters, cost.multiply_adds)),
            memory(cost.output_bytes),
            memory(cost.column_bytes) if cost.column_bytes else "",
        )
    return table


def chain_document(links: Sequence[Link]) -> dict[str, Any]:
    """Return the same as plain JSON."""
    first, last = links[0], links[-1]
    return {
        "op": "correlate",
        "input": [*first.plane, first.channels],
        "steps": [_document(link) for link in links],
        "output": [*last.output, last.filters],
        "receptive_field": field_document(last.field),
        "parameters": sum(link.cost.parameters for link in links),
        "multiply_adds": sum(link.cost.multiply_adds for link in links),
        "memory": {
            "activations": sum(link.cost.output_bytes for link in links) + first.cost.input_bytes,
            "largest_columns": max(link.cost.column_bytes for link in links),
        },
    }


def _document(link: Link) -> dict[str, Any]:
    step, window = link.step, link.step.window
    return {
        "step": step.text,
        "kind": step.kind,
        "f": list(window.size),
        "padding": [list(side) for side in window.padding],
        "stride": list(window.stride),
        "dilation": list(window.dilation),
        "ceil_mode": window.ceil_mode,
        "groups": step.groups,
        "output": [*link.output, link.filters],
        "formula": formulas.by_axis(link.plane, window),
        "receptive_field": field_document(link.field),
        "unused": list(window.remainder(link.plane)),
        **cost_document(link.cost),
    }
