"""What the folders of runs tell: epochs, best figures, how a run stands, and what two runs differ in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from convcli.errors import ConvcliError, InputError
from convcli.files import is_file_inside
from convcli.nn.config import Config
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, CONFIG, ENVIRONMENT, LAST, LOCK, METRICS, RESOLVED, RESULTS, USUAL, Run
from convcli.runs.imported import origin
from convcli.runs.metrics import read_history
from convcli.training import Metrics, best_metrics
from convcli.wording import shown

LATEST = "latest"  # what names the run that began last


class State(StrEnum):
    """How a run stands."""

    FINISHED = "finished"  # all epochs are done, or patience has run out
    RUNNING = "running"  # a process is training it
    INTERRUPTED = "interrupted"  # none is, though epochs are left
    UNFINISHED = "unfinished"  # epochs are left, and here nobody can tell whether a process is at work
    IMPORTED = "imported"  # it was trained elsewhere, and has no epochs
    EMPTY = "empty"  # no epoch has ended, and no process is training it
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Outcome:
    """What the best epoch reached on the test images."""

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    samples: int
    accuracy: float
    loss: float


@dataclass(frozen=True)
class Summary:
    """A run at a glance."""

    folder: Path
    state: State
    reason: str = ""  # what is wrong with a damaged one, of which nothing else is known
    began: datetime | None = None
    config: Config | None = None
    history: tuple[Metrics, ...] = ()
    test: Outcome | None = None  # none if training has not ended yet, or had no test images

    @property
    def best(self) -> Metrics | None:
        """The best epoch."""
        return best_metrics(self.history) if self.history else None

    @property
    def images_per_second(self) -> float | None:
        """The median over the epochs."""
        from statistics import median  # with fractions, decimals and random numbers

        return median(row.images_per_second for row in self.history) if self.history else None


def summarize(folder: Path) -> Summary:
    """Return the summary of the run in `folder`.

    Raises InputError or ConfigError if it is no run, or damaged.
    """
    run = Run.open(folder)
    config, history = checkpoints.run_config(run).config, read_history(run)
    imported = not history and origin(run) is not None
    for name in (LAST, BEST) if history else (BEST,) if imported else (LAST,):
        run.read_checkpoint_document(name)
    return Summary(
        folder,
        State.IMPORTED if imported else _state(run, config, history),
        began=_began(run),
        config=config,
        history=tuple(history),
        test=_tested(run, history),
    )


def find(name: Path) -> tuple[Path, str]:
    """Return the folder of the run that is meant, and what there is to say of the choice, if anything.

    `name` is a run's folder, or the name of one in `runs`, or `latest`: the run there that began last. What
    is a run goes before what is only a folder, and what lies here before what lies in `runs`.

    Raises InputError if the latest run is asked for, and there is none.
    """
    if len(name.parts) != 1 or name.is_absolute() or name.name == "..":
        return name, ""
    usual = USUAL / name
    here, there = (is_file_inside(folder / RESOLVED) for folder in (name, usual))
    if here or (name.exists() and not there):
        both = f"{shown(name)} and {shown(usual)} are both runs: {shown(Path() / name)} here is meant"
        return name, both if there else ""
    if usual.exists():
        return usual, f"{shown(name)} here is no run: {shown(usual)} is meant" if name.exists() else ""
    return _latest() if name.name == LATEST else (name, "")


def _latest() -> tuple[Path, str]:
    found = (path for path in USUAL.glob(f"*/{RESOLVED}") if is_file_inside(path))
    folders = [path.parent for path in found if path.parent.name[0] != "."]
    if not folders:
        raise InputError(
            f"{LATEST}: there is no run in {USUAL}. `convcli train CONFIG` makes one; else name its folder."
        )
    newest = max(folders, key=lambda folder: (_began(Run(folder)).timestamp(), len(folder.name), folder.name))
    return newest, f"{LATEST} is {shown(newest)}"


def list_runs(folder: Path) -> tuple[list[Summary], int]:
    """Return all runs in a folder, by name, damaged ones too, and how many other folders there are.

    A folder that is a run itself is the only one.

    Raises InputError if the folder cannot be read.
    """
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
        if (folder / RESOLVED).exists():
            folders = [folder]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}).") from error
    found = [_glance(path) for path in folders]
    runs = [summary for summary in found if summary is not None]
    return runs, len(found) - len(runs)


def _glance(folder: Path) -> Summary | None:
    """Return the summary of a folder, whatever its state; None if it is no run at all."""
    try:
        names = {path.name for path in folder.iterdir()}
        if RESOLVED in names or METRICS in names:
            return summarize(folder)
        if names and names.isdisjoint((LOCK, LAST, CONFIG)):
            return None
        return Summary(folder, State.RUNNING if Run(folder).held else State.EMPTY)
    except ConvcliError as error:
        return Summary(folder, State.DAMAGED, str(error))
    except OSError as error:
        return Summary(folder, State.DAMAGED, f"{folder}: cannot be read ({error.strerror}).")


def _state(run: Run, config: Config, history: Sequence[Metrics]) -> State:
    held = run.held
    if held:
        return State.RUNNING
    if not history:
        return State.EMPTY
    waited, patience = history[-1].epoch - best_metrics(history).epoch, config.training.patience
    if len(history) >= config.training.epochs or (patience is not None and waited >= patience):
        return State.FINISHED
    return State.UNFINISHED if held is None else State.INTERRUPTED


def _began(run: Run) -> datetime:
    """Return when a run was begun: as it says itself, otherwise the date of its configuration."""
    try:
        return datetime.fromisoformat(run.read_document(ENVIRONMENT)["began"])
    except (InputError, LookupError, TypeError, ValueError):
        written = next((name for name in (CONFIG, RESOLVED) if os.path.lexists(run.folder / name)), CONFIG)
        return datetime.fromtimestamp((run.folder / written).lstat().st_mtime, UTC)


def _tested(run: Run, history: Sequence[Metrics]) -> Outcome | None:
    """Return what training ended with, if it has not gone on since to a better epoch."""
    results = run.read_results()
    try:
        if not history or "test" not in results:
            return None
        if TypeAdapter(Metrics).validate_python(results["best"]) != best_metrics(history):
            return None
        return TypeAdapter(Outcome).validate_python(results["test"])
    except (KeyError, ValidationError) as error:
        raise InputError(
            f"{run.folder / RESULTS}: damaged: not the figures that a training ends with."
        ) from error


_MEASURES: Mapping[str, Callable[[Summary], float | None]] = {
    "began": lambda run: run.began.timestamp() if run.began else None,
    "epochs": lambda run: len(run.history),
    "accuracy": lambda run: run.best.validation_accuracy if run.best else None,
    "loss": lambda run: run.best.validation_loss if run.best else None,
    "test": lambda run: run.test.accuracy if run.test else None,
    "speed": lambda run: run.images_per_second,
}


def ordered(runs: Iterable[Summary], by: str) -> list[Summary]:
    """Return runs by name, or the latest, longest, best or fastest first and those without a figure last."""
    if by == "name":
        return sorted(runs, key=lambda run: run.folder.name)

    def place(run: Summary) -> tuple[bool, float]:
        value = _MEASURES[by](run)
        return value is None, (value or 0.0) * (1 if by == "loss" else -1)

    return sorted(runs, key=place)
