"""A network and its data as a table, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from convcli.data import Dataset
from convcli.formats.toml import inline
from convcli.nn.augmentation import AugmentationOptions
from convcli.nn.layer import HOLDING, Initial, Shape
from convcli.nn.network import Network
from convcli.nn.places import Place
from convcli.shapes import Pair, ReceptiveField, Window, formulas
from convcli.shapes.transposed import Transposed
from convcli.shapes.volume import volume_bytes
from convcli.wording import by, first_of, memory, printable, short_pair, shown


@dataclass(frozen=True)
class LayerRow:
    """One layer's line in the table; `parameters` are those that are trained."""

    place: Place
    parameters: int
    frozen: int
    multiply_adds: int
    window: Window | None
    transposed: Transposed | None
    column_bytes: int

    @property
    def field(self) -> ReceptiveField | None:
        """What a cell sees of the image, as long as the output is a volume."""
        return self.place.field if len(self.place.output) == 3 else None

    @property
    def receptive_field(self) -> Pair | None:
        """Rows and columns of the image that a cell sees."""
        return self.field.size if self.field else None

    @property
    def formula(self) -> str:
        """The size formula of its window with its numbers, if it has one."""
        window = self.window or self.transposed
        return formulas.short_in_numbers(self.plane, window) if window else ""

    @property
    def plane(self) -> Pair:
        """Rows and columns of a volume that goes in."""
        return self.place.input[0], self.place.input[1]


def layer_rows(network: Network) -> Iterator[LayerRow]:
    """Yield a row for each layer."""
    for place in network.places:
        layer, shape = place.layer, place.input
        yield LayerRow(
            place,
            place.trained,
            place.frozen,
            layer.multiply_adds(shape),
            layer.window(shape),
            layer.transposed(shape),
            layer.column_bytes(shape),
        )


def size_in_numbers(row: LayerRow) -> str:
    """Return how the size of a layer's output comes about; nothing where it stays or is an option."""
    if row.formula:
        return row.formula
    given = row.place.input
    return _product(given) if len(given) > len(row.place.output) else ""


def parameters_in_numbers(place: Place) -> str:
    """Return how many weights of its own a layer has, array by array: `3·3·1·12 + 12`."""
    own = [initial for initial in _own(place) if initial.kind != "running"]
    return _beside_inner(place, " + ".join(_product(initial.shape) for initial in own))


def multiply_adds_in_numbers(place: Place) -> str:
    """Return the multiplications of a layer itself: positions times weights, `28·28 · 3·3·1·12`."""
    weights = [_product(initial.shape) for initial in _own(place) if initial.decays]
    each = f"({' + '.join(weights)})" if len(weights) > 1 else "".join(weights)
    positions = place.input if place.layer.transposed(place.input) else place.output
    formula = " · ".join(filter(None, (_product(positions[:-1]), each))) if weights else ""
    return _beside_inner(place, formula)


def _beside_inner(place: Place, formula: str) -> str:
    """Return the formula of a layer's own, where it holds others as well."""
    return f"{formula} and its layers'" if formula and place.layer.children else formula


def _own(place: Place) -> list[Initial]:
    """Return how the arrays of a layer begin that are not those of a layer in it."""
    arrays = place.layer.initial_weights(place.input)
    return [initial for name, initial in arrays.items() if "." not in name]


def _product(sizes: Shape) -> str:
    return "·".join(map(str, sizes))


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
    outer = [not row.place.inner for row in rows]  # whose costs are those of all
    totals = {name: f"{sum(compress(column, outer)):,}" for name, column in counts.items()}
    for name, footer in {"output": "", **totals, "sees": ""}.items():
        table.add_column(name, footer=footer, justify="right", no_wrap=True)
    table.add_row("", "input", "", by(network.shapes[0]))
    for row, *numbers in zip(rows, *counts.values(), strict=True):
        cells = (f"{count:,}" if count else "" for count in numbers)
        sees = by(row.receptive_field) if row.receptive_field else ""
        place = row.place
        options, output = place.options, by(place.output)
        table.add_row(str(place.number), place.layer.name(), options, output, *cells, sees)
    return table


def geometry_view(network: Network) -> Group:
    """Return sizes in numbers, where each layer looks, and the memory of one image in float32."""
    table = Table(box=SIMPLE_HEAD, show_footer=True)
    rows = list(layer_rows(network))
    activations = sum(map(volume_bytes, network.activations))
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
        table.add_row(
            str(row.place.number),
            row.place.layer.name(),
            row.formula,
            short_pair(row.field.jump) if row.field else "",
            short_pair(row.field.centre) if row.field else "",
            short_pair(row.window.remainder(row.plane)) if row.window else "",
            memory(volume_bytes(*row.place.output)),
            memory(row.column_bytes) if row.column_bytes else "",
        )
    lines = [formulas.legend(row.window for row in rows)]
    if any(row.transposed for row in rows):
        lines.append(f"     = {formulas.SHORT_TRANSPOSED_SIZE} of a transposed convolution")
    return Group(table, Text("\n".join(lines)))


def network_document(network: Network) -> dict[str, Any]:
    """Return the same as plain JSON."""
    rows = list(layer_rows(network))
    outer = [row for row in rows if not row.place.inner]
    return {
        "op": "correlate",
        "input": list(network.shapes[0]),
        "layers": [_row_document(row, rows) for row in outer],
        "output": list(network.shapes[-1]),
        "parameters": sum(row.parameters for row in outer),
        "frozen": sum(row.frozen for row in outer),
        "multiply_adds": sum(row.multiply_adds for row in outer),
        "memory": {
            "activations": sum(map(volume_bytes, network.activations)),
            "largest_columns": max(row.column_bytes for row in rows),
        },
    }


def _row_document(row: LayerRow, rows: Iterable[LayerRow]) -> dict[str, Any]:
    place, layer = row.place, row.place.layer
    document = {
        "layer": place.number,
        "type": layer.name(),
        "options": layer.model_dump(mode="json", exclude={"type", "repeat", *HOLDING}),
        "output": list(place.output),
        "parameters": row.parameters,
        "frozen": row.frozen,
        "multiply_adds": row.multiply_adds,
        "receptive_field": list(row.receptive_field) if row.receptive_field else None,
        "jump": list(row.field.jump) if row.field else None,
        "start": list(row.field.start) if row.field else None,
        "centre": list(row.field.centre) if row.field else None,
        **_window_document(row),
        "memory": {"output": volume_bytes(*place.output), "columns": row.column_bytes},
    }
    if layer.children:
        within = [inner for inner in rows if inner.place.within == place.number]
        document["layers"] = [_row_document(inner, rows) for inner in within]
    return document


def _window_document(row: LayerRow) -> dict[str, Any]:
    window = row.window or row.transposed
    return {
        "formula": formulas.by_axis(row.plane, window) if window else None,
        "unused": list(row.window.remainder(row.plane)) if row.window else None,
    }


def data_lines(parts: Mapping[str, Dataset | None]) -> str:
    """Return what the data holds, for a person to read."""
    sizes = [f"{name} {len(part):,}" for name, part in parts.items() if part is not None]
    train = parts["train"]
    assert train is not None
    names = first_of([shown(name) for name in train.classes])
    return f"images: {', '.join(sizes)}, each {by(train.shape)}\nclasses: {len(train.classes)} ({names})"


def augmentation_line(options: AugmentationOptions) -> str:
    """Return what changes training images, as [augmentation] would say it in a line."""
    policy = f' (policy "{options.policy}")' if options.policy else ""
    return f"augmentation{policy}: {inline(options.told) or 'none'}"


def data_document(parts: Mapping[str, Dataset | None]) -> dict[str, Any]:
    """Return the same as plain JSON."""
    train = parts["train"]
    assert train is not None
    return {
        "images": {name: len(part) for name, part in parts.items() if part is not None},
        "shape": list(train.shape),
        "classes": list(train.classes),
    }
