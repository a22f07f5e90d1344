"""Many image files filtered: several at a time, their results in order, and an end where nothing is lost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from errno import ENAMETOOLONG
from functools import partial
from itertools import groupby
from typing import TypeVar

from convcli.bounds import MAX_PIXELS
from convcli.engine.threads import available_cores
from convcli.errors import ConvcliError, DefectError, InputError, OutputError, UsageError, reason
from convcli.files import Identity
from convcli.filtering.chain import Findings
from convcli.filtering.jobs import Ending, Job, Saving, check_streams, ending_of, jobs_for
from convcli.filtering.listing import listed_images
from convcli.filtering.original import Original
from convcli.filtering.out_dir import OutDir
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.targets import check_targets
from convcli.images import COMPRESSION, Image, encode, kept, write
from convcli.wording import shown

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_AT_ONCE = 4
"""Images that are worked on at a time unless it is said: each takes memory, and more wait for the disk."""


@dataclass(frozen=True, eq=False)
class Done:
    """An image that is filtered, and written unless `data` is the file that goes to standard output."""

    job: Job
    found: Findings
    input_shape: tuple[int, ...]  # (h, w) or (h, w, 3), as the file has it
    notes: tuple[str, ...]  # what the user should hear; each begins with the image's name
    seconds: float  # from opening the image to the end of writing
    data: bytes | None


@dataclass(frozen=True, eq=False)
class Failed:
    """An image that could not be filtered, and why."""

    job: Job
    error: ConvcliError


class Results:
    """What one filter makes of all images: where it goes, and the record of it in --out-dir."""

    def __init__(self, one: Pipeline, ending: str, jobs: list[Job], saving: Saving) -> None:
        self.pipeline, self.jobs = one, jobs
        self.out_dir: OutDir | None = None
        self.replace = saving.force  # whether files that are there may be overwritten
        self.advice = "use --force to overwrite it, or -o to write elsewhere"
        if saving.out_dir is not None:
            made = {**one.record(), "format": saving.format, "compress": saving.compress}
            folders = [job.target.parent for job in jobs if job.target]
            self.out_dir = OutDir(saving.out_dir, ending, made, folders)
            self.replace |= saving.resume and self.out_dir.matches
            self.advice = self.out_dir.advice


class Batch:
    """Images, filters by what their results are called (<stem>_<name>.png), and where the results go.

    `images` are names of files, of folders, or - for standard input. None of them and nothing that is `kept`
    is ever overwritten; what cannot or must not be written is refused with `ConvcliError` at once. Neither an
    image nor a result has more than `max_pixels`. `at_once` are worked on at a time, each with
    its share of the `threads`, or one. `tell` is called with each thing the user should hear.
    """

    def __init__(
        self,
        images: Sequence[str],
        pipelines: Mapping[str, Pipeline],
        saving: Saving,
        *,
        recursive: bool = False,
        max_pixels: int = MAX_PIXELS,
        damaged: bool = False,
        keep_going: bool = False,
        threads: int | None = None,
        at_once: int | None = None,
        kept: Collection[Identity] = (),
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.saving, self.keep_going = saving, keep_going
        self.cores = threads or available_cores()
        self.at_once = at_once or min(self.cores, MOST_AT_ONCE)
        self._original = partial(Original, max_pixels=max_pixels, damaged=damaged)
        listed = listed_images(images, saving.out_dir, tell=tell, recursive=recursive)
        endings = [
            Ending(name, ending_of(saving.format, one.policy.range)) for name, one in pipelines.items()
        ]
        groups = jobs_for(listed, endings, saving, tell=tell)
        self.results = [
            Results(one, str(ending), jobs, saving)
            for one, ending, jobs in zip(pipelines.values(), endings, groups, strict=True)
        ]
        # All, image by image; of each image a job for each filter. What is done or has failed is not to do.
        self.jobs = [job for of_one_image in zip(*groups, strict=True) for job in of_one_image]
        self._results = {job: results for results in self.results for job in results.jobs}
        if saving.compress is not None and any(job.format != "png" for job in self.jobs):
            raise UsageError("--compress is for PNG files; leave it out for other formats.")
        check_streams(self.jobs)
        self.failures: dict[Job, ConvcliError] = {}
        self.todo = self._left_to_do(kept, tell)
        self._anew = saving.force and not saving.resume and len(listed) > 1

    def _left_to_do(self, kept: Collection[Identity], tell: Callable[[str], None]) -> list[Job]:
        """Return the jobs that are not finished and that can be done."""
        saving, left = self.saving, set[Job]()
        for results in self.results:
            if results.out_dir and saving.resume:
                left.update(results.out_dir.left_over(results.jobs, force=saving.force))
            else:
                left.update(results.jobs)
        if done := sum(job not in left for job in self.jobs):
            what = "images" if len(self.results) == 1 else "results"
            tell(f"{done:,} of {len(self.jobs):,} {what} were finished already")
        for results in self.results:
            self.failures |= check_targets(
                results.jobs,
                kept,
                replace=results.replace,
                made=saving.out_dir is not None,
                advice=results.advice,
                keep_going=self.keep_going,
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
        """Pipeline what is left to do, and yield what has come of each job, in order.

        Close it if you leave it early. Once `stopping` says so, nothing more is begun. `progress` hears of a
        single image the shares that are done. Raises `ConvcliError` if a job fails and it is the only one,
        the batch does not keep going, or all would fail.
        """
        images = [list(jobs) for _, jobs in groupby(self.todo, key=lambda job: job.source)]
        workers = max(min(self.at_once, len(images)), 1)
        threads = max(self.cores // workers, 1)
        with ExitStack() as held:
            for results in self.results:
                if results.out_dir is not None:
                    held.enter_context(results.out_dir)
            if self.is_single:
                outcomes = (self._made_of(jobs, threads, progress) for jobs in images)
            else:
                task = partial(self._made_of, threads=threads)
                made = held.enter_context(closing(in_order(task, images, workers, stopping)))
                outcomes = (future.result() for _, future in made)
            for outcome in (outcome for of_one_image in outcomes for outcome in of_one_image):
                if isinstance(outcome, Failed):
                    if self._ends_with(outcome.error):
                        raise outcome.error
                    self.failures[outcome.job] = outcome.error
                yield outcome

    def _ends_with(self, error: ConvcliError) -> bool:
        """Whether no further image is tried: all would fail on a full disk, or in a folder that is gone."""
        cause = error.__cause__
        if self.is_single or not self.keep_going:
            return True
        return isinstance(error, OutputError) and isinstance(cause, OSError) and cause.errno != ENAMETOOLONG

    def _made_of(
        self, jobs: Sequence[Job], threads: int, progress: Callable[[float], None] | None = None
    ) -> list[Done | Failed]:
        """Return what has come of the jobs of one image, which is read once."""
        lumas = {self._results[job].pipeline.luma for job in jobs}
        original = self._original(jobs[0].source, threads=threads, both=len(lumas) > 1)
        outcomes: list[Done | Failed] = []
        for job in jobs:
            attempt = partial(self._made, job, original, progress, last=job is jobs[-1])
            try:
                outcomes.append(original.settled(attempt))
            except BrokenPipeError:
                raise
            except Exception as error:
                failed = Failed(job, _named(error, job.source))
                outcomes.append(failed)
                if self._ends_with(failed.error):
                    break
        return outcomes

    def _made(
        self, job: Job, original: Original, progress: Callable[[float], None] | None, *, last: bool
    ) -> Done:
        """Pipeline and write one image; `last` says that nothing else is made of it."""
        started, one = time.perf_counter(), self._results[job].pipeline
        try:
            image = original.image(luma=one.luma)
            filtered, found, said = one(
                image,
                format=job.format,
                max_pixels=original.max_pixels,
                threads=original.threads,
                progress=progress,
            )
        except UsageError as error:
            kind = InputError if isinstance(error.__cause__, MemoryError) else type(error)
            raise kind(f"{original.label}: {error}") from error
        input_shape, notes = image.stored_shape, image.notes
        del image
        if last:
            original.let_go()  # its pixels are not needed while the result is compressed
        written, lost = kept(filtered, job.format or "")
        notes += tuple(f"{original.label}: {text}" for text in (*said, *lost))
        data = self._written(job, written, original)
        return Done(job, found, input_shape, notes, time.perf_counter() - started, data)

    def _written(self, job: Job, image: Image, original: Original) -> bytes | None:
        """Write a result, or return the file that goes to standard output."""
        compress = COMPRESSION if self.saving.compress is None else self.saving.compress
        if job.target is None:
            return encode(image, job.format or "", compress=compress, threads=original.threads)
        folders = [results.out_dir for results in self.results if results.out_dir is not None]
        for folder in folders:  # all of them: none may tidy up a folder that is written into
            folder.prepare(anew=self._anew)
        write(
            job.target,
            image,
            format=job.format,
            compress=compress,
            threads=original.threads,
            force=self._results[job].replace,
            confirm=original.check_unchanged if folders else None,
        )
        return None


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


def _named(error: Exception, source: str) -> ConvcliError:
    """Return whatever was met on an image, expected by somebody or not, as the error of this image."""
    named: ConvcliError
    if isinstance(error, ConvcliError):
        return error
    if isinstance(error, MemoryError):
        named = InputError(f"{shown(source)}: not enough memory for an image of this size.")
    elif isinstance(error, OSError):
        named = InputError(f"{shown(source)}: {reason(error)}.")
    else:
        named = DefectError(
            f"{shown(source)}: this is a defect in convcli: {type(error).__name__}: {error}",
            "Set CONVCLI_TRACEBACK=1 to see where, and please report it.",
        )
    named.__cause__ = error
    return named
