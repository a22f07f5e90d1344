"""Which images a run's model is judged by: the run's own, known by their fingerprint, or others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convcli.config_file import ConfigFile
from convcli.data import Dataset, Splits, Wanted, load_data, open_source
from convcli.data.splits import fingerprint, in_words
from convcli.errors import InputError, UsageError
from convcli.nn.model import Model
from convcli.runs import checkpoints
from convcli.runs.folder import LAST, Run
from convcli.runs.imported import origin

NEW = "new"


@dataclass(frozen=True, eq=False)
class Measured:
    """Images to judge a run's model by, their labels counted in its classes, and what to say of them.

    The part is "train", "validation" or "test" of the run's data, or of a source that has two; else "new".
    """

    images: Dataset
    part: str
    own: bool  # those that the run's last checkpoint was trained and judged on
    notes: tuple[str, ...]


def measured(folder: Path, model: Model, source: str | None, part: str | None) -> Measured:
    """Return the images to judge the model of the run in `folder` by.

    They are at `source`, if not where the run's configuration says. With a `part`, the run's own split is
    made of them, which is proven by the fingerprint in its last checkpoint; without, a source's test part is
    measured, or all of it where there is none, and of the run's data the test or else the validation part.

    Raises InputError if there is nothing at the source, or at the place that the run names, or a class is not
    the model's; UsageError if the data has no such part.
    """
    run = Run.open(folder)
    file = checkpoints.run_config(run)
    found = _at_home(run, file, part) if source is None else _elsewhere(run, file, model, source, part)
    return replace(found, images=found.images.relabel(model.classes))


def _at_home(run: Run, file: ConfigFile, part: str | None) -> Measured:
    """Return a part of the data where the run's configuration says that it is."""
    if not file.config.data.source:  # as of a network that was trained elsewhere
        raise InputError(
            f"{run.folder}: the run names no data. Say where labelled images are: --data SOURCE."
        )
    try:
        data = load_data(file.config.data, file.base, file.config.training.seed)
    except InputError as error:
        option = f"--data SOURCE --split {part or _usual_part(run, file)}"
        raise InputError(*error.lines, f"If the run's data has moved, say where with {option}.") from error
    name = part or ("test" if data.test is not None else "validation")
    images, notes = data.part(name), list(data.notes)
    recorded, now = _recorded(run), data.fingerprint()
    changed = _differences(recorded, now) if recorded else ""
    if changed:
        notes.append(f"the images are not those that the run was trained on ({changed}){_mixed(name)}")
    foreign = origin(run)
    if foreign is not None:
        notes.append(
            f"the network came from {foreign}: whether it has learned from these images is not known"
        )
    return Measured(images, name, not changed and foreign is None, tuple(notes))


def _elsewhere(run: Run, file: ConfigFile, model: Model, source: str, part: str | None) -> Measured:
    """Return images of another source, which may be the run's own data at another place."""
    options, seen = file.config.data, model.preprocessing
    wanted = Wanted.by(options).like(seen.shape, seen.presentation)
    found, recorded = open_source(source, base=Path(), wanted=wanted), _recorded(run)
    beside = {"validation": options.validation, "test": options.test}.get(part or "")
    if isinstance(beside, str):  # then the source stands for that part alone
        return _part_itself(found.held_out, source, str(part), recorded, found.notes)
    if part is None and found.test is not None:
        return Measured(found.test, "test", False, found.notes)
    if part == "test" and found.test is None:
        raise UsageError(f"{source} has no test part of its own; leave --split out.")
    parts = _split(found, options.validation, file.config.training.seed)
    now = parts.fingerprint()
    if isinstance(options.validation, str):  # it has a place of its own, and may have moved as well
        del now["validation"]
    foreign = origin(run)
    changed = f"the network came from {foreign}" if foreign else _differences(recorded, now)
    if part is not None:
        return _part_of(parts, found, part, source, changed)
    notes = found.notes
    if not changed:
        words = f"the run was trained on {len(parts.train):,} of these {len(found.train):,} images"
        notes = (*notes, f"{source} is the run's own data: {words}; --split validation measures the others")
    return Measured(found.train, NEW, False, notes)


def _split(source: Splits, share: float | str, seed: int) -> Splits:
    """Return a source's images in the parts that a run makes of them, as far as there are enough."""
    own = source.validation is not None
    if not isinstance(share, str) and (own or 0 < round(share * len(source.train)) < len(source.train)):
        return source.divided(share, seed)
    return replace(source, validation=None)


def _part_of(parts: Splits, found: Splits, part: str, source: str, changed: str) -> Measured:
    """Return a part of a source: of the run's own split, where nothing has changed."""
    if not changed:
        told = f"{source} is the run's own data, by its fingerprint: measured is its {in_words(part)} part"
        return Measured(parts.part(part), part, True, (*parts.notes, told))
    told = f"{source} is not the data that the run was trained on ({changed}): measured "
    if part == "validation":
        told += f"is a part split off as the run's configuration says{_mixed(part)}"
        return Measured(parts.part(part), NEW, False, (*parts.notes, told))
    told += f"are its own {in_words(part)} images"
    images = found.train if part == "train" or found.test is None else found.test
    return Measured(images, part if found.test is not None else NEW, False, (*parts.notes, told))


def _part_itself(
    images: Dataset, source: str, part: str, recorded: Mapping[str, Any], notes: tuple[str, ...]
) -> Measured:
    """Return all images of a source that stands for a part which the run has a source of its own for."""
    if part == "test":  # of which nothing is recorded
        return Measured(images, NEW, False, notes)
    changed = _differences(recorded, {part: fingerprint(images)})
    if changed:
        told = f"{source} is not the run's {part} data ({changed}): measured are all its images"
        return Measured(images, NEW, False, (*notes, told))
    return Measured(
        images, part, True, (*notes, f"{source} is the run's own {part} data, by its fingerprint")
    )


def _recorded(run: Run) -> Mapping[str, Any]:
    """Return the fingerprint of the images that the last checkpoint was made with; nothing if it is lost."""
    try:
        images = run.read_checkpoint_document(LAST).get("data")
    except InputError:
        return {}
    return images if isinstance(images, dict) else {}


def _differences(recorded: Mapping[str, Any], now: Mapping[str, str]) -> str:
    """Return in which parts images are others than recorded; nothing if they are the same."""
    if not recorded:
        return f"{LAST}, which has their fingerprint, cannot be read"
    return "; ".join(
        f"{part} images: {recorded.get(part)} → {found}"
        for part, found in now.items()
        if recorded.get(part) != found
    )


def _usual_part(run: Run, file: ConfigFile) -> str:
    """Return the part that would have been measured, as far as that is known without the data."""
    try:
        tested = "test" in run.read_results()
    except InputError:
        tested = False
    return "test" if tested or file.config.data.test is not None else "validation"


def _mixed(part: str) -> str:
    return ", and the network may have learned from some of them" if part == "validation" else ""
