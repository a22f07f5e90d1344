"""Several frames of one file, filtered one after the other into one file or each: memory is that of one.

Each is filtered by itself, as an image of its own; only `--range stretch` has one black and one white for all
of them, since an animation would flicker otherwise. For that they are gone over twice.
"""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from convcli.errors import InputError, OutputError, UsageError
from convcli.files import identities, judge, write_filled
from convcli.filtering.chain import Findings
from convcli.filtering.frame_numbers import numbered
from convcli.filtering.notes import NUMBERS
from convcli.filtering.pipeline import Pipeline
from convcli.images import Encoding, Image, kept, write
from convcli.images.frames import Frame, Frames, holds_several, write_frames
from convcli.images.holding import stripped
from convcli.wording import shown

Progress = Callable[[float], None]


class FrameSequence:
    """The chosen ones of a file's frames, to be filtered and written.

    Attributes
    ----------
    found, input_shape, notes, count
        What is found of all together, the first one's shape in the file, what there is to say, and how many
        have been written: once `fill` has.
    """

    single = False  # whether each is written into a file of its own

    def __init__(
        self,
        frames: Frames,
        chosen: range,
        pipeline: Pipeline,
        format: str,  # noqa: A002
        encoding: Encoding,
        *,
        max_pixels: int,
        damaged: bool,
        strip: bool,
        progress: Progress | None,
    ) -> None:
        self.frames, self.chosen, self.pipeline = frames, chosen, pipeline
        self.format, self.encoding = format, encoding
        self.writer = None if self.single else holds_several(format)
        self.max_pixels, self.damaged, self.strip, self.progress = max_pixels, damaged, strip, progress
        self._begin()

    def _begin(self) -> None:
        self.found: Findings | None = None
        self.input_shape: tuple[int, ...] = ()
        self.count, self._samples = 0, 0
        self._said: Counter[str] = Counter()
        self._words: dict[str, str] = {}

    def fill(self, stream: IO[bytes]) -> None:
        """Filter the frames, and write them into a stream that can be written anywhere.

        Raises `ConvcliError` if one cannot be read, filtered or held by the format.
        """
        self._begin()
        extremes = self._extremes() if self.pipeline.policy.range == "stretch" else None
        write_frames(stream, self._filtered(extremes), self.frames.story, self.format, self.encoding)

    def encoded(self) -> bytes:
        """Return the file."""
        stream = io.BytesIO()
        self.fill(stream)
        return stream.getvalue()

    def write(self, path: Path, *, force: bool, confirm: Callable[[], None] | None) -> None:
        """Write the file to where `path` leads, as `files.write` does."""
        try:
            write_filled(path, self.fill, force=force, confirm=confirm)
        except OutputError as error:
            raise (
                error if str(error).startswith(shown(path)) else error.placed(str(path))
            ) from error.__cause__

    def write_all(self, path: Path, source: str, *, force: bool) -> None:
        """Write the files, each whole or not at all; none if one of the names is taken."""
        places = [numbered(path, number + 1) for number in self.chosen]
        inputs = identities([source])
        for place in places:
            judge(place, force=force, inputs=inputs)
        self._begin()
        extremes = self._extremes() if self.pipeline.policy.range == "stretch" else None
        for place, frame in zip(places, self._filtered(extremes), strict=False):
            write(place, frame.image, format=self.format, encoding=self.encoding, force=force)

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say, once each, with the number of frames if it is not said of all."""
        where = self.frames.where
        notes = []
        for key, count in self._said.items():
            text = self._words[key]
            of = "" if count in (1, self.count) else f" ({count:,} of {self.count:,} frames)"
            notes.append(f"{where}: {text.removesuffix('.')}{of}")
        return (*notes, *(f"{where}: {text}" for text in (*self._about_measures(), *self._about_time())))

    def _about_measures(self) -> Iterator[str]:
        measuring = list(dict.fromkeys(step.label for step in self.pipeline.steps if step.measures))
        if measuring and self.count > 1:
            names = " and ".join(measuring)
            yield f"{names} measured each frame by itself, so that levels may change from one to the next"

    def _about_time(self) -> Iterator[str]:
        story, name = self.frames.story, self.format.upper()
        if self.writer is None:
            if story.plays is not None:
                yield "durations are left out: each frame is a file of its own"
        elif self.writer.ticks is None and story.plays is not None:
            yield f"{name} files hold no durations; left out"
        elif self.writer.ticks is not None and story.plays is None:
            what = "images" if story.kind == "stack" else story.kind
            yield f"its {what} have no durations; each frame is shown for 0.1 s, for ever"
        elif self.writer.ticks and self._uneven:
            yield f"durations are rounded to 1/{self.writer.ticks} s; all together last as long as before"

    def _read(self) -> Iterator[Frame]:
        """Yield the chosen frames; those before a damaged one if damaged files are read."""
        for place, number in enumerate(self.chosen):
            try:
                yield self.frames.read(number)
            except InputError as error:
                if self.damaged and place:
                    what = str(error).removeprefix(f"{self.frames.where}: ").rstrip(".")
                    self._say(f"{what}; the {place:,} before it are kept")
                    return
                if place and not self.damaged:
                    raise InputError(f"{error} --damaged keeps the {place:,} before it.") from error
                raise

    def _filtered(self, extremes: tuple[float, float] | None) -> Iterator[Frame]:
        share = len(self.chosen) * (1 if extremes is None else 2)
        self._uneven = False
        for frame in self._read():
            image, found, said = self._one(frame.image, self.pipeline, share, extremes)
            lost = kept(image, self.format)[1]
            self._count(frame.image, found)
            for text in (*frame.image.notes, *said, *(lost if self.count == 1 else self._of_pixels(lost))):
                self._say(text.removeprefix(f"{self.frames.where}: "))
            if self.writer is not None and self.writer.ticks and frame.seconds is not None:
                self._uneven |= (frame.seconds * self.writer.ticks).denominator > 1
            yield Frame(image, frame.seconds)

    def _one(
        self, image: Image, pipeline: Pipeline, share: int, extremes: tuple[float, float] | None
    ) -> tuple[Image, Findings, list[str]]:
        progress = self.progress
        try:
            return pipeline(
                stripped(image) if self.strip else image,
                format=self.format,
                max_pixels=self.max_pixels,
                threads=self.encoding.threads,
                progress=None if progress is None else lambda part: progress(part / share),
                extremes=extremes,
            )
        except (InputError, UsageError) as error:
            raise error.placed(self.frames.where) from error.__cause__

    def _extremes(self) -> tuple[float, float]:
        """Return the smallest and the largest response of all frames."""
        policy = replace(self.pipeline.policy, range="raw", depth=None, background=None)
        raw = replace(self.pipeline, policy=policy)
        low, high, share = math.inf, -math.inf, 2 * len(self.chosen)
        for frame in self._read():
            found = self._one(frame.image, raw, share, None)[1]
            if not math.isnan(found.minimum):
                low, high = min(low, found.minimum), max(high, found.maximum)
        self._begin()
        return (low, high) if low <= high else (0.0, 0.0)

    def _count(self, image: Image, found: Findings) -> None:
        """Join what is found of one frame to what was found of those before."""
        before, samples = self.found, math.prod(found.shape)
        self._samples += samples
        self.count += 1
        if before is None:
            self.found, self.input_shape = found, image.stored_shape
        else:
            self.found = replace(
                before,
                minimum=_least(before.minimum, found.minimum),
                maximum=-_least(-before.maximum, -found.maximum),
                clipped=before.clipped + (found.clipped - before.clipped) * samples / self._samples,
                odd=before.odd + found.odd,
                missing=before.missing + found.missing,
                blank=before.blank + found.blank,
            )

    def _of_pixels(self, lost: tuple[str, ...]) -> list[str]:
        """Return what is said of pixels: what is said of metadata, is said of the first frame."""
        return [text for text in lost if "colours become" in text]

    def _say(self, text: str) -> None:
        key = NUMBERS.sub("…", text)
        self._said[key] += 1
        self._words.setdefault(key, text)


class FrameFiles(FrameSequence):
    """The same, to be written into a file of each, of a format that may hold only one."""

    single = True


def _least(one: float, other: float) -> float:
    """Return the smaller of two numbers, of which NaN stands for none."""
    return other if math.isnan(one) else one if math.isnan(other) else min(one, other)
