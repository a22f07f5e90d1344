"""Writes the tables in docs/configuration.md from layers, losses and so on: run it after changing one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from convcli.config import Options
from convcli.nn.activations import Activation
from convcli.nn.augmentation import AUGMENTATIONS
from convcli.nn.config import PARTS
from convcli.nn.layer import Layer
from convcli.render.options import KINDS, Option, options_of

TARGET = Path(__file__).with_name("configuration.md")
BLOCK = re.compile(
    r"(<!-- all of (\w+), written by configuration_reference\.py -->\n).*?(?=<!-- end -->)", re.DOTALL
)
SECTIONS: dict[str, Mapping[str, type[Options]]] = {**PARTS, "augmentation": AUGMENTATIONS}
COMMON = ("type", "repeat")  # which all have, or all layers
NAMED = {**KINDS, Layer: "layers", Activation: "activation"}


def told(option: Option) -> str:
    """Return what there is to say of an option of a part."""
    default = f", {option.default}" if option.default else ""
    return f"`{option.name}` ({option.kind}{default})"


def table(section: str) -> str:
    """Return the table of all parts of one kind."""
    key = "key" if section == "augmentation" else "type"
    rows = [f"| {key} | what it does | options: what they may be, default |", "|---|---|---|"]
    for name, part in SECTIONS[section].items():
        names = [name for name in part.model_fields if name not in COMMON]
        options = ", ".join(map(told, options_of(part, names, NAMED)))
        rows.append(f"| `{name}` | {(part.__doc__ or '').splitlines()[0]} | {options or 'none'} |")
    return "\n".join(rows) + "\n"


def reference() -> str:
    """Return the whole page."""
    return BLOCK.sub(lambda found: found[1] + table(found[2]), TARGET.read_text("utf-8"))


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
