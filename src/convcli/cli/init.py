"""`convcli init`: a commented configuration to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convcli.cli.output import out
from convcli.errors import OutputError


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

    text = files("convcli.cli").joinpath("starter.toml").read_text(encoding="utf-8")
    if str(file) == "-":
        return out(text.rstrip())
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise OutputError(f"{file}: the file exists. Name another, or overwrite it with --force.") from None
    except OSError as error:
        raise OutputError(f"{file}: cannot be written ({error.strerror}).") from error
    return out(f"{file}\nNext: convcli check {file} && convcli train {file}")
