"""A network and its data as a table, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from convcli.data import Dataset
from convcli.nn.layer import Layer, Shape
from convcli.nn.layers import Conv
from convcli.nn.network import Network
from convcli.render.sizes import SHORT_FORMULA, in_numbers, short_formula
from convcli.shapes import AXES, Pair, ReceptiveField, Window
from convcli.shapes.volume import volume_bytes
from convcli.wording import by, memory, printable, short_pair, shown


@dataclass(frozen=True)
class LayerRow:
    """One layer's line in the table; `parameters` are those that are trained."""

    number: int
    type: str
    options: str
    output: Shape
    parameters: int
    frozen: int
    multiply_adds: int
    input: Shape
    window: Window | None
    field: ReceptiveField | None
    column_bytes: int

    @property
    def receptive_field(self) -> Pair | None:
        """Rows and columns of the image that a cell sees."""
        return self.field.size if self.field else None


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
            *network.parameter_counts(number),
            layer.multiply_adds(shape_in),
            shape_in,
            window,
            field if len(shape_out) == 3 else None,
            _column_bytes(layer, shape_in, shape_out),
        )


def size_in_numbers(row: LayerRow) -> str:
    """Return how the size of a layer's output comes about; nothing where it stays or is an option."""
    if row.window is not None:
        return short_formula((row.input[0], row.input[1]), row.window)
    return _product(row.input) if len(row.input) > len(row.output) else ""


def parameters_in_numbers(network: Network, number: int) -> str:
    """Return how many weights layer `number` (from 1) has, array by array: `3·3·1·12 + 12`."""
    slots = network.trained.layers[number - 1] or network.kept.layers[number - 1]  # kept where frozen
    return " + ".join(_product(slot.initial.shape) for slot in slots)


def multiply_adds_in_numbers(network: Network, number: int) -> str:
    """Return the multiplications of layer `number` (from 1): positions times weights, `28·28 · 3·3·1·12`."""
    slots = (*network.trained.layers[number - 1], *network.kept.layers[number - 1])
    weights = [slot.initial.shape for slot in slots if slot.name == "W"]
    positions = network.shapes[number][:-1]
    return " · ".join(_product(shape) for shape in (positions, *weights) if shape)


def _product(sizes: Shape) -> str:
    return "·".join(map(str, sizes))


def _column_bytes(layer: Layer, shape_in: Shape, shape_out: Shape) -> int:
    """Return the memory of all windows of a convolution side by side, in float32."""
    if not isinstance(layer, Conv):
        return 0
    return volume_bytes(*shape_out[:2], *layer.kernel, shape_in[2])


def network_table(network: Network, title: str) -> Table:
    """Return the table of a network."""
    table = Table(box=SIMPLE_HEAD, title_justify="left", title_style="bold", show_footer=True)
    table.title = printable(title)
    rows = list(layer_rows(network))
    counts = {"parameters": [row.parameters for row in rows]}
    if any(frozen := [row.frozen for row in rows]):
        counts = {"trained": counts["parameters"], "frozen": frozen}
    counts["mult-adds"] = [row.multiply_adds for row in rows]
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("layer", footer="total", no_wrap=True)
    table.add_column("options")
    totals = {name: f"{sum(column):,}" for name, column in counts.items()}
    for name, footer in {"output": "", **totals, "sees": ""}.items():
        table.add_column(name, footer=footer, justify="right", no_wrap=True)
    table.add_row("", "input", "", by(network.shapes[0]))
    for row, *numbers in zip(rows, *counts.values(), strict=True):
        cells = (f"{count:,}" if count else "" for count in numbers)
        sees = by(row.receptive_field) if row.receptive_field else ""
        table.add_row(str(row.number), row.type, row.options, by(row.output), *cells, sees)
    return table


def geometry_view(network: Network) -> Group:
    """Return sizes in numbers, where each layer looks, and the memory of one image in float32."""
    table = Table(box=SIMPLE_HEAD, show_footer=True)
    rows = list(layer_rows(network))
    activations = sum(volume_bytes(*shape) for shape in network.shapes)
    largest = max(row.column_bytes for row in rows)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("layer", footer="total", no_wrap=True)
    table.add_column("size")
    for name, footer in (
        ("jump", ""),
        ("centre", ""),
        ("unused", ""),
        ("memory", memory(activations)),
        ("columns", f"≤ {memory(largest)}" if largest else ""),
    ):
        table.add_column(name, footer=footer, justify="right", no_wrap=True)
    table.add_row("", "input", "", "1", "0", "", memory(volume_bytes(*network.shapes[0])), "")
    for row in rows:
        plane = (row.input[0], row.input[1]) if row.window else (0, 0)
        table.add_row(
            str(row.number),
            row.type,
            short_formula(plane, row.window) if row.window else "",
            short_pair(row.field.jump) if row.field else "",
            short_pair(row.field.centre) if row.field else "",
            short_pair(row.window.remainder(plane)) if row.window else "",
            memory(volume_bytes(*row.output)),
            memory(row.column_bytes) if row.column_bytes else "",
        )
    return Group(table, Text(f"size = {SHORT_FORMULA}"))


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
                "frozen": row.frozen,
                "multiply_adds": row.multiply_adds,
                "receptive_field": list(row.receptive_field) if row.receptive_field else None,
                "jump": list(row.field.jump) if row.field else None,
                "start": list(row.field.start) if row.field else None,
                "centre": list(row.field.centre) if row.field else None,
                **_window_document(row),
                "memory": {"output": volume_bytes(*row.output), "columns": row.column_bytes},
            }
            for row in rows
        ],
        "output": list(network.shapes[-1]),
        "parameters": sum(row.parameters for row in rows),
        "frozen": sum(row.frozen for row in rows),
        "multiply_adds": sum(row.multiply_adds for row in rows),
        "memory": {
            "activations": sum(volume_bytes(*shape) for shape in network.shapes),
            "largest_columns": max(row.column_bytes for row in rows),
        },
    }


def _window_document(row: LayerRow) -> dict[str, Any]:
    if row.window is None:
        return {"formula": None, "unused": None}
    plane = (row.input[0], row.input[1])
    formulas = (in_numbers(n, row.window, axis) for axis, n in enumerate(plane))
    return {
        "formula": dict(zip(AXES, formulas, strict=True)),
        "unused": list(row.window.remainder(plane)),
    }


def data_lines(parts: Mapping[str, Dataset | None]) -> str:
    """Return what the data holds, for a person to read."""
    sizes = [f"{name} {len(part):,}" for name, part in parts.items() if part is not None]
    train = parts["train"]
    assert train is not None
    names = ", ".join(map(shown, train.classes[:12])) + (", …" if len(train.classes) > 12 else "")
    return f"images: {', '.join(sizes)}, each {by(train.shape)}\nclasses: {len(train.classes)} ({names})"


def data_document(parts: Mapping[str, Dataset | None]) -> dict[str, Any]:
    """Return the same as plain JSON."""
    train = parts["train"]
    assert train is not None
    return {
        "images": {name: len(part) for name, part in parts.items() if part is not None},
        "shape": list(train.shape),
        "classes": list(train.classes),
    }
