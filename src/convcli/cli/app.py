"""The command line as a whole: the commands' registration, and the one place where an error becomes words."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from convcli import __version__
from convcli.cli import (
    check,
    evaluate,
    explain,
    filter,
    gradcheck,
    init,
    kernels,
    predict,
    shape,
    train,
    verify,
)
from convcli.cli.output import out, say
from convcli.errors import ConvcliError

app = typer.Typer(
    name="convcli",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing Rich would double the time that --help takes
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        out(f"convcli {__version__}")
        raise typer.Exit


@app.callback()
def convcli(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Convolution: filter images, compute shapes, train small networks, see the mathematics.

    Kernels are laid on the image unflipped (cross-correlation), as networks do it; `--op convolve` flips.
    """


for module in (filter, explain, kernels, shape, init, check, train, evaluate, predict, gradcheck, verify):
    app.command()(getattr(module, module.__name__.rpartition(".")[2]))


def main() -> None:
    """Run the command line and leave with its exit code. No traceback reaches a user."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a name that is no valid text must not end in an error of its own
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    stdout = sys.stdout
    try:
        code = app(prog_name="convcli", standalone_mode=False)
        if stdout is not None:  # it is where the shell has closed it
            stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except SystemExit as end:
        # Typer leaves so when a shell completes, and, with another stdout, when the reader of it has left.
        code = end.code if sys.stdout is stdout else 0
    except BrokenPipeError:  # whoever read our output has left, as `head` does
        code = 0
    except Exception as error:  # everything that is left becomes one message
        code = _report(error)
    try:
        if stdout is not None:
            stdout.flush()
    except OSError:  # keep the interpreter from trying once more, and complaining
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code if isinstance(code, int) else 0)


def _report(error: Exception) -> int:
    """Say what went wrong and return the exit code for it."""
    if isinstance(error, ConvcliError):
        say(f"error: {error}")
        return error.exit_code
    if isinstance(error, typer.Abort):
        return 130
    if hasattr(error, "format_message"):  # what Typer says of the command line itself
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "convcli"
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":  # the message is the help
            say(message)
            return 2
        end = "" if message.endswith("?") else "."
        say(f"error: {message.rstrip('.')}{end} See `{command} --help`.")
        return 2
    if isinstance(error, MemoryError):
        say(f"error: out of memory ({error or 'no more to be had'}). Try a smaller input.")
    elif isinstance(error, OSError):
        say(f"error: {error.filename or 'input or output'}: {error.strerror or error}.")
    elif os.environ.get("CONVCLI_TRACEBACK"):
        raise error
    else:
        say(f"error: this is a defect in convcli: {type(error).__name__}: {error}")
        say("Set CONVCLI_TRACEBACK=1 to see where, and please report it.")
    return 1
