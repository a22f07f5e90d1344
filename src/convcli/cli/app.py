"""The command line as a whole: the commands' registration, and the one place where an error becomes words."""

from __future__ import annotations

import errno
import inspect
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from convcli import __version__
from convcli.cli.output import out, say
from convcli.errors import ConvcliError, DefectError
from convcli.wording import shortened

LONGEST_MESSAGE = 400  # signs of what Typer says, which repeats what was typed

# Of a terminal, whose size COLUMNS and LINES may name: less is taken for this, longer numbers for none.
FEWEST_COLUMNS, FEWEST_LINES, LONGEST_SIZE = 20, 2, 4  # columns, lines, digits

COMMANDS = (
    "filter",
    "compare",
    "show",
    "preview",
    "explain",
    "learn",
    "kernels",
    "steps",
    "shape",
    "init",
    "check",
    "train",
    "runs",
    "evaluate",
    "report",
    "predict",
    "export",
    "import",
    "check-mine",
    "gradcheck",
    "verify",
    "doctor",
)
"""Each is a function in the module of its name (`place`), in the order in which --help lists them."""


def place(command: str) -> tuple[ModuleType, str]:
    """Return the module of a command and the name of its function there.

    Where the command's name is a word of Python's own, both end in an underscore.
    """
    name = f"{command}_" if iskeyword(command) else command.replace("-", "_")
    return import_module(f"convcli.cli.{name}"), name


def function(command: str) -> Callable[..., None]:
    """Return the function of a command."""
    module, name = place(command)
    does: Callable[..., None] = getattr(module, name)
    return does


class _Commands(TyperGroup):
    """Imports a command when it is asked for, so that none waits for what others need."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"commands": [TyperCommand(name) for name in COMMANDS]})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command with its options, None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = place(cmd_name)
        if hasattr(module, "app"):  # it has commands of its own
            return typer.main.get_command(module.app)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        single.command(cmd_name, cls=getattr(module, "Command", TyperCommand))(getattr(module, name))
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands by their first sentences: options take longer to build than all else here."""
        described = [TyperCommand(name, help=inspect.getdoc(function(name))) for name in COMMANDS]
        TyperGroup(commands=described).format_commands(ctx, formatter)


app = typer.Typer(
    name="convcli",
    cls=_Commands,
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


def main() -> None:
    """Run the command line and leave with its exit code. No traceback reaches a user."""
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a name that is no valid text must not end in an error of its own
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    stdout = sys.stdout
    believe_sizes()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # which it seeks in every installed package
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say_warning
            code = app(prog_name="convcli", standalone_mode=False)
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
        stdout.flush()
    except OSError:  # keep the interpreter from trying once more, and complaining
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code if isinstance(code, int) else 0)


def believe_sizes() -> None:
    """Forget a size of the terminal that is none, such as COLUMNS=0, for every library that would obey it.

    What remains is the terminal's own size, or 80 × 24. Fewer columns than a line needs are taken for those.
    """
    for name, least in (("COLUMNS", FEWEST_COLUMNS), ("LINES", FEWEST_LINES)):
        text = os.environ.get(name)
        if text is None:
            continue
        size = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_SIZE else 0
        if size:
            os.environ[name] = str(max(size, least))
        else:
            del os.environ[name]


def _say_warning(message: Warning | str, category: object, filename: str, *_: object, **__: object) -> None:  # noqa: ARG001
    """Say what a library warns of as a note, without the path and the line of its source."""
    parts = Path(filename).parts
    inside = parts[len(parts) - parts[::-1].index("site-packages") :] if "site-packages" in parts else ()
    library = inside[0].removesuffix(".py") if inside else "Python"
    say(f"note: {library}: {' '.join(str(message).split())}")


def _stand_in_for_closed_streams() -> None:
    """Put the null device in the place of each stream that the shell has closed.

    Python has None there, and the next file that is opened would get the stream's number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _report(error: Exception) -> int:
    """Say what went wrong and return the exit code for it."""
    if isinstance(error, DefectError) and os.environ.get("CONVCLI_TRACEBACK"):
        raise error
    if isinstance(error, ConvcliError):
        first, *rest = error.lines
        say(f"error: {first}", *rest)
        return error.exit_code
    if isinstance(error, typer.Abort):
        return 130
    if hasattr(error, "format_message"):  # what Typer says of the command line itself
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "convcli"
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":  # the message is the help
            say(*message.splitlines())
            return 2
        message = shortened(" ".join(message.split()), LONGEST_MESSAGE)
        end = "" if message.endswith("?") else "."
        say(f"error: {message.rstrip('.')}{end} See `{command} --help`.")
        return 2
    if (reason := _lack_of_memory(error)) is not None:
        say(f"error: out of memory ({reason}). Try a smaller input.")
    elif isinstance(error, OSError):
        say(f"error: {error.filename or 'input or output'}: {error.strerror or error}.")
    elif _number_too_large(error):
        say(f"error: a number is too large ({error}). Look at those of the request and of its files.")
        return 2
    elif os.environ.get("CONVCLI_TRACEBACK"):
        raise error
    else:
        say(f"error: this is a defect in convcli: {type(error).__name__}: {error}")
        say("Set CONVCLI_TRACEBACK=1 to see where, and please report it.")
    return 1


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
