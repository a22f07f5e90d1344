"""What of a file is recognised as which operation, and why the rest is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convcli.errors import UsageError
from convcli.grading.conventions.functions import AVERAGES, FunctionCall, calls
from convcli.grading.conventions.layers import LayerCall, layer_calls
from convcli.grading.conventions.names import (
    BACKWARD,
    FORWARD,
    OPERATION,
    operation_of,
    operation_of_class,
    role_of,
)
from convcli.grading.operations import OPERATIONS
from convcli.grading.program import Function, Program
from convcli.wording import suggestion


@dataclass(frozen=True)
class Subject:
    """Something of a file that is judged: its name, the operation, the ways in which it may be meant.

    Attributes
    ----------
    forward
        The name of the subject whose way is this one's, too.
    """

    name: str
    line: int
    operation: str
    calls: tuple[FunctionCall, ...] | tuple[LayerCall, ...]
    forward: str = ""


@dataclass(frozen=True)
class Unknown:
    """A function that is not judged, and why."""

    name: str
    line: int
    why: str


def recognised(
    program: Program,
    named: Mapping[str, str] | None = None,
    layouts: Sequence[str] = (),
    *,
    flipped: bool = False,
) -> tuple[list[Subject], list[Unknown]]:
    """Return what is judged, forward passes first, and what is not.

    Parameters
    ----------
    named
        Which operation a function is, by its name.
    layouts
        The layouts that are considered, if not all.
    flipped
        Whether convolutions turn their kernels.
    """
    named = dict(named or {})
    subjects: list[Subject] = []
    unknown: list[Unknown] = []
    pairs = [
        (function, kind)
        for function in program.functions
        for kind in _kinds(function, _operation(function.name, named))
    ]
    for function, operation in sorted(pairs, key=lambda pair: OPERATIONS[pair[1]].backward):
        forward = _forward_of(operation, subjects)
        forwards = forward.calls if forward is not None else ()
        found = calls(
            function,
            operation,
            layouts,
            [one for one in forwards if isinstance(one, FunctionCall) and len(one.function.returned) == 2],
            flipped=flipped,
        )
        if isinstance(found, str):
            unknown.append(
                Unknown(function.name, function.line, f"it has the name of {operation}, but {found}")
            )
        else:
            shares = forward.name if forward is not None and found and found[0].forward is not None else ""
            subjects.append(Subject(function.name, function.line, operation, tuple(found), shares))
    judged = {function.name for function, _ in pairs}
    unknown += [
        Unknown(one.name, one.line, "no name that is known here; --map NAME=OPERATION says what it is")
        for one in program.functions
        if one.name not in judged and not one.name.startswith("_") and one.name != "main"
    ]
    _classes(program, named, layouts, flipped, subjects, unknown)
    return subjects, unknown


def _operation(name: str, named: Mapping[str, str]) -> str | None:
    return named.get(name) or operation_of(name)


def _kinds(function: Function, operation: str | None) -> list[str]:
    """Return the operations that a function is: a pool with a mode is two, also where it does not heed it."""
    if operation is None:
        return []
    if operation not in ("pool", "pool_backward"):
        return [operation]
    end = operation.removeprefix("pool")
    modes = [one.name for one in function.parameters if role_of(one.name, ("mode",))]
    moded, unheard = bool(modes), any(name not in function.names for name in modes)
    words = {word.lower() for word in (*function.words, *(function.uses if moded else ()))}
    averages = words & {*AVERAGES, "distribute_value"}
    return [f"max_pool{end}", *([f"avg_pool{end}"] if averages or unheard else [])]


def _forward_of(operation: str, subjects: Sequence[Subject]) -> Subject | None:
    wanted = OPERATIONS[operation].forward
    return next((one for one in subjects if one.operation == wanted), None)


def _classes(
    program: Program,
    named: Mapping[str, str],
    layouts: Sequence[str],
    flipped: bool,
    subjects: list[Subject],
    unknown: list[Unknown],
) -> None:
    for cls in program.classes:
        operation = named.get(cls.name) or operation_of_class(cls.name)
        if operation is None or not set(cls.methods) & {*FORWARD, *BACKWARD}:
            continue
        operation = {"pool": "max_pool"}.get(operation, operation)
        found: Any = layer_calls(cls, operation, layouts, flipped=flipped)
        if isinstance(found, str):
            unknown.append(Unknown(cls.name, cls.line, f"it has the name of {operation}, but {found}"))
            continue
        forward, backward = found
        name = f"{cls.name}.{forward[0].forward}"
        subjects.append(Subject(name, cls.line, forward[0].operation, tuple(forward)))
        if backward:
            subjects.append(
                Subject(
                    f"{cls.name}.{backward[0].backward}",
                    cls.line,
                    backward[0].operation,
                    tuple(backward),
                    name,
                )
            )


def meaning(texts: Sequence[str], program: Program) -> dict[str, str]:
    """Return `mine=conv2d` as which function is which operation, or raise UsageError."""
    names = [*(one.name for one in program.functions), *(one.name for one in program.classes)]
    known = sorted({*OPERATION, *OPERATIONS, "conv2d"} - {"cross_entropy"})
    found = {}
    for text in texts:
        mine, sign, what = text.partition("=")
        if not sign or not mine or not what:
            raise UsageError(f"--map {text!r}: expected NAME=OPERATION, such as mine=conv2d.")
        if mine not in names:
            raise UsageError(f"--map {text!r}: the file has no function {mine!r}.{suggestion(mine, names)}")
        operation = what if what in OPERATIONS or what in ("pool", "pool_backward") else operation_of(what)
        if operation is None or operation == "cross_entropy":
            raise UsageError(f"--map {text!r}: no operation {what!r}.{suggestion(what, known)}")
        found[mine] = operation
    return found
