"""How a result comes about: its image read and told from others, filtered, encoded, and written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from convcli.errors import InputError, OutputError, UsageError
from convcli.filtering.evidence import Evidence
from convcli.filtering.frame_numbers import is_numbered, write_numbered
from convcli.filtering.jobs import Job
from convcli.filtering.manifest import Journal, place_of
from convcli.filtering.original import Original
from convcli.filtering.out_dir import OutDir
from convcli.filtering.outcomes import Done
from convcli.filtering.results import Results
from convcli.images import Image, encode, format_of, kept, write
from convcli.images.holding import stripped
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.sequence import FrameSequence
    from convcli.images.frames import Frames


class Making:
    """What is made of one image of a batch.

    `results` are those of all jobs, `folders` all that --out-dir names; the rest is as in `Batch`.
    """

    def __init__(
        self,
        original: Original,
        results: Mapping[Job, Results],
        folders: Sequence[OutDir],
        journal: Journal | None,
        expected: Mapping[Job, Evidence],
    ) -> None:
        self.original, self.results, self.folders = original, results, folders
        self.journal, self.expected = journal, expected

    def make(self, job: Job, progress: Callable[[float], None] | None, *, last: bool) -> Done:
        """Return a job's result, which is then written; `last` says that nothing else is made of the image.

        `progress` hears of the shares that are done.
        """
        results, original, started = self.results[job], self.original, time.perf_counter()
        hashes = self.journal is not None and self.journal.hashes
        hashes |= self.expected.get(job, Evidence()).input_sha256 is not None
        image: Image | None = None
        if (choice := results.saving.choice) is not None:
            with original.frames() as frames:
                numbers = choice.of(1 if frames is None else frames.story.count, original.label)
                if frames is not None and (len(numbers) > 1 or is_numbered(results.saving.output)):
                    several = self._several(job, frames, numbers, progress)
                    evidence = self._seen(job, hashes=hashes)
                    data = self._written(job, several)
                    assert several.found is not None
                    evidence = self._joined(job, evidence, hashes=hashes)
                    seconds, shape = time.perf_counter() - started, several.input_shape
                    found, notes = several.found, several.notes
                    return Done(job, found, shape, notes, seconds, data, evidence, several.count)
                if frames is not None:
                    image = frames.read(numbers[0]).image
        try:
            image = image or original.image(luma=results.pipeline.luma)
            if results.saving.strip:
                image = stripped(image)
            evidence = self._seen(job, hashes=hashes)
            filtered, found, said = results.pipeline(
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
        data = self._written(job, written)
        evidence = self._joined(job, evidence, hashes=hashes)
        return Done(job, found, input_shape, notes, time.perf_counter() - started, data, evidence)

    def _several(
        self,
        job: Job,
        frames: Frames,
        numbers: range,
        progress: Callable[[float], None] | None,
    ) -> FrameSequence:
        """Return the frames of an image that make one result; `OutputError` if its format holds one."""
        from convcli.filtering.sequence import FrameFiles, FrameSequence  # few images need them

        results, original = self.results[job], self.original
        try:
            return (FrameFiles if is_numbered(results.saving.output) else FrameSequence)(
                frames,
                numbers,
                results.pipeline,
                job.format or "",
                results.saving.encoded_by(original.threads),
                max_pixels=original.max_pixels,
                damaged=results.damaged,
                strip=results.saving.strip,
                progress=progress,
            )
        except OutputError as error:
            raise error.placed("standard output" if job.target is None else str(job.target)) from None

    def _joined(self, job: Job, evidence: Evidence, *, hashes: bool) -> Evidence:
        """Return what tells an image from others with what tells its result, where it is asked for."""
        if self.journal is None and job not in self.expected:
            return evidence
        return evidence.joined(Evidence.of(None, job.target, hashes=hashes))

    def _seen(self, job: Job, *, hashes: bool) -> Evidence:
        """Return what tells an image from others; raise `InputError` if it is not the expected one."""
        if self.journal is None and job not in self.expected:
            return Evidence()
        now, then = Evidence.of(job.source, None, hashes=hashes), self.expected.get(job, Evidence())
        if what := then.untimed().change(now, of="input"):
            raise InputError(
                f"{shown(job.source)}: is not the image of the manifest any more: its {what} is another."
            )
        return now

    def _written(self, job: Job, image: Image | FrameSequence) -> bytes | None:
        """Write a result, or return the file that goes to standard output."""
        results, original = self.results[job], self.original
        encoding = results.saving.encoded_by(original.threads)

        if job.target is not None and is_numbered(results.saving.output):
            if isinstance(image, Image):  # of a file with one picture
                write_numbered(
                    job.target, image, job.source, format=job.format, encoding=encoding, force=results.replace
                )
            else:
                image.write_all(job.target, job.source, force=results.replace)
            return None

        def encoded(name: str) -> bytes:
            return encode(image, name, encoding) if isinstance(image, Image) else image.encoded()

        if job.target is None:
            return encoded(job.format or "")
        several = len(self.results) > 1
        for folder in self.folders:  # all of them: none may tidy up a folder that is written into
            folder.prepare(anew=results.saving.force and not results.saving.resume and several)
        may_replace = results.replace or self._is_ours(job)
        noted_before = self.journal is not None and results.saving.resume
        if not may_replace and noted_before and job.target.is_file():
            # Written before the last call was ended, which had not noted it yet; or somebody else's.
            there = encoded(job.format or format_of(job.target))
            if job.target.read_bytes() == there:
                return None
        confirm = original.check_unchanged if self.folders or self.journal is not None else None
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
            one_of_many=several,
        )
        return None

    def _is_ours(self, job: Job) -> bool:
        """Whether the manifest says that an earlier call has made a result, which may be made again."""
        if self.journal is None or job.target is None:
            return False
        entry = self.journal.latest.get(place_of(job.target))
        return entry is not None and not entry.failed
