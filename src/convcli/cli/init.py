"""`convcli init`: a commented configuration to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from convcli.cli.output import out, out_text


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it; - for stdout.")] = Path("convcli.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented configuration that trains as it stands.

    \b
    Examples:
      convcli init
      convcli init flowers.toml
      convcli init -
    """
    from importlib.resources import files

    from convcli.files import judge, write

    text = files("convcli.cli").joinpath("starter.toml").read_text(encoding="utf-8")
    if str(file) == "-":
        return out_text(text.rstrip())
    target = judge(file, force=force, advice="name another, or use --force to overwrite it")
    write(file, text.encode(), force=force)
    if target.is_stream:
        return None
    typed = shlex.quote(str(file))
    return out(str(file), f"Next: convcli check {typed} && convcli train {typed}")
