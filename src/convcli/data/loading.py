"""The pictures that [data] asks for: its source, split as it says, and what it names beside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from convcli.data.dataset import Dataset
from convcli.data.duplicates import same_pictures
from convcli.data.neighbours import ALONE, Neighbours
from convcli.data.readers import Wanted, open_source
from convcli.data.splits import Splits
from convcli.wording import listed

if TYPE_CHECKING:
    from convcli.config import DataOptions


def load_data(options: DataOptions, base: Path, seed: int, neighbours: Neighbours = ALONE) -> Splits:
    """Return the images that [data] names; relative paths start from `base`.

    `seed` decides which of them are split off for validation. With several processes each calls this, as one
    of its `neighbours`; only the one that scans looks for images that stand in several parts.

    Raises InputError as `open_source`, or if images beside the source have a class of their own; UsageError
    if the share for validation leaves a part without an image.
    """
    wanted = replace(Wanted.by(options), neighbours=neighbours)
    source = open_source(options.source, base=base, wanted=wanted)
    train, notes = source.train, list(source.notes)

    def beside(path: str) -> Dataset:
        other = open_source(path, base=base, wanted=wanted.like(train.shape, source.presentation))
        notes.extend(f"{path}: {note}" for note in other.notes)
        return other.held_out.relabel(train.classes)

    test = source.test if options.test is None else beside(options.test)
    if isinstance(options.validation, str):
        found = replace(source, validation=beside(options.validation))
    else:
        found = source.divided(options.validation, seed)
        if source.validation is not None and not options.validation:
            notes.append("the source's own validation part is not used: data.validation is 0")
    parts = {"train": found.train, "validation": found.validation, "test": test}
    same, seen = same_pictures(parts) if neighbours.scans else ((), 0)
    return replace(found, test=test, notes=(*notes, *same, *_lacking(found.train)), seen=seen)


def _lacking(train: Dataset) -> list[str]:
    """Return what a person should hear of classes that cannot be learned."""
    if len(train.classes) == 1:
        return [f"there is one class only, {train.classes[0]!r}: every answer will be right"]
    missing = [name for name, count in train.class_counts.items() if not count]
    return [f"without any training image, so never learned: class {listed(missing)}"] if missing else []
