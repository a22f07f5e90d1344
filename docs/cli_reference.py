"""Writes docs/cli.md from the commands' own --help: run `python docs/cli_reference.py` after changing one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).with_name("cli.md")
COMMANDS = ("filter", "kernels", "shape", "init", "check", "train", "evaluate", "predict")
INTRODUCTION = """\
# Command reference

What each command prints with `--help`. Results go to stdout, everything else to stderr. Exit codes: 0 done,
1 failed, 2 usage or configuration error, 3 a check said no, 130 interrupted.
"""


def help_of(*command: str) -> str:
    """Return the help text of a command, as wide as this page likes it."""
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-m", "convcli", *command, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def reference() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION, f"```text\n{help_of()}\n```\n"]
    parts += [f"## convcli {name}\n\n```text\n{help_of(name)}\n```\n" for name in COMMANDS]
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
