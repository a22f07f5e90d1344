"""What a batch would write, by names and headers alone: nothing is decoded, nothing written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from convcli.errors import InputError
from convcli.filtering.batch import Batch
from convcli.filtering.jobs import STREAM, Job
from convcli.filtering.outcomes import Failed
from convcli.images.header import checked_shape


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
        found = shapes[job.source]
        if isinstance(found, InputError):
            if not batch.goes_on(job):
                raise found
            batch.failures[job] = found
            yield Failed(job, found)
        else:
            yield Planned(job, found, job.target is not None and os.path.lexists(job.target))
