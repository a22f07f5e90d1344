"""How a result comes about: its image read and told from others, filtered, encoded, and written.

Nothing here knows of a batch: what is asked for comes with each image, so that any process can make it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from errno import ENAMETOOLONG
from functools import partial
from typing import TYPE_CHECKING

from convcli.bounds import MAX_PIXELS
from convcli.errors import ConvcliError, DefectError, InputError, OutputError, UsageError, reason
from convcli.filtering.chain import Findings
from convcli.filtering.evidence import Evidence
from convcli.filtering.frame_numbers import is_numbered, write_numbered
from convcli.filtering.jobs import Job, Saving
from convcli.filtering.original import Original
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.shares import Progress, part_of
from convcli.images import Image, encode, format_of, kept, write
from convcli.images.holding import stripped
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.sequence import FrameSequence
    from convcli.images.frames import Frames


@dataclass(frozen=True, eq=False)
class Request:
    """A result that is asked for: of which image, by what pipeline, and what may become of a file there.

    Attributes
    ----------
    replace
        Whether a file in the result's place may be replaced.
    adopt
        Whether such a file counts as the result if it holds the same bytes.
    expected
        What told the image and the result from others in a manifest; the image must be the same.
    """

    job: Job
    pipeline: Pipeline
    saving: Saving
    damaged: bool = False
    replace: bool = False
    adopt: bool = False
    expected: Evidence | None = None


@dataclass(frozen=True)
class Terms:
    """What holds for all images of a call."""

    max_pixels: int = MAX_PIXELS
    noted: bool = False  # in a manifest, which has what tells an image and its result from others
    hashes: bool = False  # with their SHA-256
    several: bool = False  # results, whose folders the caller flushes when all are written
    settled: bool = False  # an image that changes while it is filtered is filtered again


def made_of(
    requests: Sequence[Request],
    terms: Terms,
    *,
    threads: int,
    prepare: Callable[[], None],
    ends: Callable[[ConvcliError], bool],
    progress: Progress | None = None,
) -> list[Done | Failed]:
    """Return what has come of the requests for one image, which is read once.

    `prepare` is called before a result is written, `ends` says of an error whether nothing more is tried, and
    `progress` hears of the shares that are done.
    """
    lumas = {request.pipeline.luma for request in requests}
    original = Original(
        requests[0].job.source,
        threads=threads,
        max_pixels=terms.max_pixels,
        damaged=requests[0].damaged,
        both=len(lumas) > 1,
    )
    outcomes: list[Done | Failed] = []
    for request in requests:
        making = Making(original, request, terms, prepare)
        attempt = partial(making.make, progress, last=request is requests[-1])
        try:
            outcomes.append(original.settled(attempt))
        except BrokenPipeError:
            raise
        except Exception as error:
            failed = Failed(request.job, _named(error, request.job.source))
            outcomes.append(failed)
            if ends(failed.error):
                break
    return outcomes


def concerns_all(error: ConvcliError) -> bool:
    """Whether no other image would fare better: on a full disk, or in a folder that is gone."""
    cause = error.__cause__
    return isinstance(error, OutputError) and isinstance(cause, OSError) and cause.errno != ENAMETOOLONG


WRITING = 0.4
"""Share of a bar that writing takes: of a photo as PNG about as much as one kernel."""


class Making:
    """What is made of one image for one request; the rest is as in `made_of`."""

    def __init__(
        self, original: Original, request: Request, terms: Terms, prepare: Callable[[], None]
    ) -> None:
        self.original, self.request, self.terms, self.prepare = original, request, terms, prepare
        self.job, self.saving = request.job, request.saving

    def make(self, progress: Progress | None, *, last: bool) -> Done:
        """Return the result, which is then written; `last` says that nothing else is made of the image.

        `progress` hears of the shares that are done.
        """
        job, original, started = self.job, self.original, time.perf_counter()
        image: Image | None = None
        if (choice := self.saving.choice) is not None:
            with original.frames() as frames:
                numbers = choice.of(1 if frames is None else frames.story.count, original.label)
                if frames is not None and (len(numbers) > 1 or is_numbered(self.saving.output)):
                    several = self._several(frames, numbers, progress)
                    evidence = self._seen()
                    data = self._written(several)
                    assert several.found is not None
                    evidence = self._joined(evidence)
                    seconds, shape = time.perf_counter() - started, several.input_shape
                    found, notes = several.found, several.notes
                    return Done(job, found, shape, notes, seconds, data, evidence, several.count)
                if frames is not None:
                    image = frames.read(numbers[0]).image
        try:
            image = image or original.image(luma=self.request.pipeline.luma)
            if self.saving.strip:
                image = stripped(image)
            evidence = self._seen()
            with part_of(progress, 1 - WRITING) as part:
                filtered, found, said = self._filtered(image, part)
        except UsageError as error:
            kind = InputError if isinstance(error.__cause__, MemoryError) else type(error)
            raise kind(f"{original.label}: {error}") from error
        input_shape, notes = image.stored_shape, image.notes
        del image
        if last:
            original.let_go()  # its pixels are not needed while the result is compressed
        written, lost = kept(filtered, job.format or "")
        notes += tuple(f"{original.label}: {text}" for text in (*said, *lost))
        with part_of(progress, WRITING) as part:
            data = self._written(written, part)
        evidence = self._joined(evidence)
        return Done(job, found, input_shape, notes, time.perf_counter() - started, data, evidence)

    def _filtered(self, image: Image, progress: Progress | None) -> tuple[Image, Findings, list[str]]:
        """Return what the pipeline makes of the image, as `Pipeline` does."""
        try:
            return self.request.pipeline(
                image,
                format=self.job.format,
                max_pixels=self.original.max_pixels,
                threads=self.original.threads,
                progress=progress,
            )
        except InputError as error:  # what the image says of its colours, which --linear cannot go by
            raise error.placed(self.original.label) from error.__cause__

    def _several(
        self,
        frames: Frames,
        numbers: range,
        progress: Progress | None,
    ) -> FrameSequence:
        """Return the frames of an image that make one result; `OutputError` if its format holds one."""
        from convcli.filtering.sequence import FrameFiles, FrameSequence  # few images need them

        original, target = self.original, self.job.target
        try:
            return (FrameFiles if is_numbered(self.saving.output) else FrameSequence)(
                frames,
                numbers,
                self.request.pipeline,
                self.job.format or "",
                self.saving.encoded_by(original.threads),
                max_pixels=original.max_pixels,
                damaged=self.request.damaged,
                strip=self.saving.strip,
                progress=progress,
            )
        except OutputError as error:
            raise error.placed("standard output" if target is None else str(target)) from None

    @property
    def _hashes(self) -> bool:
        """Whether SHA-256 are wanted: in the manifest, or to be held against one."""
        expected = self.request.expected
        return self.terms.hashes or (expected is not None and expected.input_sha256 is not None)

    def _joined(self, evidence: Evidence) -> Evidence:
        """Return what tells an image from others with what tells its result, where it is asked for."""
        if not self.terms.noted and self.request.expected is None:
            return evidence
        return evidence.joined(Evidence.of(None, self.job.target, hashes=self._hashes))

    def _seen(self) -> Evidence:
        """Return what tells an image from others; raise `InputError` if it is not the expected one."""
        source, then = self.job.source, self.request.expected
        if not self.terms.noted and then is None:
            return Evidence()
        now = Evidence.of(source, None, hashes=self._hashes)
        if then is not None and (what := then.untimed().change(now, of="input")):
            raise InputError(
                f"{shown(source)}: is not the image of the manifest any more: its {what} is another."
            )
        return now

    def _written(self, image: Image | FrameSequence, progress: Progress | None = None) -> bytes | None:
        """Write a result, or return the file that goes to standard output.

        `progress` hears of the shares of a picture's file that are made, as far as they can be told.
        """
        job, original, may_replace = self.job, self.original, self.request.replace
        encoding = replace(self.saving.encoded_by(original.threads), progress=progress)

        if job.target is not None and is_numbered(self.saving.output):
            if isinstance(image, Image):  # of a file with one picture
                write_numbered(
                    job.target, image, job.source, format=job.format, encoding=encoding, force=may_replace
                )
            else:
                image.write_all(job.target, job.source, force=may_replace)
            return None

        def encoded(name: str) -> bytes:
            return encode(image, name, encoding) if isinstance(image, Image) else image.encoded()

        if job.target is None:
            return encoded(job.format or "")
        self.prepare()
        if not may_replace and self.request.adopt and job.target.is_file():
            # Written before the last call was ended, which had not noted it yet; or somebody else's.
            there = encoded(job.format or format_of(job.target))
            if job.target.read_bytes() == there:
                return None
        confirm = original.check_unchanged if self.terms.settled else None
        if not isinstance(image, Image):
            image.write(job.target, force=may_replace, confirm=confirm)
            return None
        write(
            job.target,
            image,
            format=job.format,
            encoding=encoding,
            force=may_replace,
            confirm=confirm,
            one_of_many=self.terms.several,
        )
        return None


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
