"""Where the results of `convcli filter` go; what cannot be is refused before any work."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UsageError
from convcli.files import Address, as_path, is_stdout, path_of
from convcli.filtering.naming import Naming
from convcli.images import COMPRESSION, ENDINGS, FORMATS, Encoding
from convcli.images.choice import Choice
from convcli.images.holding import check_choice
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.pipeline import Pipeline

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


class Listed(NamedTuple):
    """An image, and the folder below --out-dir for its result."""

    source: str
    under: Path
    bytes: int | None = None  # where whoever listed it knows


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
        if self.out_dir is not None:
            object.__setattr__(self, "out_dir", path_of(self.out_dir))
        if self.format is not None:
            FORMATS[self.format]  # or it says that there is none such
        if self.output is not None and self.out_dir is not None:
            raise UsageError("-o names one file, --out-dir a folder for many; give one of them.")
        if self.resume and self.out_dir is None and not self.noted:
            raise UsageError("--resume goes with --out-dir or --manifest, which tell what is finished.")
        if self.resume and not self.noted and isinstance(self.out_dir, Address):
            raise UsageError(
                f"--resume to {shown(self.out_dir)} needs a --manifest, which tells what is finished: no "
                "record is kept there."
            )
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
    folders: Iterable[Sequence[Listed]],
    endings: Sequence[Ending],
    saving: Saving,
    *,
    tell: Callable[[str], None],
) -> Iterator[tuple[Listed, tuple[Job, ...]]]:
    """Yield each image with where its results go, one for each ending.

    They go to -o, into --out-dir, beside the inputs, or to stdout. All images whose results go into one
    folder come together in one of `folders`, so that their names can be told apart.
    """
    output, out_dir, naming = saving.output, saving.out_dir, saving.naming

    def job(source: str, target: Path | None) -> Job:
        by_name = None if target is None else ENDINGS.get(target.suffix.lower())
        if saving.format and by_name and by_name != saving.format:
            tell(f"{shown(str(target))} is written as {saving.format}, as --format says, whatever its name")
        return Job(source, target, saving.format or by_name)

    if output is not None:
        image = _only_one(folders, endings, output)
        yield image, (job(image.source, None if is_stdout(output) else path_of(output)),)
        return
    index, apart = 0, _Apart(out_dir)
    for images in folders:
        names = apart.names(images) if naming is None else {}
        for number, image in enumerate(images):
            index += 1
            file = _file(image)
            folder = file.parent if out_dir is None else out_dir / image.under
            if naming is None:
                name = names.get(number, file.stem)
                called = [Path(f"{name}_{ending.of(file, saving)}") for ending in endings]
            else:
                if out_dir is None and image.source == STREAM:
                    raise UsageError("--name is for files; standard input gives one only with --out-dir.")
                called = [
                    _named(file, saving, naming, ending, made=out_dir is not None, index=index)
                    for ending in endings
                ]
            through = image.source == STREAM and out_dir is None
            places = (None if through else folder / name for name in called)
            yield image, tuple(job(image.source, place) for place in places)
    apart.tell(tell)


def _file(image: Listed) -> Path:
    """Return the name after which an image's results are called."""
    return Path("stdin") if image.source == STREAM else as_path(image.source)


def _only_one(folders: Iterable[Sequence[Listed]], endings: Sequence[Ending], output: str) -> Listed:
    """Return the image whose result is to be called `output`."""
    if len(endings) > 1:
        raise UsageError(f"-o names one file, but there are {len(endings)} kernels; use --out-dir.")
    first, count = None, 0
    for images in folders:
        first, count = first or images[0], count + len(images)
    if count > 1:
        raise UsageError(f"-o names one file, but there are {count} images; use --out-dir.")
    if output.endswith(os.sep):
        raise UsageError(f"-o {shown(output)} names a folder; use --out-dir, or name a file in it.")
    assert first is not None  # whoever names none is told so
    return first


def _named(file: Path, saving: Saving, naming: Naming, ending: Ending, *, made: bool, index: int) -> Path:
    """Return a result's name by a template; `made` says that the folders it names will be made."""
    ext = ending.of(file, saving).ext
    name = naming.named(str(file), kernel=ending.label, ext=ext, index=index)
    if len(name.parts) > 1 and not made:
        raise UsageError(
            f"--name {shown(naming.template)} names folders; give --out-dir, where they are made."
        )
    return name


class _Apart:
    """What results are named after, so that no two of a folder are called alike; how often it mattered."""

    def __init__(self, out_dir: Path | None) -> None:
        self.out_dir = out_dir
        self.count, self.examples = 0, list[str]()

    def names(self, images: Sequence[Listed]) -> dict[int, str]:
        """Return of which images the whole names are kept, as the stems of a folder's results collide.

        Stems collide also if they differ only in case or in how an accent is written: on other file systems
        they are one name.
        """
        suspects = {i: _file(images[i]) for i in self._suspects(images)}
        names = {i: file.stem for i, file in suspects.items()}
        while True:  # a whole name may be another's stem: a.jpg, a.png and a.jpg.png
            alike = defaultdict[tuple[str, str], set[str]](set)
            keys = {i: (self._folder(images[i]), as_one_name(name)) for i, name in names.items()}
            for i, key in keys.items():
                alike[key].add(as_one_name(suspects[i].name))
            found = [i for i, key in keys.items() if len(alike[key]) > 1 and names[i] != suspects[i].name]
            if not found:
                break
            for i in found:
                names[i] = suspects[i].name
        apart = {i: name for i, name in names.items() if name != suspects[i].stem}
        self._note([suspects[i] for i in apart])
        return apart

    def _suspects(self, images: Sequence[Listed]) -> list[int]:
        """Return the images that may have another's name, by hashes: of very many almost all are apart."""

        def hashes(numbers: Iterable[int], *, whole: bool) -> NDArray[np.int64]:
            files = ((self._folder(images[i]), _file(images[i])) for i in numbers)
            found = (hash((folder, as_one_name(file.name if whole else file.stem))) for folder, file in files)
            return np.fromiter(found, np.int64)

        stems = hashes(range(len(images)), whole=False)
        in_order = np.sort(stems)
        suspects = np.flatnonzero(np.isin(stems, in_order[1:][in_order[1:] == in_order[:-1]]))
        while True:
            also = np.flatnonzero(np.isin(stems, hashes(suspects.tolist(), whole=True)))
            more = np.union1d(suspects, also)
            if len(more) == len(suspects):
                return [int(i) for i in more]
            suspects = more

    def _folder(self, image: Listed) -> str:
        return str(_file(image).parent if self.out_dir is None else image.under)

    def _note(self, apart: Sequence[Path]) -> None:
        if apart and not self.count:
            first = min(as_one_name(image.stem) for image in apart)
            self.examples = [shown(image.name) for image in apart if as_one_name(image.stem) == first][:2]
        self.count += len(apart)

    def tell(self, tell: Callable[[str], None]) -> None:
        """Say it, once all are named."""
        if self.count:
            tell(
                f"{self.count:,} images differ from another in nothing but the ending "
                f"({', '.join(self.examples)}), which the names of their results keep"
            )


def as_one_name(name: str) -> str:
    """Return what two names have in common that only some file systems tell apart."""
    return unicodedata.normalize("NFC", name).casefold()


def endings_of(pipelines: Mapping[str, Pipeline], saving: Saving) -> list[Ending]:
    """Return what tells the results of pipelines apart, which are by what those are called."""
    return [Ending(name, ending_of(saving.format, one.policy.range)) for name, one in pipelines.items()]


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
