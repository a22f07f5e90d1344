"""What the checks found: errors as tables, with those that are too large marked, and in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from convcli.proof.gradcheck import Check
from convcli.proof.verification import TOLERANCES, Verdict
from convcli.wording import relative_error

MOST_NAMED = 4
WRONG = "bold red"


def gradient_table(checks: Sequence[Check], tolerance: float) -> Table:
    """Return a row for each layer: its gradients alone, and its weights' through the whole network."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("layer", no_wrap=True)
    for name in ("options", "x", "weights", "in the network"):
        table.add_column(name, no_wrap=name == "x")
    whole = checks[-1].errors
    for check in checks:
        weights = {name: value for name, value in check.errors.items() if name != "x" and check.layers}
        prefix = f"{check.layers[0]}." if len(check.layers) == 1 else None
        inside = {
            name.removeprefix(prefix): whole[name] for name in whole if prefix and name.startswith(prefix)
        }
        table.add_row(
            _span(check.layers),
            *((check.options, check.type) if len(check.layers) > 1 else (check.type, check.options)),
            _cell({"": check.errors.get("x", check.errors.get("outputs", 0.0))}, tolerance),
            _cell(weights, tolerance),
            _cell(inside, tolerance),
        )
    return table


def gradient_summary(checks: Sequence[Check], tolerance: float) -> str:
    """Return what came out where all is well."""
    errors = [value for check in checks for value in check.errors.values()]
    largest = f"largest error {relative_error(max(errors))}, allowed {tolerance:g}"
    return f"All {len(errors)} gradients agree with differences: {largest}."


def gradient_failure(checks: Sequence[Check], tolerance: float) -> tuple[str, ...]:
    """Return which gradients are wrong, in lines; none if all are right."""
    total = sum(len(check.errors) for check in checks)
    wrong = [
        f"{check.name}: {name} is off by {relative_error(value)}"
        for check in checks
        for name, value in check.failed(tolerance).items()
    ]
    return _failure(wrong, f"of {total} gradients differ from differences by more than {tolerance:g}")


def gradient_document(checks: Sequence[Check], tolerance: float) -> dict[str, Any]:
    """Return the same as plain JSON; an error that could not be measured is null."""
    return {
        "holds": not any(check.failed(tolerance) for check in checks),
        "tolerance": tolerance,
        "checks": [
            {
                "layers": list(check.layers),
                "type": check.type,
                "options": check.options,
                "holds": not check.failed(tolerance),
                "errors": _finite(check.errors),
            }
            for check in checks
        ],
    }


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Return a row for each case: its largest error in each dtype, and in which result."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("operation", no_wrap=True)
    table.add_column("case")
    for dtype, tolerance in TOLERANCES.items():
        table.add_column(f"{dtype} < {tolerance:g}", no_wrap=True)
    rows: dict[tuple[str, str], list[Text]] = {}
    for verdict in verdicts:
        name, value = max(verdict.errors.items(), key=lambda item: item[1])
        cells = rows.setdefault((verdict.operation, verdict.case), [])
        cells.append(_cell({name: value}, TOLERANCES[verdict.dtype]))
    before = ""
    for (operation, case), cells in rows.items():
        table.add_row("" if operation == before else operation, case, *cells)
        before = operation
    return table


def verdict_summary(verdicts: Sequence[Verdict]) -> str:
    """Return what came out where all is well."""
    largest = {
        dtype: max(verdict.error for verdict in verdicts if verdict.dtype == dtype) for dtype in TOLERANCES
    }
    told = ", ".join(f"{relative_error(value)} in {dtype}" for dtype, value in largest.items())
    return f"All {len(verdicts)} comparisons hold: largest error {told}."


def verdict_failure(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Return which cases differ, in lines; none if all hold."""
    wrong = [
        f"{verdict.operation}, {verdict.case}, {verdict.dtype}: {name} is off by {relative_error(value)}"
        for verdict in verdicts
        for name, value in verdict.failed.items()
    ]
    return _failure(wrong, f"results of {len(verdicts)} comparisons are not what slow loops give")


def verdict_document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the same as plain JSON; an infinite error (another shape, not a number) is null."""
    return {
        "holds": not any(verdict.failed for verdict in verdicts),
        "tolerances": TOLERANCES,
        "cases": [
            {
                "operation": verdict.operation,
                "case": verdict.case,
                "dtype": verdict.dtype,
                "holds": not verdict.failed,
                "errors": _finite(verdict.errors),
            }
            for verdict in verdicts
        ],
    }


def _finite(errors: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if value < float("inf") else None for name, value in errors.items()}


def _failure(wrong: Sequence[str], what: str) -> tuple[str, ...]:
    if not wrong:
        return ()
    more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    return f"{len(wrong)} {what}.", f"  {'; '.join(wrong[:MOST_NAMED])}{more}."


def _cell(errors: Mapping[str, float], tolerance: float) -> Text:
    """Return the errors, a line each; one that is too large is red and has a cross."""
    lines = []
    for name, value in errors.items():
        wrong = not value < tolerance
        words = f"{name} {relative_error(value)}".lstrip() + (" ✗" if wrong else "")
        lines.append(Text(words, style=WRONG if wrong else ""))
    return Text("\n").join(lines)


def _span(layers: tuple[int, ...]) -> str:
    return f"{layers[0]}–{layers[-1]}" if len(layers) > 1 else "".join(map(str, layers))
