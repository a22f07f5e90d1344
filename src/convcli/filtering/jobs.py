"""Where the results of `convcli filter` go; what cannot be is refused before any work."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from convcli.errors import UsageError
from convcli.files import is_stdout
from convcli.filtering.naming import Naming
from convcli.images import COMPRESSION, ENDINGS, FORMATS, Encoding
from convcli.images.choice import Choice
from convcli.images.holding import check_choice
from convcli.wording import shown

STREAM = "-"

STAYING = ("tiff", "npy")
"""Formats whose pages become a file of the same format. Animations become PNG, which loses nothing."""

ENCODING = ("format", "compress", "quality", "lossless", "strip", "frames")
"""Options that decide on a result's file besides its pixels."""
ALWAYS = ("format", "compress")  # are said in records although they were not given


@dataclass(frozen=True)
class Job:
    """One image to be filtered: where it comes from, and its result's place and format."""

    source: str
    target: Path | None  # None for standard output
    format: str | None  # None where neither an option nor the target's name tells


class Ending(NamedTuple):
    """What tells the results of one filter from those of others: its label, and the ending of its files."""

    label: str
    ext: str

    def __str__(self) -> str:
        return f"{self.label}{self.ext}"

    def of(self, image: Path, saving: Saving) -> Ending:
        """Return it for an image: pages and stacks, of which frames are taken, stay what they are."""
        kind = ENDINGS.get(image.suffix.lower(), "")
        if saving.frames is None or saving.format is not None or kind not in STAYING or self.ext != ".png":
            return self
        return self._replace(ext=FORMATS[kind].endings[0])


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Where results go, and how: the options of these names; `UsageError` if they contradict each other."""

    output: str | None = None
    out_dir: Path | None = None
    format: str | None = None
    compress: int | None = None
    quality: int | None = None
    lossless: bool = False
    strip: bool = False
    frames: str | None = None
    name: str | None = None
    force: bool = False
    resume: bool = False
    noted: bool = False  # in a manifest, which tells what is finished

    def __post_init__(self) -> None:
        if self.output is not None and self.out_dir is not None:
            raise UsageError("-o names one file, --out-dir a folder for many; give one of them.")
        if self.resume and self.out_dir is None and not self.noted:
            raise UsageError("--resume goes with --out-dir or --manifest, which tell what is finished.")
        if self.frames is not None:
            object.__setattr__(self, "frames", str(Choice.parsed(self.frames)))
        if self.output is not None and self.name is not None:
            raise UsageError("-o names the result already; --name is for several of them.")
        if self.resume and not self.noted and self.naming is not None and self.naming.counts:
            raise UsageError(
                "--resume cannot tell of which image a result is by a name with {index}, which changes with "
                "the images there are. Use {stem} or {name}, or a --manifest from the beginning."
            )

    @property
    def encoding(self) -> dict[str, Any]:
        """What decides on a result's file besides its pixels."""
        values = {name: getattr(self, name) for name in ENCODING}
        return {name: value for name, value in values.items() if name in ALWAYS or value not in (None, False)}

    def encoded_by(self, threads: int) -> Encoding:
        """Return how files are made, by so many threads."""
        compress = COMPRESSION if self.compress is None else self.compress
        return Encoding(compress=compress, quality=self.quality, lossless=self.lossless, threads=threads)

    def check(self, format: str | None) -> None:  # noqa: A002
        """Raise `UsageError` of an option that a format knows nothing of."""
        if format is not None:
            own = {name: getattr(self, name) for name in ("compress", "quality", "lossless")}
            check_choice(format, **own)

    @property
    def choice(self) -> Choice | None:
        """Which frames of files that have several are taken; None for the first picture."""
        return None if self.frames is None else Choice.parsed(self.frames)

    @property
    def naming(self) -> Naming | None:
        """What results are called, if not as usual."""
        return None if self.name is None else Naming(self.name)


def jobs_for(
    listed: Sequence[tuple[str, Path]],
    endings: Sequence[Ending],
    saving: Saving,
    *,
    tell: Callable[[str], None],
) -> list[list[Job]]:
    """Return for each ending where the results go: to -o, into --out-dir, beside the inputs, or to stdout."""
    output, out_dir = saving.output, saving.out_dir

    def job(source: str, target: Path | None) -> Job:
        by_name = None if target is None else ENDINGS.get(target.suffix.lower())
        if saving.format and by_name and by_name != saving.format:
            tell(f"{shown(str(target))} is written as {saving.format}, as --format says, whatever its name")
        return Job(source, target, saving.format or by_name)

    if output is not None and len(endings) > 1:
        raise UsageError(f"-o names one file, but there are {len(endings)} kernels; use --out-dir.")
    if output is not None and len(listed) > 1:
        raise UsageError(f"-o names one file, but there are {len(listed)} images; use --out-dir.")
    if output is not None:
        if output.endswith(os.sep):
            raise UsageError(f"-o {shown(output)} names a folder; use --out-dir, or name a file in it.")
        return [[job(listed[0][0], None if is_stdout(output) else Path(output))]]
    files = [Path("stdin" if source == STREAM else source) for source, _ in listed]
    folders = [
        file.parent if out_dir is None else out_dir / under
        for file, (_, under) in zip(files, listed, strict=True)
    ]
    if saving.naming is not None:
        if out_dir is None and any(source == STREAM for source, _ in listed):
            raise UsageError("--name is for files; standard input gives one only with --out-dir.")
        called = [
            _named(files, folders, saving, saving.naming, ending, made=out_dir is not None)
            for ending in endings
        ]
    else:
        names = _names_apart(list(zip(folders, files, strict=True)), tell)
        called = [
            [
                folder / f"{name}_{ending.of(file, saving)}"
                for folder, name, file in zip(folders, names, files, strict=True)
            ]
            for ending in endings
        ]
    return [
        [
            job(source, None if source == STREAM and out_dir is None else target)
            for (source, _), target in zip(listed, targets, strict=True)
        ]
        for targets in called
    ]


def _named(
    files: Sequence[Path],
    folders: Sequence[Path],
    saving: Saving,
    naming: Naming,
    ending: Ending,
    *,
    made: bool,
) -> list[Path]:
    """Return the results' places by a template; `made` says that the folders it names will be made."""
    targets = []
    for index, (file, folder) in enumerate(zip(files, folders, strict=True), 1):
        ext = ending.of(file, saving).ext
        name = naming.named(str(file), kernel=ending.label, ext=ext, index=index)
        if len(name.parts) > 1 and not made:
            raise UsageError(
                f"--name {shown(naming.template)} names folders; give --out-dir, where they are made."
            )
        targets.append(folder / name)
    return targets


def _names_apart(places: Sequence[tuple[Path, Path]], tell: Callable[[str], None]) -> list[str]:
    """Return what each result is named after: its image's stem, or its whole name where stems collide.

    `places` are pairs of the folder for the result and the image. Stems collide also if they differ only in
    case or in how an accent is written: on other file systems they are one name.
    """
    names = [image.stem for _, image in places]
    while True:  # a whole name may be another's stem: a.jpg, a.png and a.jpg.png
        keys = [(folder, as_one_name(name)) for (folder, _), name in zip(places, names, strict=True)]
        alike = defaultdict(set)
        for key, (_, image) in zip(keys, places, strict=True):
            alike[key].add(as_one_name(image.name))
        found = [i for i, key in enumerate(keys) if len(alike[key]) > 1 and names[i] != places[i][1].name]
        if not found:
            break
        for i in found:
            names[i] = places[i][1].name
    apart = [image for (_, image), name in zip(places, names, strict=True) if name != image.stem]
    if apart:
        first = min(as_one_name(image.stem) for image in apart)
        example = [shown(image.name) for image in apart if as_one_name(image.stem) == first]
        tell(
            f"{len(apart):,} images differ from another in nothing but the ending "
            f"({', '.join(example[:2])}), which the names of their results keep"
        )
    return names


def as_one_name(name: str) -> str:
    """Return what two names have in common that only some file systems tell apart."""
    return unicodedata.normalize("NFC", name).casefold()


def ending_of(format: str | None, range: str) -> str:  # noqa: A002
    """Return the ending of a result whose name is not given."""
    if format is None:
        return ".npy" if range == "raw" else ".png"
    return FORMATS[format].endings[0]


def check_streams(jobs: Sequence[Job]) -> None:
    """Refuse what standard input and output cannot do."""
    if all(job.target is not None for job in jobs):
        return
    if len(jobs) > 1:
        raise UsageError(
            "Standard output can hold only one image; use --out-dir for several images or kernels."
        )
    if jobs[0].format is None:
        raise UsageError(
            "An image on standard output needs --format (such as --format png), or give -o FILE."
        )
