"""Which images `convcli filter` reads and where results go; what cannot be is refused before any work."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from convcli.errors import ConvcliError, InputError, OutputError, UnknownNameError, UsageError, reason
from convcli.files import Identity, Target, identity, is_stdout, judge, judge_stdout
from convcli.images.folders import images_in
from convcli.wording import shown

STREAM = "-"


@dataclass(frozen=True)
class Job:
    """One image to be filtered: where it comes from and where its result goes (None for standard output)."""

    source: str
    target: Path | None


class Listed(NamedTuple):
    """An image to read, and the folder below --out-dir that its result goes to."""

    source: str
    under: Path = Path()


def listed_images(
    names: Sequence[str],
    *,
    output: str | None,
    out_dir: Path | None,
    tell: Callable[[str], None],
    recursive: bool = False,
) -> list[Listed]:
    """Return the images that are named, and in the place of each folder those that are in it, by name.

    With `recursive` also those in its sub-folders, whose results lie in folders of the same names.
    """
    images: list[Listed] = []
    for name in names:
        if name == STREAM or not os.path.isdir(name):  # noqa: PTH112  (a name may hold a null byte)
            images.append(Listed(name))
            continue
        if output is not None or out_dir is None:
            raise UsageError(
                f"{shown(name)} is a folder; give --out-dir, a folder of their own for the results."
            )
        if out_dir.exists() and out_dir.samefile(name):
            raise UsageError(
                f"{shown(name)}: the results would lie among the images, and be filtered with them another "
                "time; give another --out-dir."
            )
        found = images_in(name, tell=tell, results=out_dir if recursive else None)
        images += [Listed(source, Path(source).parent.relative_to(name)) for source in found]
    return images


def jobs_for(
    listed: Sequence[Listed],
    endings: Sequence[str],
    *,
    output: str | None,
    out_dir: Path | None,
    tell: Callable[[str], None],
) -> list[list[Job]]:
    """Return for each ending where the results go: to -o, into --out-dir, beside the inputs, or to stdout."""
    if output is not None and out_dir is not None:
        raise UsageError("-o names one file, --out-dir a folder for many; give one of them.")
    if output is not None and len(listed) > 1:
        raise UsageError(f"-o names one file, but there are {len(listed)} images; use --out-dir.")
    if output is not None:
        if output.endswith(os.sep):
            raise UsageError(f"-o {shown(output)} names a folder; use --out-dir, or name a file in it.")
        return [[Job(listed[0].source, None if is_stdout(output) else Path(output))] for _ in endings]
    sources = [one.source for one in listed]
    files = [Path("stdin" if source == STREAM else source) for source in sources]
    folders = [
        file.parent if out_dir is None else out_dir / one.under
        for file, one in zip(files, listed, strict=True)
    ]
    names = _names_apart([(folder, file) for folder, file in zip(folders, files, strict=True)], tell)
    return [
        [
            Job(source, None if source == STREAM and out_dir is None else folder / f"{name}_{ending}")
            for source, folder, name in zip(sources, folders, names, strict=True)
        ]
        for ending in endings
    ]


def _names_apart(places: Sequence[tuple[Path, Path]], tell: Callable[[str], None]) -> list[str]:
    """Return what each result is named after: its image's stem, or its whole name where stems collide.

    `places` are pairs of the folder for the result and the image. Stems collide also if they differ only in
    case or in how an accent is written: on other file systems they are one name.
    """

    names = [image.stem for _, image in places]
    wholes = [image.name for _, image in places]
    apart: set[int] = set()
    while True:  # a whole name may be another's stem: a.jpg, a.png and a.jpg.png
        alike = defaultdict(set)
        keys = [(folder, _same(name)) for (folder, _), name in zip(places, names, strict=True)]
        for key, whole in zip(keys, wholes, strict=True):
            alike[key].add(_same(whole))
        found = [i for i, key in enumerate(keys) if len(alike[key]) > 1 and names[i] != wholes[i]]
        if not found:
            break
        apart.update(found)
        for i in found:
            names[i] = wholes[i]
    if apart:
        first, *_ = sorted(apart, key=lambda i: (_same(places[i][1].stem), i))
        example = [
            shown(wholes[i])
            for i in sorted(apart)
            if _same(places[i][1].stem) == _same(places[first][1].stem)
        ]
        tell(
            f"{len(apart):,} images differ from another in nothing but the ending "
            f"({', '.join(example[:2])}), which the names of their results keep"
        )
    return names


def _same(name: str) -> str:
    """Return what two names have in common that only some file systems tell apart."""
    return unicodedata.normalize("NFC", name).casefold()


def ending_of(format: str | None, range: str) -> str:  # noqa: A002
    """Return the ending of a result whose name is not given."""
    from convcli.images import FORMATS

    if format is None:
        return ".npy" if range == "raw" else ".png"
    for suffix, name in FORMATS.items():
        if name == format:
            return suffix
    raise UnknownNameError("image format", format, dict.fromkeys(FORMATS.values()))


def format_written(job: Job, format: str | None) -> str | None:  # noqa: A002
    """Return the format that a result is written in, None if it is not known."""
    from convcli.images import FORMATS

    return format or (FORMATS.get(job.target.suffix.lower()) if job.target is not None else None)


def check_streams(jobs: Sequence[Job], *, format: str | None, json: bool) -> None:  # noqa: A002
    """Refuse what standard input and output cannot do."""
    if [job.source for job in jobs].count(STREAM) > 1:
        raise UsageError("Standard input (-) can be read only once.")
    if any(job.source == STREAM for job in jobs) and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal; pipe an image into it.")
    if all(job.target is not None for job in jobs):
        return
    if len(jobs) > 1:
        raise UsageError(
            "Standard output can hold only one image; use --out-dir for several images or kernels."
        )
    if format is None:
        raise UsageError(
            "An image on standard output needs --format (such as --format png), or give -o FILE."
        )
    if json:
        raise UsageError("--json and the image cannot both go to standard output; give -o FILE.")
    if sys.stdout.isatty():
        raise UsageError("Standard output is a terminal; redirect it, or give -o FILE.")


@dataclass(frozen=True)
class Places:
    """What is known of the places that results go to.

    Attributes
    ----------
    format
        The format asked for, if one was; else the name has to tell it.
    replace
        Whether files that are there may be overwritten.
    made
        The folder that is made before the first result is written, if there is one.
    advice
        What helps where a file exists already.
    read
        What is read besides the images, and never overwritten either.
    """

    format: str | None
    replace: bool
    made: Path | None
    advice: str
    read: frozenset[Identity] = frozenset()


def check_targets(jobs: Sequence[Job], places: Places, *, keep_going: bool) -> dict[Job, ConvcliError]:
    """Refuse, before anything is read or written, every result that could not or must not be written.

    Return the jobs that cannot be done, as their image is missing or their result's name too long, with the
    error that says so; without `keep_going` raise it.
    """
    failed: dict[Job, ConvcliError] = {}
    inputs: set[Identity] = set(places.read)
    for job in jobs:
        try:
            if job.source != STREAM:
                inputs.add(_identity(job.source))
        except InputError as error:
            if not keep_going:
                raise
            failed[job] = error
    taken: dict[Path, str] = {}
    folded: dict[str, Path] = {}
    for job in jobs:
        target = job.target
        if target is None:
            judge_stdout(inputs)
            continue
        try:
            found = judge(
                target,
                force=places.replace,
                inputs=inputs,
                made=places.made is not None,
                advice=places.advice,
            )
        except OutputError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            named = OutputError(f"{str(error).removesuffix('.')}; name it with -o.")
            named.__cause__ = error.__cause__
            if not keep_going:
                raise named from error.__cause__
            failed[job] = named
            continue
        like = found.place if found.place in taken else folded.get(_same(str(found.place)))
        if like and not found.is_stream and (like == found.place or _ignores_case(like.parent)):
            raise UsageError(
                f"{shown(taken[like])} and {shown(job.source)} would both be written to {shown(target)}; "
                "give each a call and a place of its own."
            )
        taken[found.place] = job.source
        folded[_same(str(found.place))] = found.place
        _check_format(job, found, places.format)
    return failed


def _ignores_case(folder: Path) -> bool:
    """Whether the file system takes two names for one that differ only in case, as far as can be seen."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if other != place and place.exists():
            return other.exists() and other.samefile(place)
    return False


def _check_format(job: Job, target: Target, format: str | None) -> None:  # noqa: A002
    """Refuse a name that does not tell the format, where none is given."""
    from convcli.images import format_of

    if target.is_stream and format_written(job, format) is None:
        raise UsageError(
            f"{shown(job.target or target.place)}: a device's or pipe's name tells no format; add --format "
            "(such as --format png)."
        )
    if format is None and job.target is not None:
        format_of(job.target)


def _identity(source: str) -> Identity:
    """Return what is the same for two names of one file, be they links or spelled differently."""
    try:
        status = Path(source).stat()
    except FileNotFoundError as error:
        raise InputError(f"{shown(source)}: no such file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(source)}: cannot be read ({reason(error)}).") from error
    return identity(status)
