"""Many image files filtered: several at a time, their results in order, and an end where nothing is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from convcli.bounds import MAX_PIXELS
from convcli.engine.threads import available_cores
from convcli.errors import ConvcliError, UsageError
from convcli.files import Address, Identity, flush_folder, is_address
from convcli.filtering.evidence import Evidence
from convcli.filtering.jobs import Job, Saving, check_streams, endings_of, jobs_for
from convcli.filtering.listing import Listing
from convcli.filtering.making import Request, Terms, concerns_all, made_of
from convcli.filtering.manifest import Journal, line_of
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.results import Results
from convcli.filtering.targets import Taken, check_targets
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.recipe import Recipe

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_AT_ONCE = 4
"""Images that are worked on at a time unless it is said: each takes memory, and more wait for the disk."""


class Batch:
    """Results of images, and what is still to do of them, in the order of `jobs`.

    No image and nothing that is `kept` is ever overwritten; what cannot or must not be written is refused
    with `ConvcliError` at once. Neither an image nor a result has more than `max_pixels`. `at_once` are
    worked on at a time, each with its share of the `threads`, or one. The `journal` gets a line for each
    job; of those in `expected` the image must be the one that a manifest recorded, and those that have
    `failed_before` may fail again without ending the batch. `tell` is called with each thing the user should
    hear.
    """

    def __init__(
        self,
        results: Sequence[Results],
        jobs: Sequence[Job],
        *,
        max_pixels: int = MAX_PIXELS,
        keep_going: bool = False,
        threads: int | None = None,
        at_once: int | None = None,
        kept: Collection[Identity] = (),
        journal: Journal | None = None,
        expected: Mapping[Job, Evidence] | None = None,
        failed_before: Collection[Job] = (),
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.results, self.jobs, self.keep_going = results, list(jobs), keep_going
        self._failed_before = frozenset(failed_before)
        self.cores = threads or available_cores()
        self.at_once = at_once or min(self.cores, MOST_AT_ONCE)
        self.max_pixels, self.journal, self.expected = max_pixels, journal, expected or {}
        self._terms = Terms(
            max_pixels=max_pixels,
            noted=journal is not None,
            hashes=journal is not None and journal.hashes,
            several=len(self.jobs) > 1,
            settled=journal is not None or any(results.out_dir is not None for results in results),
        )
        self._results = {job: results for results in self.results for job in results.jobs}
        for job in self.jobs:
            _check_is_here(job)
            self._results[job].check(job.format)
        check_streams(self.jobs)
        self.failures: dict[Job, ConvcliError] = {}
        self.todo = self._left_to_do(kept, tell)

    @classmethod
    def of(
        cls,
        images: Sequence[str],
        pipelines: Mapping[str, Pipeline],
        saving: Saving,
        *,
        recursive: bool = False,
        damaged: bool = False,
        recipes: Mapping[str, Recipe] | None = None,
        tell: Callable[[str], None] = lambda _: None,
        **how: Any,
    ) -> Batch:
        """Return what pipelines, by what their results are called, make of images, and where it goes.

        `images` are names of files, of folders, patterns, or - for standard input; `recipes` are the
        pipelines as a manifest has them. The rest is as in `Batch`.
        """
        endings = endings_of(pipelines, saving)
        listed = Listing(saving.out_dir, recursive, tell).folders(images)
        by_image = [jobs for _, jobs in jobs_for(listed, endings, saving, tell=tell)]
        groups = list(zip(*by_image, strict=True)) or [()] * len(endings)
        results = Results.of_each(pipelines, endings, saving, groups, recipes=recipes, damaged=damaged)
        return cls(results, [job for jobs in by_image for job in jobs], tell=tell, **how)

    def _left_to_do(self, kept: Collection[Identity], tell: Callable[[str], None]) -> list[Job]:
        """Return the jobs that are not finished and that can be done."""
        left = {job for results in self.results for job in results.left_over(self.journal)}
        if done := sum(job not in left for job in self.jobs):
            what = "images" if len(self.results) == 1 else "results"
            tell(f"{done:,} of {len(self.jobs):,} {what} were finished already")
        if self.journal is not None:
            self.journal.keep_apart(self.jobs, kept)
        taken = Taken()
        for results in self.results:
            self.failures |= check_targets(
                results.jobs,
                kept,
                taken,
                replace=results.replace or (results.saving.resume and self.journal is not None),
                made=results.out_dir is not None,
                advice=results.advice,
                goes_on=self.goes_on,
            )
        return [job for job in self.jobs if job in left and job not in self.failures]

    @property
    def is_single(self) -> bool:
        """Whether it is one result of one image, which is made in the calling thread."""
        return len(self.jobs) == 1

    def run(
        self,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[float], None] | None = None,
    ) -> Generator[Done | Failed, None, None]:
        """Make what is left to do, and yield what has come of each job, in order.

        Close it if you leave it early. Once `stopping` says so, nothing more is begun. `progress` hears of a
        single image the shares that are done. Raises `ConvcliError` if a job fails and it is the only one,
        the batch does not keep going, or all would fail.
        """
        images = [
            list(jobs)
            for _, jobs in groupby(self.todo, key=lambda job: (job.source, self._results[job].damaged))
        ]
        workers = max(min(self.at_once, len(images)), 1)
        threads = max(self.cores // workers, 1)
        with ExitStack() as held:
            for results in self.results:
                if results.out_dir is not None:
                    held.enter_context(results.out_dir)
            if self.journal is not None:
                self.journal.begin()
                held.callback(self.journal.close)
                for job, error in self.failures.items():
                    self._note(Failed(job, error))
            if not self.is_single:
                held.callback(self._flush)
            if self.is_single:
                outcomes = (self._made_of(jobs, threads, progress) for jobs in images)
            else:
                task = partial(self._made_of, threads=threads)
                made = held.enter_context(closing(in_order(task, images, workers, stopping)))
                outcomes = (future.result() for _, future in made)
            for outcome in (outcome for of_one_image in outcomes for outcome in of_one_image):
                self._note(outcome)
                if isinstance(outcome, Failed):
                    if self._ends_with(outcome.error, [outcome.job]):
                        raise outcome.error
                    self.failures[outcome.job] = outcome.error
                yield outcome

    def _note(self, outcome: Done | Failed) -> None:
        """Write an outcome's line into the manifest."""
        if self.journal is not None:
            self.journal.add(line_of(outcome, self._results[outcome.job].made))

    def saving_of(self, job: Job) -> Saving:
        """Return how a job's result is written."""
        return self._results[job].saving

    def goes_on(self, job: Job) -> bool:
        """Whether others are tried although a job has failed."""
        return not self.is_single and (self.keep_going or job in self._failed_before)

    def _ends_with(self, error: ConvcliError, jobs: Sequence[Job]) -> bool:
        """Whether no further image is tried: all would fail, or one of these jobs is enough."""
        return concerns_all(error) or not all(map(self.goes_on, jobs))

    def _made_of(
        self, jobs: Sequence[Job], threads: int, progress: Callable[[float], None] | None = None
    ) -> list[Done | Failed]:
        """Return what has come of the jobs of one image."""
        requests = [self._request(job) for job in jobs]
        return made_of(
            requests,
            self._terms,
            threads=threads,
            prepare=self._prepare,
            ends=partial(self._ends_with, jobs=jobs),
            progress=progress,
        )

    def _request(self, job: Job) -> Request:
        """Return a job with all that decides on its result."""
        results = self._results[job]
        return Request(
            job,
            results.pipeline,
            results.saving,
            results.damaged,
            replace=results.replace or (self.journal is not None and self.journal.has_made(job)),
            adopt=self.journal is not None and results.saving.resume,
            expected=self.expected.get(job),
        )

    def _prepare(self) -> None:
        """Make the folders of all results: none may tidy up a folder that is written into."""
        for results in self.results:
            if results.out_dir is not None:
                anew = results.saving.force and not results.saving.resume and self._terms.several
                results.out_dir.prepare(anew=anew)

    def differs(self, done: Done) -> str:
        """Return what is another of a result than a manifest has, or nothing."""
        return self.expected.get(done.job, Evidence()).change(done.evidence, of="output")

    def _flush(self) -> None:
        """Have the disk keep the names of all results, which each would take as long as to write it."""
        for folder in {job.target.parent for job in self.todo if job.target is not None}:
            flush_folder(folder)


def _check_is_here(job: Job) -> None:
    """Raise `UsageError` of what is in a store: nothing here reads from there, or writes."""
    if is_address(job.source) or isinstance(job.target, Address):
        name = job.source if is_address(job.source) else str(job.target)
        raise UsageError(
            f"{shown(name)}: an address; with --cluster local processes of this machine read and write there."
        )


def in_order(
    task: Callable[[Item], Result], items: Sequence[Item], workers: int, stopping: Callable[[], bool]
) -> Generator[tuple[Item, Future[Result]], None, None]:
    """Yield each item with the outcome of `task`, in order, while `workers` threads are a little ahead.

    Once `stopping` says so, or the caller closes it, nothing more is begun; what has begun comes to its end.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                if stopping():
                    break
                waiting.append((item, pool.submit(task, item)))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft()
            while waiting:
                item, future = waiting.popleft()
                if not (stopping() and future.cancel()):
                    yield item, future
        finally:
            for _, future in waiting:
                future.cancel()
