"""`convcli runs`: the runs in a folder, two of them beside each other, the curves of several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
from typer.core import TyperGroup

from convcli.cli.options import RUN_HELP, Force, Json, chosen_run
from convcli.cli.output import console, note, out, print_json, say, show
from convcli.errors import InputError, UsageError
from convcli.wording import shown, suggestion

if TYPE_CHECKING:
    from convcli.training import Metrics

USUAL = Path("runs")
PLOT_LINES = 8
PICTURES = (".png", ".svg")

Order: TypeAlias = Literal["name", "began", "epochs", "accuracy", "loss", "test", "speed"]


class _Commands(TyperGroup):
    """The commands below `runs`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Say what to do where the first word is no command: it may be the folder that was meant."""
        word = args[0]
        if word not in self.commands and Path(word).is_dir():
            raise UsageError(f"{word} is a folder, no command; for the runs in it: convcli runs --in {word}.")
        if word not in self.commands:
            raise UsageError(f"`runs` has no command {word!r}.{suggestion(word, self.commands)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="runs",
    cls=_Commands,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def runs(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--in", metavar="FOLDER", help="Where the runs are.")] = USUAL,
    sort: Annotated[
        Order, typer.Option("--sort", help="By name, or the latest, longest, best or fastest first.")
    ] = "name",
    json: Json = False,
) -> None:
    """List runs: how far they came, the best epoch with its figures, and how they stand.

    Accuracy and loss are the best epoch's on validation images, images/s the median over the epochs. A run is
    `running` while a process trains it. Damaged ones are listed with what is wrong.

    \b
    Examples:
      convcli runs
      convcli runs --in archive --sort accuracy
      convcli runs diff runs/digits-001 runs/digits-002
      convcli runs plot runs/digits-001 runs/digits-002 --out curves.png
    """
    if context.invoked_subcommand is not None:
        if (folder, sort, json) != (USUAL, "name", False):
            raise UsageError(f"--in, --sort and --json before {context.invoked_subcommand} have no meaning.")
        return None
    from convcli.render.runs import runs_document, runs_table
    from convcli.runs.history import State, list_runs, ordered

    found, others = list_runs(folder) if folder != USUAL or folder.exists() else ([], 0)
    found = ordered(found, sort)
    if others:
        note(f"{others} other folder(s) in {folder} are no runs")
    if json:
        return print_json(runs_document(found))
    if found:
        show(runs_table(found, console()))
    else:
        say(f"No runs in {folder}. `convcli train CONFIG` makes one.")
    for run in found:
        if run.state is State.DAMAGED:
            out(*run.reason.splitlines())
    return None


@app.command()
def diff(
    one: Annotated[Path, typer.Argument(metavar="A", help=RUN_HELP, show_default=False)],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    json: Json = False,
) -> None:
    """Show what differs in two runs: values of the configuration, versions and machine, best figures.

    \b
    Examples:
      convcli runs diff runs/digits-001 runs/digits-002
      convcli runs diff runs/digits-001 archive/digits-001 --json
    """
    from convcli.render.runs import comparison_document, comparison_tables
    from convcli.runs.comparing import compare

    one, other = chosen_run(one), chosen_run(other)
    names = (str(one), str(other))
    comparison = compare(one, other)
    if json:
        return print_json(comparison_document(comparison, names))
    return show(comparison_tables(comparison, names))


@app.command()
def plot(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN", help=RUN_HELP, show_default=False)],
    out_file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A .png or .svg; the terminal if not given.")
    ] = None,
    force: Force = False,
    json: Annotated[bool, typer.Option("--json", help="Print the epochs as one JSON document.")] = False,
) -> None:
    """Draw the curves of runs together: loss and accuracy over the epochs, the best epoch of each marked.

    \b
    Examples:
      convcli runs plot runs/digits-001
      convcli runs plot runs/digits-001 runs/digits-002 --out curves.png
    """
    from dataclasses import asdict

    if out_file is not None:
        _check(out_file, force=force)
    histories = {str(folder): _history(folder) for folder in map(chosen_run, folders)}
    if out_file is not None:
        _write(out_file, histories, force=force)
    if json:
        epochs = {name: [asdict(row) for row in history] for name, history in histories.items()}
        return print_json({"runs": epochs, "output": str(out_file) if out_file else None})
    if out_file is not None:
        return out(str(out_file))
    from convcli.render.terminal_curves import NARROWEST, terminal_curves

    return show(terminal_curves(histories, max(NARROWEST, console().width), PLOT_LINES))


def _history(folder: Path) -> list[Metrics]:
    from convcli.runs.folder import Run
    from convcli.runs.imported import origin
    from convcli.runs.metrics import read_history

    run = Run.open(folder)
    history = read_history(run)
    if not history and (foreign := origin(run)) is not None:
        raise InputError(f"{folder}: nothing to draw: the network came from {foreign}, trained elsewhere.")
    if not history:
        raise InputError(f"{folder}: nothing to draw, as no epoch of this run has ended yet.")
    return history


def _check(path: Path, *, force: bool) -> None:
    """Refuse a picture that could not or must not be written there."""
    from convcli.files import judge

    if path.suffix.lower() not in PICTURES:
        raise UsageError(f"--out {shown(path)}: expected a name that ends in .png or .svg.")
    judge(path, force=force)


def _write(path: Path, histories: dict[str, list[Metrics]], *, force: bool) -> None:
    from convcli import files
    from convcli.render.curves import curves_png, curves_svg

    encode = {".png": curves_png, ".svg": curves_svg}[path.suffix.lower()]
    files.write(path, encode(histories), force=force)
