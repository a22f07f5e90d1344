"""The command line as a whole: the commands' registration, and the one place where an error becomes words."""

from __future__ import annotations

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
from convcli.cli.reporting import report

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
        code = report(error)
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
