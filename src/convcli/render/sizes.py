"""A window on a plane in words: the size formula written out in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convcli.shapes import Pair, Window

FORMULA = "⌊(n + p_before + p_after − d(f−1) − 1) / s⌋ + 1"


@dataclass(frozen=True)
class SizeReport:
    """What `convcli shape` says of one window; `channels` and `filters` count parameters where given."""

    plane: Pair
    window: Window
    channels: int | None = None
    filters: int | None = None

    @property
    def output(self) -> Pair:
        """Rows and columns that come out."""
        return self.window.output_shape(self.plane)

    def formula(self, axis: int) -> str:
        """Return the formula of one axis in numbers."""
        n, f, s, d = (pair[axis] for pair in (self.plane, *self._options()))
        before, after = self.window.padding[axis]
        room = n + before + after - d * (f - 1) - 1
        numbers = f"({n} + {before} + {after} − {d}·({f}−1) − 1)"
        return f"⌊{numbers} / {s}⌋ + 1 = ⌊{room} / {s}⌋ + 1 = {self.output[axis]}"

    def _options(self) -> tuple[Pair, Pair, Pair]:
        return self.window.size, self.window.stride, self.window.dilation

    def counts(self) -> dict[str, int]:
        """Return parameters and multiply-adds, where channels or filters are given."""
        if self.channels is None and self.filters is None:
            return {}
        channels, filters = self.channels or 1, self.filters or 1
        (f_h, f_w), (rows, columns) = self.window.size, self.output
        weights = f_h * f_w * channels * filters
        return {
            "channels": channels,
            "filters": filters,
            "weights": weights,
            "biases": filters,
            "parameters": weights + filters,
            "multiply_adds": weights * rows * columns,
        }

    def text(self) -> str:
        """Return it for a person to read."""
        (rows, columns), (n_h, n_w) = self.output, self.plane
        counts = self.counts()
        depth_in = f" × {counts['channels']}" if counts else ""
        depth_out = f" × {counts['filters']}" if counts else ""
        lines = [f"{n_h} × {n_w}{depth_in} → {rows} × {columns}{depth_out}", "", f"out = {FORMULA}"]
        square = self.formula(0) == self.formula(1)
        names = ["out"] if square else ["rows", "columns"]
        lines += [f"{name} = {self.formula(axis)}" for axis, name in enumerate(names)]
        unused = self.window.remainder(self.plane)
        if any(unused):
            lines += ["", f"No window reaches the last {unused[0]} row(s) and {unused[1]} column(s)."]
        if counts:
            f_h, f_w = self.window.size
            kernels = f"{f_h}·{f_w}·{counts['channels']}·{counts['filters']}"
            lines += [
                "",
                f"parameters    = {kernels} + {counts['filters']} = {counts['parameters']:,}",
                f"multiply-adds = {kernels} · {rows}·{columns} = {counts['multiply_adds']:,}",
            ]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "output": list(self.output),
            "op": "correlate",
            "n": list(self.plane),
            "f": list(self.window.size),
            "padding": [list(side) for side in self.window.padding],
            "stride": list(self.window.stride),
            "dilation": list(self.window.dilation),
            "unused": list(self.window.remainder(self.plane)),
            "formula": {"out": FORMULA, "rows": self.formula(0), "columns": self.formula(1)},
            **self.counts(),
        }
