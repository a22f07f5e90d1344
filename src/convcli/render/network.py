"""A network and its data as a table, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from convcli.data import Dataset
from convcli.nn.layer import Shape
from convcli.nn.network import Network
from convcli.render.plain import printable
from convcli.shapes import Pair, ReceptiveField


@dataclass(frozen=True)
class LayerRow:
    """One layer's line in the table."""

    number: int
    type: str
    options: str
    output: Shape
    parameters: int
    multiply_adds: int
    receptive_field: Pair | None


def layer_rows(network: Network) -> Iterator[LayerRow]:
    """Yield a row for each layer; a receptive field is told as long as the output is a volume."""
    field = ReceptiveField()
    for number, layer in enumerate(network.layers, 1):
        shape_in, shape_out = network.shapes[number - 1 : number + 1]
        window = layer.window(shape_in)
        field = field.through(window) if window is not None else field
        yield LayerRow(
            number,
            layer.name(),
            layer.summary(),
            shape_out,
            sum(slot.size for slot in network.trained.layers[number - 1]),
            layer.multiply_adds(shape_in),
            field.size if len(shape_out) == 3 else None,
        )


def network_table(network: Network, title: str) -> Table:
    """Return the table of a network."""
    table = Table(box=SIMPLE_HEAD, title_justify="left", title_style="bold", show_footer=True)
    table.title = printable(title)
    rows = list(layer_rows(network))
    totals = [
        f"{sum(counts):,}" for counts in zip(*((r.parameters, r.multiply_adds) for r in rows), strict=True)
    ]
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("layer", footer="total", no_wrap=True)
    table.add_column("options")
    for name, footer in (("output", ""), ("parameters", totals[0]), ("mult-adds", totals[1]), ("sees", "")):
        table.add_column(name, footer=footer, justify="right", no_wrap=True)
    table.add_row("", "input", "", _by(network.shapes[0]), "", "", "")
    for row in rows:
        sees = _by(row.receptive_field) if row.receptive_field else ""
        counts = (f"{count:,}" if count else "" for count in (row.parameters, row.multiply_adds))
        table.add_row(str(row.number), row.type, row.options, _by(row.output), *counts, sees)
    return table


def network_document(network: Network) -> dict[str, Any]:
    """Return the same as plain JSON."""
    rows = list(layer_rows(network))
    return {
        "op": "correlate",
        "input": list(network.shapes[0]),
        "layers": [
            {
                "layer": row.number,
                "type": row.type,
                "options": network.layers[row.number - 1].model_dump(mode="json", exclude={"type"}),
                "output": list(row.output),
                "parameters": row.parameters,
                "multiply_adds": row.multiply_adds,
                "receptive_field": list(row.receptive_field) if row.receptive_field else None,
            }
            for row in rows
        ],
        "output": list(network.shapes[-1]),
        "parameters": sum(row.parameters for row in rows),
        "multiply_adds": sum(row.multiply_adds for row in rows),
    }


def data_lines(parts: Mapping[str, Dataset | None]) -> str:
    """Return what the data holds, for a person to read."""
    sizes = [f"{name} {len(part):,}" for name, part in parts.items() if part is not None]
    train = parts["train"]
    assert train is not None
    names = ", ".join(train.classes[:12]) + (", …" if len(train.classes) > 12 else "")
    return f"images: {', '.join(sizes)}, each {_by(train.shape)}\nclasses: {len(train.classes)} ({names})"


def data_document(parts: Mapping[str, Dataset | None]) -> dict[str, Any]:
    """Return the same as plain JSON."""
    train = parts["train"]
    assert train is not None
    return {
        "images": {name: len(part) for name, part in parts.items() if part is not None},
        "shape": list(train.shape),
        "classes": list(train.classes),
    }


def _by(shape: Shape) -> str:
    return " × ".join(map(str, shape))
