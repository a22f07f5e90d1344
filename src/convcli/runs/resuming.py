"""Going on with a run: what has changed since it was stopped, and whether it may go on all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from convcli.config_file import ConfigFile
from convcli.data import Splits
from convcli.errors import InputError, UsageError
from convcli.nn.config import Config
from convcli.nn.model import Model
from convcli.nn.ranks import ALONE, Ranks
from convcli.runs import checkpoints
from convcli.runs.comparing import config_changes
from convcli.runs.environment import CAME_FROM, add_environment
from convcli.runs.folder import LAST, RESOLVED, Checkpoint, Run
from convcli.runs.recording import Recorder
from convcli.training import Training, best_metrics

_EPOCHS, _PATIENCE, _EVERY = "training.epochs", "training.patience", "training.checkpoint_every"
_FIXED = ("data.preprocessing", "training.best_by")  # the weights of another best epoch are not kept
_PRESENTATION = ("data.background", "data.range", "data.fit")  # of images that are still to come, too


def values_in_force(run: Run, last: Checkpoint, overrides: Iterable[str] = ()) -> ConfigFile:
    """Return the configuration that a run was under when `last` was written, with `key=value` overrides.

    Raises InputError if the checkpoint does not hold it; ConfigError if the overrides are wrong.
    """
    text = last.document.get("resolved")
    if not isinstance(text, str):
        raise InputError(f"{run.folder / LAST}: damaged checkpoint (it does not say what was in force).")
    file = ConfigFile.parse(text, run.folder / RESOLVED, overrides)
    return replace(file, name=run.folder.name)


@dataclass(frozen=True)
class Changes:
    """What is no longer as it was when a run was stopped, a line for each.

    Had the plain values held from the beginning, the run would stand where it stands, to the last bit. All
    others are weighty.
    """

    plain: tuple[str, ...]
    weighty: tuple[str, ...]
    options: Mapping[str, Any]  # of [training], behind the plain ones
    elsewhere: bool = False  # the environment is another: figures may differ in their last digits

    def __bool__(self) -> bool:
        return bool(self.plain or self.weighty)


def resume(
    run: Run,
    last: Checkpoint,
    file: ConfigFile,
    data: Splits,
    threads: int,
    *,
    allow_changes: bool = False,
    ranks: Ranks = ALONE,
) -> tuple[Recorder, Changes]:
    """Return what records the training that goes on under the configuration of `file`, and what has changed.

    The run's files, which may be older than its last checkpoint, are brought up to it. A weighty change takes
    effect from the beginning of an epoch: one that was interrupted begins again.

    Raises UsageError if there are weighty changes that are not allowed; InputError if the checkpoint is
    damaged, or its weights do not fit the images or the configuration.
    """
    training = checkpoints.restore_training(last, run.folder / LAST, data, threads, ranks)
    in_force = file.text == last.document.get("resolved") and not file.overrides
    before = file.config if in_force else values_in_force(run, last).config
    after, images = _with_scaling(file.resolved, before), data.fingerprint()
    changes = _compare(training, before, after, _recorded_images(run, last), images)
    if changes.weighty and not allow_changes:
        raise UsageError(
            f"{run.folder}: not what it was when the run was stopped:",
            *(f"  {line}" for line in changes.weighty),
            "Go on with --allow-changes, or start a new run.",
        )
    resolved, changed = last.document["resolved"], before != after or bool(changes)
    if changed:
        if before.data == after.data:  # then the run's files go on naming the data as its user did
            after = after.model_copy(update={"data": training.model.config.data})
        best_of = _with_options(training.best_of, changes.options)
        training = checkpoints.changed_training(training, after, data.presentation, run.folder / LAST)
        training.best_of = best_of
        if changes.weighty:
            training.progress.restart_epoch()
        resolved = _history(last, training, changes) + file.resolved_text()
    came_from = last.document.get(CAME_FROM)
    recorder = Recorder(run, training, resolved, images, came_from if isinstance(came_from, list) else ())
    if changed:
        recorder.checkpoint()
    recorder.catch_up()
    seed, epoch = after.training.seed, training.progress.epoch
    elsewhere = add_environment(run, seed=seed, threads=threads, epoch=epoch, ranks=ranks.size)
    return recorder, replace(changes, elsewhere=elsewhere)


def _with_scaling(after: Config, before: Config) -> Config:
    """Return a configuration that says nothing of how pixels are scaled with what was said before.

    A training that began with another network's weights may have its scaling, which its user did not write.
    """
    said = before.data.preprocessing
    if isinstance(said, str) or "preprocessing" in after.data.model_fields_set:
        return after
    return after.model_copy(update={"data": after.data.model_copy(update={"preprocessing": said})})


def _recorded_images(run: Run, last: Checkpoint) -> Mapping[str, Any]:
    images = last.document.get("data")
    if not isinstance(images, dict):
        raise InputError(f"{run.folder / LAST}: damaged checkpoint (it does not say what it learned from).")
    return images


def _compare(
    training: Training, before: Config, after: Config, images: Mapping[str, Any], now: Mapping[str, str]
) -> Changes:
    plain, weighty, options = [], [], {}
    for key, (old, new) in config_changes(before, after).items():
        line = f"{key}: {old!r} → {new!r}"
        if key.startswith("data.") and key not in (*_FIXED, *_PRESENTATION):
            continue  # what counts are the images
        obstacles = {_EPOCHS: _obstacle, _PATIENCE: _impatience}
        obstacle = obstacles[key](training, new) if key in obstacles else None
        if key == _EVERY or (key in obstacles and obstacle is None):
            plain.append(line)
            options[key.removeprefix("training.")] = new
        else:
            weighty.append(line if obstacle is None else f"{line} ({obstacle})")
        if key in _FIXED:
            raise UsageError(f"{key} cannot change within a run; start a new one.")
    others = [part for part in now if images.get(part) != now[part]]
    weighty += [f"{part} images: {images.get(part)} → {now[part]}" for part in others]
    return Changes(tuple(plain), tuple(weighty), options)


def _obstacle(training: Training, epochs: int) -> str | None:
    """Return why a training of so many epochs would not stand where this one does; None if it would."""
    progress, schedule = training.progress, training.options.schedule
    if progress.step and schedule.spans_run:
        return f"with the schedule {schedule.name()} the rate of every step depends on it"
    done = len(progress.history) + (progress.batch > 0)
    return f"{done} have begun" if epochs < done else None


def _impatience(training: Training, patience: int | None) -> str | None:
    """Return why a training of such patience would not stand where this one does; None if it would."""
    history, begun = training.progress.history, training.progress.batch > 0
    for ended in range(1, len(history) + begun):  # after each of these epochs it went on
        waited = ended - best_metrics(history[:ended]).epoch
        if patience is not None and waited >= patience:
            return f"with that it would have stopped after epoch {ended}"
    return None


def how_to_go_on(training: Training) -> tuple[str, tuple[str, ...]]:
    """Return why a training has come to its end, and the options of `train --resume` that make it longer."""
    options, done = training.options, len(training.progress.history)
    why, changes = "This run has come to its end", []
    if training.out_of_patience and options.patience is not None:
        waited = done - training.progress.best_epoch
        why = f"This run ended as {waited} epoch(s) brought nothing (training.patience = {options.patience})"
        changes.append(f"{_PATIENCE}={2 * waited}")
    allowed: tuple[str, ...] = ()
    if done >= options.epochs:
        more = 2 * done
        changes.append(f"{_EPOCHS}={more}")
        allowed = ("--allow-changes",) if _obstacle(training, more) else ()
    return why, (*(word for change in changes for word in ("--set", change)), *allowed)


def _with_options(model: Model, options: Mapping[str, Any]) -> Model:
    training = model.config.training.model_copy(update=dict(options))
    return replace(model, config=model.config.model_copy(update={"training": training}))


def _history(last: Checkpoint, training: Training, changes: Changes) -> str:
    """Return the comments above all values in force that say from where on they were."""
    lines = [line for line in last.document["resolved"].splitlines() if line.startswith("#")]
    place = f"epoch {training.progress.epoch}"
    if training.progress.batch:
        place += f", batch {training.progress.batch + 1}"
    lines += [f"# From {place} on: {line}" for line in (*changes.plain, *changes.weighty)]
    return "".join(f"{line}\n" for line in [*lines, ""]) if lines else ""
