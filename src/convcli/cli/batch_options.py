"""Options of commands that make many results: how many at a time, and what they are called."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Jobs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=1,
        help="Images to work on at a time, each in memory; they share the threads. As many as threads unless "
        "given, but no more than 4.",
    ),
]

Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="TEMPLATE",
        help="What results are called, {stem}_{kernel}{ext} unless given. Also {name} (the image's, whole), "
        "{parent} (its folder), {index} ({index:04}); / makes folders in --out-dir.",
    ),
]

DryRun: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what would be written, by names and headers alone, and write nothing. The exit code is the "
        "call's own, but for what only decoding shows.",
    ),
]
