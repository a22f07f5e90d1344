"""Writes the tables in docs/configuration.md from layers, losses and so on: run it after changing one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from convcli.config import Options, Part
from convcli.nn.activations import Activation
from convcli.nn.augmentation import AUGMENTATIONS
from convcli.nn.config import PARTS
from convcli.nn.layer import Layer

TARGET = Path(__file__).with_name("configuration.md")
BLOCK = re.compile(
    r"(<!-- all of (\w+), written by configuration_reference\.py -->\n).*?(?=<!-- end -->)", re.DOTALL
)
SECTIONS: dict[str, Mapping[str, type[Options]]] = {**PARTS, "augmentation": AUGMENTATIONS}
COMMON = ("type", "repeat")  # which all have, or all layers
KINDS = {bool: "true or false", int: "integer", float: "number", str: "text"}
KINDS |= {Layer: "layers", Activation: "activation"}


def kinds(annotation: Any) -> Iterator[str]:
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
    elif annotation in KINDS:
        yield KINDS[annotation]
    elif annotation is not NoneType:
        for one in inner[:1] if hasattr(annotation, "__metadata__") else inner:
            yield from kinds(one)


def written(value: Any) -> str:
    """Return a value as TOML has it; of a size that is one number that."""
    if isinstance(value, Part):
        return written(value.name())
    if isinstance(value, tuple):
        return written(value[0]) if len(set(value)) == 1 else f"[{', '.join(map(written, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def option(name: str, part: type[Options]) -> str:
    """Return what there is to say of an option of a part."""
    field = part.model_fields[name]
    kind = " or ".join(dict.fromkeys(kinds(field.annotation)))
    default = "" if field.is_required() or field.default is None else f", {written(field.default)}"
    return f"`{name}` ({kind}{default})"


def table(section: str) -> str:
    """Return the table of all parts of one kind."""
    key = "key" if section == "augmentation" else "type"
    rows = [f"| {key} | what it does | options: what they may be, default |", "|---|---|---|"]
    for name, part in SECTIONS[section].items():
        names = sorted(part.model_fields, key=lambda one: not part.model_fields[one].is_required())
        options = ", ".join(option(one, part) for one in names if one not in COMMON)
        rows.append(f"| `{name}` | {(part.__doc__ or '').splitlines()[0]} | {options or 'none'} |")
    return "\n".join(rows) + "\n"


def reference() -> str:
    """Return the whole page."""
    return BLOCK.sub(lambda found: found[1] + table(found[2]), TARGET.read_text("utf-8"))


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
