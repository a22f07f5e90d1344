"""Activations that a graph has in pieces, known by their values: gelu from erf, silu as a product, relu6.

Exporters write the same function in many ways. What it does to numbers says which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from pydantic import ValidationError

from convcli.engine.workspace import Array
from convcli.interchange.onnx.reading.graph import neat
from convcli.interchange.onnx.reading.nesting import Fork, Row
from convcli.interchange.onnx.reading.steps import Affine, Formula, Ours, Step
from convcli.nn.layer import LAYERS
from convcli.nn.tape import Tape

Function: TypeAlias = Callable[[Array], Array]

LONGEST = 12  # steps of a function that is looked for
CLOSE = 3e-6  # beside 1 and the value: what constants of float32 leave
FAR = 1e5
_GRID = np.linspace(-8, 8, 257) + 0.0137


def recognised(row: Row) -> Row:
    """Return a row in which steps that together are an activation of ours are that one."""
    done, at = [], 0
    while at < len(row):
        found = _window(row, at)
        if found is None:
            done.append(row[at])
            at += 1
            continue
        length, table = found
        last = row[at + length - 1]
        step = last.step if isinstance(last, Fork) else last
        made = Ours({"type": "activation", "function": table})
        done.append(Step(step.node, made, (0,), step.output, step.output))
        at += length
    return done


def _window(row: Row, at: int) -> tuple[int, Any] | None:
    """Return how many items from there on are one activation, and its table; of those with an odd part."""
    functions = list[Function]()
    best, strange = None, False
    for length, item in enumerate(row[at : at + LONGEST], 1):
        function = _function(item)
        if function is None:
            break
        functions.append(function)
        strange = strange or _odd(item)
        if strange and (table := _table(functions)) is not None:
            best = length, table
    return best


def _odd(item: Step | Fork) -> bool:
    """Whether it is no layer as it stands."""
    if isinstance(item, Fork):
        return item.step.does.how == "multiply" or any(_odd(one) for row in item.branches for one in row)  # type: ignore[union-attr]
    return isinstance(item.does, Formula)


def _function(item: Step | Fork) -> Function | None:
    """Return what an item does to each number by itself; None if it does something else."""
    if isinstance(item, Fork):
        return _of_branches(item)
    does = item.does
    if isinstance(does, Formula):
        return does.of
    if isinstance(does, Affine) and not does.scale.ndim and not does.shift.ndim:
        return lambda z: z * does.scale + does.shift
    if isinstance(does, Ours) and does.type == "activation":
        return _applied(does.table["function"])
    return None


def _of_branches(fork: Fork) -> Function | None:
    how = fork.step.does.how  # type: ignore[union-attr]
    branches = [[_function(item) for item in row] for row in fork.branches]
    if how == "concatenate" or any(function is None for row in branches for function in row):
        return None

    def both(z: Array) -> Array:
        made = [_composed(row, z) for row in branches]  # type: ignore[arg-type]
        total = made[0]
        for other in made[1:]:
            total = total * other if how == "multiply" else total + other
        return total

    return both


def _composed(functions: list[Function], z: Array) -> Array:
    for function in functions:
        z = function(z)
    return z


def _applied(function: Any) -> Function | None:
    try:
        g = LAYERS["activation"].model_validate({"type": "activation", "function": function}).function  # type: ignore[attr-defined]
    except ValidationError:  # options beyond what it takes
        return None
    if not g.elementwise:
        return None

    def apply(z: Array) -> Array:
        a = np.empty_like(z)
        g.apply(z, a, Tape())
        return a

    return apply


@np.errstate(all="ignore")
def _table(functions: list[Function]) -> Any:
    """Return the table of the activation that functions are, one after the other; None if none is."""
    values = _composed(functions, _GRID)
    if not np.isfinite(values).all():
        return None
    ends = _composed(functions, np.array([-FAR, -50.0, -1.0, FAR]))
    for table in _candidates(*ends.tolist()):
        function = _applied(table)
        if function is not None and (np.abs(function(_GRID) - values) <= CLOSE * (1 + np.abs(values))).all():
            return table
    return None


def _candidates(lowest: float, low: float, minus_one: float, highest: float) -> Iterator[Any]:
    """Yield what a function may be that has these values at −10⁵, −50, −1 and 10⁵."""
    yield from ("relu", "silu", "gelu", {"type": "gelu", "approximate": "tanh"}, "sigmoid", "tanh")
    if 0 < -low <= 1e6:
        yield {"type": "elu", "alpha": neat(-low)}
    if 0 <= -minus_one <= 1:
        yield {"type": "leaky_relu", "slope": neat(-minus_one)}
    if -1e4 < lowest < highest < 1e4:
        yield {"type": "clip", "low": neat(lowest), "high": neat(highest)}
