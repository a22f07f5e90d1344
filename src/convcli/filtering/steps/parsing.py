"""Steps as a user writes them: `name:key=value,key=value`, or a table with `type`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from convcli import kernels
from convcli.config import LONGEST_LINE, mistakes
from convcli.errors import ConfigError, UnknownNameError, UsageError
from convcli.filtering.steps.kernel import kernel_step
from convcli.filtering.steps.step import STEPS, Step
from convcli.formats import toml
from convcli.kernels import KERNELS, Kernel
from convcli.wording import shortened

Read = Callable[[str], Kernel]

_OPTIONS = re.compile(r":(?=\s*[A-Za-z_]\w*\s*=)")
_NEXT = re.compile(r",(?=\s*[A-Za-z_]\w*\s*=)")
_NAME = re.compile(r"[A-Za-z][\w-]*")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_NUMBERS = re.compile(r"[-+.\de]+(?:[,x×][-+.\de]+)+")


def step_of(text: str, read: Read = kernels.parse) -> Step:
    """Return the step that a text writes: `name:key=value,key=value`, a matrix, @FILE.

    `read` turns a text into a kernel, where it is no step's name.

    Raises
    ------
    UsageError
        If there is no such step or option, or a value cannot be used.

    Examples
    --------
    >>> step_of("gaussian:sigma=1.4,border=edge").document()
    {'type': 'gaussian', 'sigma': 1.4, 'border': 'edge'}
    """
    text = text.strip()
    name, *rest = _OPTIONS.split(text, maxsplit=1)
    name = name.strip()
    if not name:
        raise UsageError("A step is empty; give name:key=value, such as gaussian:sigma=1.4.")
    if not rest and _NAME.fullmatch(name.rpartition(":")[0]) and not name.startswith("run:"):
        raise UsageError(
            f"{shortened(text)}: expected key=value behind the colon, separated by commas, such as "
            f"gaussian:sigma=1.4."
        )
    table: dict[str, Any] = {"type": name} if _NAME.fullmatch(name) else {"type": "kernel", "kernel": name}
    for item in _NEXT.split(rest[0]) if rest else ():
        key, _, value = (part.strip() for part in item.partition("="))
        if key in table:
            raise UsageError(f"{name}: {key} is given twice.")
        table[key] = _value(value)
    return step_from(table, read, place=f"{shortened(name)}: ")


def step_from(table: Mapping[str, Any], read: Read = kernels.parse, place: str = "") -> Step:
    """Return the step that a table holds; each mistake is told behind `place`."""
    kind = class_of(table.get("type"))
    try:
        return kind.model_validate(dict(table), context={"kernel": read})
    except ValidationError as error:
        said = [shortened(line, LONGEST_LINE) for line in mistakes(error, list(kind.model_fields))]
        raise ConfigError(f"{place}{said[0]}", *(f"{place}{more}" for more in said[1:])) from None


def class_of(name: object) -> type[Step]:
    """Return the step of a name: a registered one, or a kernel's."""
    if not isinstance(name, str):
        raise UsageError('a step is a table with the key type, such as type = "gaussian".')
    if name in STEPS:
        return STEPS[name]
    if name in KERNELS:
        return kernel_step(name)
    hint = STEPS.hint(name) or KERNELS.hint(name)
    raise UnknownNameError("step", name, [*STEPS, *KERNELS], hint)


def _value(text: str) -> Any:
    """Return a value as TOML would have it: a number, true or false, a list of numbers, or else a text.

    Numbers may be written as `.5` and `5.`, too, and true and false as Python does.
    """
    if _NUMBERS.fullmatch(text):
        text = f"[{re.sub('[x×]', ',', text)}]"
    try:
        return toml.loads(f"value = {text}")["value"]
    except ValueError:
        if _NUMBER.fullmatch(text):
            return float(text)
        return {"True": True, "False": False}.get(text, text)
