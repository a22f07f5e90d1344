"""A numeric check of gradients: each against central differences, and the step that says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from convcli.engine.workspace import Array
from convcli.explaining.elements import Grid, Step
from convcli.proof.differences import numeric_gradient, relative_error


def errors_of(loss: Callable[[], float], gradients: Mapping[str, tuple[Array, Array]]) -> dict[str, float]:
    """Return the largest relative error of each named gradient of `loss`: an array it reads, and that."""
    return {
        name: relative_error(gradient, numeric_gradient(loss, array))
        for name, (array, gradient) in gradients.items()
    }


def check_step(errors: Mapping[str, float], *lines: str) -> Step:
    """Return the step that shows the errors; `lines` say what was left out of them, and why."""
    grid = Grid(
        tuple((value,) for value in errors.values()), "largest relative error", row_names=tuple(errors)
    )
    how = "each gradient against (L(v + h) − L(v − h)) / 2h, extrapolated to h → 0, in float64"
    return Step.of(
        "A numeric check of each gradient", ((grid,), how, *lines), {"relative_errors": dict(errors)}
    )
