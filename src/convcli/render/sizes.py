"""One window on a plane in words: the size formula written out in numbers, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convcli.shapes import Pair, ReceptiveField, Window, formulas
from convcli.shapes.transposed import Transposed
from convcli.shapes.volume import Cost, convolution_cost, transposed_cost
from convcli.wording import by, memory, signed


@dataclass(frozen=True)
class SizeReport:
    """What `convcli shape` says of one window.

    Attributes
    ----------
    plane, window
        Rows and columns, and what slides over them.
    channels, filters, groups
        Where one of them is given, costs are told.
    """

    plane: Pair
    window: Window
    channels: int | None = None
    filters: int | None = None
    groups: int | None = None

    @property
    def letters(self) -> str:
        """The formula of its size."""
        return formulas.CEIL_SIZE if self.window.ceil_mode else formulas.SIZE

    @property
    def output(self) -> Pair:
        """Rows and columns that come out."""
        return self.window.output_shape(self.plane)

    @property
    def cost(self) -> Cost | None:
        """What it costs, where channels, filters or groups are given."""
        if not self.depths:
            return None
        return convolution_cost(self.plane, self.output, self.window.size, **self.depths)

    def formula(self, axis: int) -> str:
        """Return the formula of one axis in numbers."""
        return formulas.in_numbers(self.plane, self.window, axis)

    def text(self) -> str:
        """Return it for a person to read."""
        lines = [self._headline(), "", *self._formula_lines()]
        rows, columns = self.window.remainder(self.plane)
        if max(rows, columns) > 0:
            lines += [
                "",
                f"No window reaches the last {max(rows, 0)} row(s) and {max(columns, 0)} column(s).",
            ]
        if min(rows, columns) < 0:
            over = f"{max(-rows, 0)} row(s) and {max(-columns, 0)} column(s)"
            lines += ["", f"The last windows hang over the end by {over}."]
        return "\n".join([*lines, "", *self._facts()])

    @property
    def depths(self) -> dict[str, int]:
        """Channels, filters and groups, where one of them is given."""
        given = {"channels": self.channels, "filters": self.filters, "groups": self.groups}
        if set(given.values()) == {None}:
            return {}
        return {name: value or 1 for name, value in given.items()}

    def _headline(self) -> str:
        inside, outside = by(self.plane), by(self.output)
        if depths := self.depths:
            inside, outside = f"{inside} × {depths['channels']}", f"{outside} × {depths['filters']}"
        return f"{inside} → {outside}"

    def _formula_lines(self) -> list[str]:
        return formulas.lines(self.formula(0), self.formula(1), self.letters)

    def _facts(self) -> list[str]:
        field = ReceptiveField().through(self.window)
        row, column = map(signed, field.centre)
        (top, bottom), (left, right) = self.window.padding
        padded = [f"padding         top {top}, bottom {bottom}, left {left}, right {right}"]
        sees = f"{by(field.size)}, jump {by(field.jump)}, the first centred on row {row}, column {column}"
        lines = padded if any((top, bottom, left, right)) else []
        return [*lines, f"receptive field {sees}", *self._cost_lines()]

    def _cost_lines(self) -> list[str]:
        cost = self.cost
        if cost is None:
            return []
        channels, filters, groups = self.depths.values()
        depth = f"({channels}/{groups})" if groups > 1 else str(channels)
        kernels = f"{self.window.size[0]}·{self.window.size[1]}·{depth}·{filters}"
        rows, columns = self._positions()
        sizes = f"in {memory(cost.input_bytes)}, out {memory(cost.output_bytes)}"
        return [
            f"parameters    = {kernels} + {cost.biases} = {cost.parameters:,}",
            f"multiply-adds = {kernels} · {rows}·{columns} = {cost.multiply_adds:,}",
            f"memory          {sizes}, columns (im2col) {memory(cost.column_bytes)}; float32, one image",
        ]

    def _positions(self) -> Pair:
        return self.output

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "output": list(self.output),
            "op": "correlate",
            **self._options(),
            "unused": list(self.window.remainder(self.plane)),
            "formula": {"out": self.letters, "rows": self.formula(0), "columns": self.formula(1)},
            "receptive_field": field_document(ReceptiveField().through(self.window)),
            **self._cost_document(),
        }

    def _options(self) -> dict[str, Any]:
        return {
            "n": list(self.plane),
            "f": list(self.window.size),
            "padding": [list(side) for side in self.window.padding],
            "stride": list(self.window.stride),
            "dilation": list(self.window.dilation),
        }

    def _cost_document(self) -> dict[str, Any]:
        cost = self.cost
        return {} if cost is None else {**self.depths, **cost_document(cost)}


@dataclass(frozen=True)
class TransposedReport(SizeReport):
    """The same for a transposed convolution."""

    output_padding: Pair = (0, 0)

    @property
    def letters(self) -> str:
        return formulas.TRANSPOSED_SIZE

    @property
    def transposed(self) -> Transposed:
        """The window, used backwards."""
        return Transposed(self.window, self.output_padding)

    @property
    def output(self) -> Pair:
        return self.transposed.output_shape(self.plane)

    @property
    def cost(self) -> Cost | None:
        if not self.depths:
            return None
        return transposed_cost(self.plane, self.output, self.window.size, **self.depths)

    def formula(self, axis: int) -> str:
        return formulas.transposed_in_numbers(self.plane, self.transposed, axis)

    def text(self) -> str:
        back = self.window.output_shape(self.output)
        lines = [
            f"{self._headline()}, transposed",
            "",
            *self._formula_lines(),
            "",
        ]
        if back == self.plane:
            lines.append(f"A convolution with the same numbers takes {by(self.output)} back to {by(back)}.")
            if max(self.window.stride) > 1:
                lines.append("At that stride it does so from several sizes: --output-padding picks one.")
        else:
            lines.append(
                f"A convolution with the same numbers takes {by(self.output)} to {by(back)}, not back: "
                "the output padding reaches the stride."
            )
        return "\n".join([*lines, *(["", *self._cost_lines()] if self.depths else [])])

    def _positions(self) -> Pair:
        return self.plane

    def document(self) -> dict[str, Any]:
        return {
            "output": list(self.output),
            "op": "transposed",
            **self._options(),
            "output_padding": list(self.output_padding),
            "formula": {"out": self.letters, "rows": self.formula(0), "columns": self.formula(1)},
            "back": list(self.window.output_shape(self.output)),
            **self._cost_document(),
        }


def field_document(field: ReceptiveField) -> dict[str, Any]:
    """Return a receptive field as plain JSON."""
    return {
        "size": list(field.size),
        "jump": list(field.jump),
        "start": list(field.start),
        "centre": list(field.centre),
    }


def cost_document(cost: Cost) -> dict[str, Any]:
    """Return what a convolution costs as plain JSON."""
    return {
        "weights": cost.weights,
        "biases": cost.biases,
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "memory": {"input": cost.input_bytes, "output": cost.output_bytes, "columns": cost.column_bytes},
    }
