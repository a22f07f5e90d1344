"""What comes of a job of a batch: a result that is written, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from convcli.errors import ConvcliError
from convcli.filtering.chain import Findings
from convcli.filtering.evidence import Evidence
from convcli.filtering.jobs import Job


@dataclass(frozen=True, eq=False)
class Done:
    """An image that is filtered, and written unless `data` is the file that goes to standard output."""

    job: Job
    found: Findings
    input_shape: tuple[int, ...]  # (h, w) or (h, w, 3), as the file has it
    notes: tuple[str, ...]  # what the user should hear; each begins with the image's name
    seconds: float  # from opening the image to the end of writing
    data: bytes | None
    evidence: Evidence  # for a manifest, where there is one
    frames: int | None = None  # how many the result has, if it is no single picture


@dataclass(frozen=True, eq=False)
class Failed:
    """An image that could not be filtered, and why."""

    job: Job
    error: ConvcliError
