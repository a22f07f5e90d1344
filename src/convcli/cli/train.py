"""`convcli train`: from a configuration to a run's folder."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from convcli.cli.interruption import interruptions
from convcli.cli.options import RUN_HELP, Json, Overrides, Threads, chosen_run
from convcli.cli.output import note, out, print_json, say
from convcli.cli.picture import Picture
from convcli.cli.ranks import Allreduce, Lead, lead_of
from convcli.cli.watching import KEPT
from convcli.errors import ConvcliError, InputError, UsageError

if TYPE_CHECKING:
    from convcli.build import Begun
    from convcli.cli.tensorboard import TensorBoard
    from convcli.data import Splits
    from convcli.nn.model import Model
    from convcli.runs.origins import Origins
    from convcli.runs.recording import Recorder
    from convcli.runs.resuming import Changes
    from convcli.training import Progress


class Command(TyperCommand):
    """The command, whose help and what is wrong with its words the first of several ranks says for all."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave in silence where another rank speaks."""
        from convcli.cluster.launched import follows

        if not follows():
            return super().parse_args(ctx, args)
        if {"-h", "--help"} & set(args):
            raise typer.Exit(0)
        try:
            return super().parse_args(ctx, args)
        except Exception:  # of Typer's, which has several kinds
            raise typer.Exit(0) from None


def train(
    config: Annotated[Path | None, typer.Argument(help="The configuration.", show_default=False)] = None,
    overrides: Overrides = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="The run's folder; runs/<config name>-NNN if not given.")
    ] = None,
    init_from: Annotated[
        Path | None,
        typer.Option("--init-from", metavar="RUN", help=f"Begin with what fits of its weights. {RUN_HELP}"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help=f"Go on with a run where it stopped. {RUN_HELP}"),
    ] = None,
    allow_changes: Annotated[
        bool,
        typer.Option("--allow-changes", help="Go on although values or images are not what they were."),
    ] = False,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            "--tensorboard",
            metavar="DIR",
            help="Write logs for TensorBoard too, into a folder of the run's name there.",
        ),
    ] = None,
    threads: Threads = None,
    allreduce: Annotated[
        Allreduce | None,
        typer.Option(
            "--allreduce",
            help="How ranks that mpiexec has started add gradients: in the fixed order of one process, to "
            "the same bytes, or plain, as MPI's own Allreduce does; fixed if not given.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train a network and keep its best epoch. Ctrl-C stops after the batch; --resume goes on from there.

    \b
    Examples:
      convcli train examples/digits.toml
      convcli train examples/digits.toml --set training.epochs=3 --set layers.1.filters=8
      convcli train new.toml --init-from runs/digits-001 --set layers.1.frozen=true
      convcli train --resume runs/digits-001
      convcli train --resume runs/digits-001 --set training.epochs=20
      convcli train examples/digits.toml --tensorboard logs
      mpiexec -n 4 convcli train examples/mnist.toml
    """
    lead = lead_of(allreduce, threads)
    with lead.fate():
        if lead.rank:
            lead.follow()
            return
        if tensorboard is not None:
            from convcli.cli.tensorboard import prepare

            prepare(tensorboard)
        if resume is not None:
            if run_dir is not None:
                raise UsageError("--resume goes on in the run's own folder; leave --run-dir out.")
            if init_from is not None:
                raise UsageError("--resume goes on with the run's own weights; leave --init-from out.")
            _resume(resume, config, overrides or [], lead, allow_changes, tensorboard, json)
        elif allow_changes:
            raise UsageError("--allow-changes goes with --resume RUN.")
        elif config is None:
            raise UsageError("Expected a CONFIG, or --resume RUN. Write a starter with `convcli init`.")
        else:
            _begin(config, overrides or [], run_dir, init_from, lead, tensorboard, json)


def _begin(
    config: Path,
    overrides: list[str],
    run_dir: Path | None,
    init_from: Path | None,
    lead: Lead,
    logs: Path | None,
    json: bool,
) -> None:
    from convcli import build
    from convcli.config_file import ConfigFile
    from convcli.nn.doubts import about
    from convcli.render.network import augmentation_line
    from convcli.runs.origins import Origins
    from convcli.runs.recording import new_run

    file, origins = ConfigFile.read(config, overrides), Origins(note)
    threads, data = lead.threads, lead.load(file)
    model, begun = build.new_model(file.config, data, threads, origins, lead.ranks), None
    if init_from is not None:
        begun = _begun_from(model, str(init_from), origins)
        model, file = begun.model, replace(file, config=begun.model.config)
    came_from = origins.document(model.network, None if begun is None else (str(init_from), begun))
    training = build.training_of(model, data, threads, lead.ranks)
    note(about(training.model, data.train))
    if file.config.augmentation.policy:
        note(augmentation_line(file.config.augmentation))
    with new_run(file, training, data, threads, run_dir, came_from) as recorder:
        lead.hand(training, recorder.run)
        _finish(recorder, data, lead, logs, json)


def _begun_from(model: Model, run: str, origins: Origins) -> Begun:
    """Return a model with what fits of a run's weights, and say what; raise UsageError if nothing does."""
    from convcli import build
    from convcli.render.transfer import transfer_lines

    origin = origins(run)
    begun = build.begun_from(model, origin)
    if not begun.taken.names:
        reasons = [f"  {place.name}: {reason}" for place, reason in begun.taken.missed]
        raise UsageError(f"--init-from {run}: nothing of its weights fits this network:", *reasons[:10])
    note(transfer_lines(begun, run, origin))
    return begun


def _resume(
    folder: Path,
    config: Path | None,
    overrides: list[str],
    lead: Lead,
    allow_changes: bool,
    logs: Path | None,
    json: bool,
) -> None:
    from convcli.config_file import ConfigFile
    from convcli.runs.folder import CONFIG, LAST, RESOLVED, Run
    from convcli.runs.imported import origin
    from convcli.runs.resuming import how_to_go_on, resume, values_in_force

    folder = chosen_run(folder)
    run = Run.open(folder)
    if (foreign := origin(run)) is not None:
        command = shlex.join(["convcli", "train", str(folder / CONFIG), "--init-from", str(folder)])
        raise UsageError(
            f"{folder}: there is no training to go on with: the network came from {foreign}. Begin one with "
            f"its weights: {command}"
        )
    with run.hold():
        last = run.read_checkpoint(LAST)
        file = values_in_force(run, last, overrides if config is None else ())
        if run.read(RESOLVED) != file.text.encode():
            note(f"{RESOLVED} is not what the run was under, and is written anew; change values with --set")
        if config is not None:
            file = ConfigFile.read(config, overrides)
        try:
            threads, data = lead.threads, lead.load(file)
        except InputError as error:
            moved = ["If the run's data has moved, say where with --set data.source=PATH."]
            raise InputError(*error.lines, *(moved if config is None else ())) from error
        recorder, changes = resume(
            run, last, file, data, threads, allow_changes=allow_changes, ranks=lead.ranks
        )
        del last  # as large as the training itself
        note(_what_changed(recorder.training.progress, changes))
        if recorder.training.finished:
            why, options = how_to_go_on(recorder.training)
            say(f"{why}. Go on with: {lead.command('convcli', 'train', '--resume', str(folder), *options)}")
        lead.hand(recorder.training, run)
        _finish(recorder, data, lead, logs, json)


def _what_changed(progress: Progress, changes: Changes) -> list[str]:
    lines = [*changes.plain, *changes.weighty]
    if changes.weighty:
        lines.append(f"the changes hold from epoch {progress.epoch} on, which begins at its first batch")
    if changes.elsewhere:
        lines.append("versions, processor or BLAS are others now: figures may differ in their last digits")
    return lines


def _finish(recorder: Recorder, data: Splits, lead: Lead, logs: Path | None, json: bool) -> None:
    with Picture(recorder) as picture:
        if logs is None:
            _learn(recorder, picture, lead)
        else:
            from convcli.cli.tensorboard import TensorBoard

            folder = logs / recorder.run.folder.resolve().name
            with TensorBoard(folder, recorder.training) as board:
                command = shlex.join(["tensorboard", "--logdir", str(logs)])
                say(f"logs in {folder}; look at them with: {command}")
                _learn(recorder, picture, lead, board)
        _conclude(recorder, data, json)


def _learn(recorder: Recorder, picture: Picture, lead: Lead, board: TensorBoard | None = None) -> None:
    """Iterate over the training: write what is to be kept, show it, stop when asked to."""
    from convcli.render.training import training_view
    from convcli.runs.folder import LAST
    from convcli.training import BatchDone

    training, folder = recorder.training, recorder.run.folder
    with interruptions() as asked, lead.steps(), training_view(training) as view:
        try:
            for event in training.run(asked):
                stopping = bool(event.stop)
                if board is not None:
                    board.record(event, flush=stopping or recorder.due)
                recorder.record(event, stopping=stopping)
                if isinstance(event, BatchDone):
                    view.batch(event)
                else:
                    view.epoch(event)
                    picture.epoch()
                if stopping:
                    view.close()
                    going_on = lead.command("convcli", "train", "--resume", str(folder))
                    say(f"Interrupted. Go on with: {going_on}")
                    raise typer.Exit(128 + event.stop)
        except ConvcliError as error:
            kept = f"{KEPT}: {folder / LAST} holds {recorder.kept}."
            raise type(error)(*error.lines, kept) from None


def _conclude(recorder: Recorder, data: Splits, json: bool) -> None:
    """Measure the best epoch on the test images, and print what came out."""
    from convcli.render.evaluation import best_line

    folder, document = recorder.run.folder, recorder.conclude(data)
    if json:
        return print_json({"run": str(folder), **document})
    lines = [best_line(recorder.training.progress.best)]
    if test := document.get("test"):
        claim = f"{test['samples']:,} images it never saw"
        if data.seen:
            claim = f"{test['samples']:,} images, {data.seen:,} of which it saw in training or validation"
        lines.append(f"test accuracy {test['accuracy']:.2%} on {claim}")
    return out(*lines, f"run written to {folder}")
