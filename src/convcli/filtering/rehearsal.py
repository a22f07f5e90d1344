"""What a batch would write, by names and headers alone: nothing is decoded, nothing written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from convcli.errors import ConvcliError, InputError, OutputError
from convcli.filtering.batch import Batch
from convcli.filtering.frame_numbers import is_numbered
from convcli.filtering.jobs import STREAM, Job, Saving
from convcli.filtering.outcomes import Failed
from convcli.images.header import checked_shape
from convcli.wording import shown


@dataclass(frozen=True)
class Planned:
    """A result that would be written, unless its image turns out to be damaged."""

    job: Job
    input_shape: tuple[int, ...] | None  # (h, w) or (h, w, 3); None where the header does not say
    replaces: bool  # a file that is there


def rehearse(batch: Batch) -> Iterator[Planned | Failed]:
    """Yield what would come of each job that is left to do, in order, as far as can be seen.

    Raises `ConvcliError` where the batch itself would end; what fails is among its failures afterwards.
    """
    shapes: dict[str, tuple[int, ...] | InputError | None] = {STREAM: None}
    for job in batch.todo:
        if job.source not in shapes:
            try:
                shape = checked_shape(job.source, batch.max_pixels)
                shapes[job.source] = shape if shape is None or shape[2] > 1 else shape[:2]
            except InputError as error:
                shapes[job.source] = error
        found: tuple[int, ...] | ConvcliError | None = shapes[job.source]
        saving = batch.saving_of(job)
        if found is not None and not isinstance(found, InputError) and saving.choice is not None:
            try:
                found = None if _is_stack(job, saving, batch.max_pixels) else found
            except ConvcliError as error:
                found = error
        if isinstance(found, ConvcliError):
            if not batch.goes_on(job):
                raise found
            batch.failures[job] = found
            yield Failed(job, found)
        else:
            yield Planned(job, found, job.target is not None and os.path.lexists(job.target))


def _is_stack(job: Job, saving: Saving, most: int) -> bool:
    """Whether the frames of an image are those of an array, whose header has no picture's shape.

    Raises `ConvcliError` if there are not as many as are chosen, or they do not go into the result's format.
    """
    from convcli.images.frames import frames_in, holds_several  # few images need them

    assert saving.choice is not None
    with frames_in(Path(job.source), max_pixels=most) as frames:
        numbers = saving.choice.of(1 if frames is None else frames.story.count, shown(job.source))
        if len(numbers) > 1 and not is_numbered(saving.output):
            try:
                holds_several(job.format or "")
            except OutputError as error:
                raise error.placed("standard output" if job.target is None else str(job.target)) from None
        return frames is not None and frames.story.kind == "stack"
