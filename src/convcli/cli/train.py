"""`convcli train`: from a configuration to a run's folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcli.cli import blas
from convcli.cli.output import note, out, print_json, say
from convcli.errors import UsageError

if TYPE_CHECKING:
    from convcli.build import Data
    from convcli.config import ConfigFile
    from convcli.runs import Run
    from convcli.training import Training


def train(
    config: Annotated[Path | None, typer.Argument(help="The configuration.", show_default=False)] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a value over the file's.")
    ] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="The run's folder; runs/<config name>-NNN if not given.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Go on with an interrupted run.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="All that may be used if not given.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
) -> None:
    """Train a network and keep its best epoch. Ctrl-C stops after the batch; --resume goes on from there.

    \b
    Examples:
      convcli train examples/digits.toml
      convcli train examples/digits.toml --set training.epochs=3 --set layers.1.filters=8
      convcli train --resume runs/digits-001
    """
    blas.prepare()
    from convcli import build
    from convcli.engine.threads import available_cores
    from convcli.runs import Run

    threads = threads or available_cores()
    if resume is not None:
        if run_dir is not None:
            raise UsageError("--resume goes on in the run's own folder; leave --run-dir out.")
        run = Run.open(resume)
        file = build.run_config(run)
        if config is not None or overrides:
            _refuse_changes(file, config, overrides or [])
        data = _data(file)
        training = build.resume_training(run, data, threads)
    elif config is None:
        raise UsageError("Expected a CONFIG, or --resume RUN. Write a starter with `convcli init`.")
    else:
        file = build.load_config(config, overrides or [])
        data = _data(file)
        training = build.new_training(file.config, data, threads)
        resolved = build.resolved_text(file)
        run = Run.create(file.name, run_dir)
        run.write_config(file.text, file.overrides, resolved)
        run.write_environment(seed=file.config.training.seed, threads=threads)
    _learn(training, run)
    _conclude(training, run, data, json)


def _data(file: ConfigFile) -> Data:
    from convcli import build

    data = build.load_data(file.config.data, file.base, file.config.training.seed)
    note(data.notes)
    return data


def _refuse_changes(file: ConfigFile, config: Path | None, overrides: list[str]) -> None:
    """Raise if the configuration named beside --resume is not the run's own."""
    from convcli import build

    if config is None:
        raise UsageError("--resume goes on as the run began; leave --set out, or start a new run.")
    wanted = build.resolved_config(build.load_config(config, overrides))
    if changes := build.differences(file.config, wanted):
        lines = "".join(f"\n  {change}" for change in changes)
        raise UsageError(f"--resume goes on as the run began, but {config} differs:{lines}")


def _learn(training: Training, run: Run) -> None:
    """Iterate over the training: show it, write what is to be kept, stop when asked to."""
    from convcli import build
    from convcli.errors import TrainingError
    from convcli.render.training import training_view
    from convcli.runs import BEST, LAST
    from convcli.training import BatchDone

    with _interruption() as interrupted, training_view(training) as view:
        try:
            for event in training.run():
                if isinstance(event, BatchDone):
                    view.batch(event)
                else:
                    view.epoch(event)
                    if event.best:
                        run.write_checkpoint(BEST, build.best_checkpoint(training))
                    run.write_checkpoint(LAST, build.last_checkpoint(training))
                    run.write_metrics(build.metric_rows(training))
                if interrupted:
                    run.write_checkpoint(LAST, build.last_checkpoint(training))
                    view.close()
                    say(f"Interrupted. Go on with: convcli train --resume {run.folder}")
                    raise typer.Exit(130)
        except TrainingError as error:
            kept = training.progress.history
            where = f"{run.folder / LAST} holds epoch {kept[-1].epoch}" if kept else "no epoch was finished"
            raise TrainingError(f"{error}\nThe last good checkpoint: {where}.") from None


@contextmanager
def _interruption() -> Iterator[list[bool]]:
    """Give a list that is empty until the first Ctrl-C; the second one interrupts at once."""
    asked: list[bool] = []

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.append(True)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _conclude(training: Training, run: Run, data: Data, json: bool) -> None:
    """Measure the best epoch on the test images, and print what came out."""
    from dataclasses import asdict

    best = next(row for row in training.progress.history if row.epoch == training.progress.best_epoch)
    document: dict[str, Any] = {"run": str(run.folder), "best": asdict(best)}
    lines = [f"best epoch {best.epoch}: training accuracy {best.train_accuracy:.2%}"]
    if best.validation_accuracy is not None:
        lines[0] = f"best epoch {best.epoch}: validation accuracy {best.validation_accuracy:.2%}"
        lines[0] += f", loss {best.validation_loss:.4f}"
    if data.test is not None:
        figures = training.best_model().evaluate(data.test.images, data.test.labels)
        document["test"] = {"samples": figures.samples, "accuracy": figures.accuracy, "loss": figures.loss}
        lines.append(f"test accuracy {figures.accuracy:.2%} on {figures.samples:,} images it never saw")
    if json:
        return print_json(document)
    return out("\n".join([*lines, f"run written to {run.folder}"]))
