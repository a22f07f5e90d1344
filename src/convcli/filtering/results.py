"""What one pipeline makes of all images: where it goes, how it is made, and which of it is there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from convcli.errors import UsageError
from convcli.files import Address
from convcli.filtering.difference import of_lines
from convcli.filtering.evidence import Evidence
from convcli.filtering.jobs import Ending, Job, Saving
from convcli.filtering.manifest import Journal
from convcli.filtering.manifest_lines import Entry, line_number, place_of
from convcli.filtering.out_dir import OutDir
from convcli.filtering.pipeline import Pipeline
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.recipe import Recipe


class Results:
    """The jobs of one pipeline; in --out-dir there is a record of it.

    `jobs` is None where they come one by one and are not kept. `recipe` is the pipeline as a manifest has it,
    where there is one; `damaged` says that damaged images are read as far as they go.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        ending: str,
        jobs: Sequence[Job] | None,
        saving: Saving,
        *,
        recipe: Recipe | None = None,
        damaged: bool = False,
    ) -> None:
        self.pipeline, self.jobs, self.saving = pipeline, list(jobs or ()), saving
        self.recipe, self.damaged = recipe, damaged
        self.out_dir: OutDir | None = None
        self.replace = saving.force  # whether files that are there may be overwritten
        self.advice = "use --force to overwrite it, or -o to write elsewhere"
        if isinstance(saving.out_dir, Address):  # where no record is kept
            self.advice = "use --force to overwrite it, or another --out-dir"
        elif saving.out_dir is not None:
            made = {**pipeline.record(), **saving.encoding}
            folders = [job.target.parent for job in self.jobs if job.target]
            self.out_dir = OutDir(saving.out_dir, ending, made, folders, many=jobs is None or len(jobs) > 1)
            self.replace |= saving.resume and self.out_dir.matches
            self.advice = self.out_dir.advice

    @classmethod
    def of_each(
        cls,
        pipelines: Mapping[str, Pipeline],
        endings: Sequence[Ending],
        saving: Saving,
        groups: Iterable[Sequence[Job] | None],
        *,
        recipes: Mapping[str, Recipe] | None,
        damaged: bool,
    ) -> list[Results]:
        """Return those of each pipeline, which, as `recipes`, are by what results are called."""
        return [
            cls(one, str(ending), jobs, saving, recipe=(recipes or {}).get(ending.label), damaged=damaged)
            for one, ending, jobs in zip(pipelines.values(), endings, groups, strict=True)
        ]

    def check(self, format: str | None) -> None:  # noqa: A002
        """Raise `UsageError` of an option that files of a format cannot follow, whatever the image."""
        self.saving.check(format)
        self.pipeline.check(format)

    @cached_property
    def made(self) -> dict[str, Any]:
        """How the results are made, as a manifest has it."""
        assert self.recipe is not None
        return {
            "pipeline": self.recipe.document,
            "pipeline_digest": self.recipe.digest,
            "options": {**self.saving.encoding, "damaged": self.damaged},
            "out_dir": None if self.saving.out_dir is None else str(self.saving.out_dir),
        }

    def left_over(self, journal: Journal | None) -> list[Job]:
        """Return the jobs that are not finished: by the manifest, or else by the record in --out-dir.

        Raises `UsageError` if what is there was made in another way, unless `force` makes all again.
        """
        saving, left = self.saving, self.jobs
        if not saving.resume:
            return left
        if self.out_dir is not None:
            left = self.out_dir.left_over(self.jobs, force=saving.force)
        return left if journal is None else [job for job in self.jobs if not self._is_noted(job, journal)]

    def _is_noted(self, job: Job, journal: Journal) -> bool:
        """Whether the manifest has a job's result, and neither that nor its image has changed since."""
        entry = self.noted(job, journal)
        if entry is None:
            return False
        return is_as_noted(entry.evidence, Evidence.of(job.source, job.target, hashes=journal.hashes))

    def noted(self, job: Job, journal: Journal) -> Entry | None:
        """Return what the manifest has of a job's result, if that was made of the same image and in this way.

        Raises `UsageError` if it was made in another way, unless `force` makes all again.
        """
        entry = None if job.target is None else journal.latest.get(place_of(job.target))
        if entry is None or entry.failed or place_of(entry.source) != place_of(job.source):
            return None
        then = {key: entry.document.get(key) for key in ("pipeline_digest", "options")}
        if then != {key: self.made[key] for key in then}:
            if self.saving.force:
                return None
            number = line_number(journal.path, entry)
            raise UsageError(
                f"{shown(journal.path)}: line {number}: {shown(str(job.target))} was made otherwise "
                f"({of_lines(entry.document, self.made)}). Give another --manifest and "
                "--out-dir, or --force to make all of them again."
            )
        return entry


def is_as_noted(then: Evidence, now: Evidence) -> bool:
    """Whether an image and its result are what a manifest's line says of them."""
    return now.output_bytes is not None and not any(
        then.change(now, of=which) for which in ("input", "output")
    )
