"""Options of a part (a step, a layer) in words: what they may be, their default, what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from convcli.config import Options, Part

KINDS: Mapping[object, str] = {bool: "true or false", int: "integer", float: "number", str: "text"}


class Option(NamedTuple):
    """An option: its name, what it may be, its default as TOML has it ("" for none), what it means."""

    name: str
    kind: str
    default: str
    meaning: str
    required: bool


def options_of(
    part: type[Options], names: Iterable[str], named: Mapping[object, str] = KINDS
) -> list[Option]:
    """Return the options of these names of a part, those that have to be given first."""
    found = []
    for name in names:
        field = part.model_fields[name]
        kind = " or ".join(dict.fromkeys(kinds(field.annotation, named)))
        required = field.is_required()
        default = "" if required or field.default is None else written(field.default)
        meaning = " ".join((field.description or "").split())
        found.append(Option(name, kind, default, meaning, required))
    return sorted(found, key=lambda option: not option.required)


def kinds(annotation: Any, named: Mapping[object, str] = KINDS) -> Iterator[str]:
    """Yield what an option of this type may be."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from map(written, inner)
    elif annotation == tuple[int, int]:
        yield "size"
    elif origin is dict:
        yield "table"
    elif annotation == tuple[float, float]:
        yield "[least, most]"
    elif origin is tuple and get_origin(inner[0]) is tuple:
        yield "sizes"
    elif annotation in named:
        yield named[annotation]
    elif annotation is not NoneType:
        for one in inner[:1] if hasattr(annotation, "__metadata__") else inner:
            yield from kinds(one, named)


def written(value: Any) -> str:
    """Return a value as TOML has it; of a size that is one number that.

    >>> written((3, 3)), written("same"), written(True), written(0.5)
    ('3', '"same"', 'true', '0.5')
    """
    if isinstance(value, Part):
        return written(value.name())
    if isinstance(value, tuple):
        return written(value[0]) if len(set(value)) == 1 else f"[{', '.join(map(written, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
