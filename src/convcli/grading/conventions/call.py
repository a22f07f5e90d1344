"""A way to call somebody's function for one of our cases, and to read what it returned as our results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.cases import Case, Limits
from convcli.grading.conventions.layouts import Layout, canonical, laid, turn, unlaid
from convcli.grading.operations import NOTATION

Plan: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True)
class Unlike(Exception):  # noqa: N818  (nobody's mistake but the learner's)
    """What came back is nothing that can be held against a result."""

    message: str

    def __str__(self) -> str:
        return self.message


class Call(Protocol):
    """How a function, or the methods of a class, are called.

    Attributes
    ----------
    operation, limits
        What it computes, and what it can be asked.
    words
        How it was understood, in a line.
    """

    @property
    def operation(self) -> str: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def words(self) -> str: ...

    def plan(self, case: Case) -> Plan:
        """Return the steps by which a case is computed."""

    def results(self, case: Case, told: Mapping[str, Any]) -> dict[str, Array | None]:
        """Return what came of them as our results, or raise Unlike."""

    def own_name(self, array: str) -> str:
        """Return what the learner calls one of our arrays, where it is an argument; else our notation."""


def given(case: Case, layout: Layout, name: str) -> dict[str, Any]:
    """Return one of a case's arrays as an argument with somebody's axes."""
    array = case.arrays[name]
    if name == "w" and layout.flipped:
        array = turn(array)
    theirs = layout.axes(name) if case.operation != "distribute_value" else ""
    if name == "labels":
        return {"array": array.astype(np.int64), "name": name}
    ours = canonical(case.operation, name)
    if not ours and not theirs.strip("1"):
        single = {"array": array.reshape((1,) * len(theirs)), "name": name}
        return single if theirs else {**single, "scalar": True}
    return {"array": laid(array, ours, theirs), "name": name}


def result(case: Case, layout: Layout, name: str, value: Any) -> Array | None:
    """Return somebody's result with our axes, or raise Unlike; None stays None."""
    if value is None:
        return None
    if not isinstance(value, np.ndarray):
        raise Unlike(f"{NOTATION.get(name, name)} is {kind(value)}, not an array")
    ours = canonical(case.operation, name)
    if name == "db" or not ours:
        expected = case.arrays["b"].shape if "b" in case.arrays and name == "db" else None
        if not ours or expected is None:
            return value.reshape(()) if value.size == 1 and not ours else value.reshape(-1)
        return value.reshape(expected) if value.size == int(np.prod(expected)) else value
    if case.operation in ("relu", "relu_backward"):
        return value
    array = unlaid(value, ours, layout.axes(name))
    return turn(array) if name == "dw" and layout.flipped and array.ndim == len(ours) else array


def kind(value: Any) -> str:
    """Return what something is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, dict):
        return f"of the type {value['other']}" if set(value) == {"other"} else "a dictionary"
    return f"of the type {type(value).__name__}"
