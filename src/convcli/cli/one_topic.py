"""What `convcli explain` does with one topic's explanation: files, or step after step on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from convcli.cli.output import console, out, out_bytes, say
from convcli.errors import UsageError

if TYPE_CHECKING:
    from convcli.explaining import Explanation

STREAM = "-"
"""Standard output, as the place of a format."""


def check(targets: Mapping[str, str], inputs: Sequence[Path], *, force: bool) -> None:
    """Refuse, before anything is computed, every file that could not or must not be written."""
    from convcli.files import identities, judge, judge_stdout
    from convcli.render.explain import BINARY

    kept, places = identities(inputs), list[str]()
    for name, place in targets.items():
        if place == STREAM:
            if name in BINARY and sys.stdout.isatty():
                raise UsageError(f"Standard output is a terminal; redirect it, or give --{name} FILE.")
            judge_stdout(kept)
            places.append(STREAM)
        else:
            places.append(str(judge(Path(place), force=force, inputs=kept).place))
    if len(set(places)) < len(places):
        raise UsageError("Two outputs would go to one place; give each its own file.")


def write(explanation: Explanation, targets: Mapping[str, str], *, force: bool) -> None:
    """Make all files, and only then write the first of them."""
    from convcli import files
    from convcli.render.explain import FORMATS

    made = {name: FORMATS[name](explanation) for name in targets}
    speak = say if STREAM in targets.values() else out
    for name, data in made.items():
        if targets[name] == STREAM:
            out_bytes(data)
        else:
            files.write(Path(targets[name]), data, force=force)
            steps = len(explanation.steps)
            speak(f"{targets[name]}  {len(data) / 1000:.3g} kB, {steps} step{'s' * (steps != 1)}")


def step_through(explanation: Explanation) -> None:
    """Show one step at a time until the user has seen enough."""
    from convcli.render.explain.terminal import show_step

    screen, n, last = console(), 0, len(explanation.steps) - 1
    while True:
        screen.clear()
        screen.print(explanation.title, style="bold")
        show_step(screen, explanation, n)
        screen.print("\n← →  step     q  end", style="dim")
        try:
            key = typer.getchar()
        except (EOFError, KeyboardInterrupt):
            return
        if key in ("q", "Q", "\x1b", "\x03", "\x04"):
            return
        if key in ("\x1b[H", "\x1bOH", "\x1b[1~", "\xe0G"):  # Home
            n = 0
        elif key in ("\x1b[F", "\x1bOF", "\x1b[4~", "\xe0O"):  # End
            n = last
        else:
            back = key in ("\x1b[D", "\x1bOD", "\xe0K", "b", "p", "\x7f")
            n = max(0, n - 1) if back else min(last, n + 1)
