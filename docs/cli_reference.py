"""Writes docs/cli.md from the commands themselves: run `python docs/cli_reference.py` after changing one."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.models import ArgumentInfo, OptionInfo

from convcli.cli.app import COMMANDS, place

TARGET = Path(__file__).with_name("cli.md")
INTRODUCTION = """\
# Command reference

`convcli COMMAND --help` says the same in the terminal. Results go to stdout, everything else to stderr.
`--json` prints one JSON document (one on each line, for several images) and nothing else on stdout.
Exit codes: 0 done, 1 failed, 2 usage or configuration error, 3 a check said no, 130 interrupted.
"""
METAVARS = {int: "N", float: "X", Path: "PATH"}


class Parameter(NamedTuple):
    """An argument or option: how it is written, its default, what it means."""

    name: str
    default: str
    help: str


def commands() -> dict[str, Callable[..., None]]:
    """Return the commands by name, in the order in which `--help` lists them."""
    found = {}
    for name in COMMANDS:
        module, does = place(name)
        found[name] = getattr(module, does)
        for command in module.app.registered_commands if hasattr(module, "app") else ():
            found[f"{name} {command.callback.__name__}"] = command.callback
    return found


def parameters(command: Callable[..., None]) -> Iterator[Parameter]:
    """Yield the parameters of a command."""
    hints = typing.get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        if hints[name] is typer.Context:
            continue
        kind, info = typing.get_args(hints[name])[:2]
        default = parameter.default
        if default is inspect.Parameter.empty:
            shown = "required"
        else:
            shown = "" if default in (None, False) else f"`{getattr(default, 'value', default)}`"
        if isinstance(info, ArgumentInfo):
            several = typing.get_origin(kind) is list
            yield Parameter(
                (info.metavar or name).upper().rstrip(".") + ("…" if several else ""), shown, info.help
            )
        elif isinstance(info, OptionInfo):
            # Inside Annotated the first name of an option arrives as its default.
            names = [text for text in (info.default, *(info.param_decls or ())) if isinstance(text, str)]
            value = "" if kind is bool else f" {info.metavar or metavar(kind)}"
            yield Parameter(", ".join(names or [f"--{name.replace('_', '-')}"]) + value, shown, info.help)


def metavar(kind: Any) -> str:
    """Return what stands for a value of a type, or of the type that may be None."""
    if typing.get_origin(kind) is not typing.Literal:
        kind = next((part for part in typing.get_args(kind) if part is not type(None)), kind)
    if typing.get_origin(kind) is typing.Literal:
        return "|".join(typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(member.value for member in kind)
    return METAVARS.get(kind, "TEXT")


def section(name: str, command: Callable[..., None]) -> str:
    """Return what there is to say of one command."""
    text, _, examples = inspect.getdoc(command).partition("\b\nExamples:\n")
    rows = [[f"`{p.name}`", p.default, p.help] for p in parameters(command)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    heading = ["| argument or option | default | meaning |", "|---|---|---|"]
    example = ["```sh", inspect.cleandoc(examples), "```"]
    return "\n".join([f"## convcli {name}", "", text.strip(), "", *example, "", *heading, *table, ""])


def reference() -> str:
    """Return the whole page."""
    return "\n".join([INTRODUCTION, *(section(name, command) for name, command in commands().items())])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
