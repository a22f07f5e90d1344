"""Errors as words and exit codes: those that convcli raises on purpose, and whatever else may come."""

from __future__ import annotations

import errno
import os

import typer

from convcli.cli.output import say
from convcli.errors import ConvcliError, DefectError
from convcli.wording import shortened

LONGEST_MESSAGE = 400  # signs of what Typer says, which repeats what was typed


def report(error: Exception) -> int:
    """Say what went wrong and return the exit code for it."""
    lines, code = described(error)
    say(*lines)
    return code


def described(error: Exception) -> tuple[list[str], int]:
    """Return the lines that say what went wrong, and the exit code; raise it itself if that was asked for."""
    if isinstance(error, DefectError) and os.environ.get("CONVCLI_TRACEBACK"):
        raise error
    if isinstance(error, ConvcliError):
        first, *rest = error.lines
        return [f"error: {first}", *rest], error.exit_code
    if isinstance(error, typer.Abort):
        return [], 130
    if hasattr(error, "format_message"):  # what Typer says of the command line itself
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "convcli"
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":  # the message is the help
            return message.splitlines(), 2
        message = shortened(" ".join(message.split()), LONGEST_MESSAGE)
        end = "" if message.endswith("?") else "."
        return [f"error: {message.rstrip('.')}{end} See `{command} --help`."], 2
    if (reason := _lack_of_memory(error)) is not None:
        return [f"error: out of memory ({reason}). Try a smaller input."], 1
    if isinstance(error, OSError):
        return [f"error: {error.filename or 'input or output'}: {error.strerror or error}."], 1
    if _number_too_large(error):
        return [f"error: a number is too large ({error}). Look at those of the request and of its files."], 2
    if os.environ.get("CONVCLI_TRACEBACK"):
        raise error
    return [
        f"error: this is a defect in convcli: {type(error).__name__}: {error}",
        "Set CONVCLI_TRACEBACK=1 to see where, and please report it.",
    ], 1


def _number_too_large(error: Exception) -> bool:
    """Whether Python could not compute with a number, or read its thousands of digits."""
    return isinstance(error, OverflowError) or (
        isinstance(error, ValueError) and "integer string conversion" in str(error)
    )


def _lack_of_memory(error: Exception) -> str | None:
    """Return how Python, the system or its loader says that memory has run out; None for other errors."""
    if isinstance(error, MemoryError):
        return str(error) or "no more to be had"
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return error.strerror
    if isinstance(error, ImportError) and "failed to map segment" in str(error):
        return "a library cannot be loaded"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "no thread can be started"
    return None
