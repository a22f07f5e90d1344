"""Which images `convcli filter` reads and where results go; what cannot be is refused before any work."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convcli.cli.output import note
from convcli.errors import ConvcliError, InputError, OutputError, UnknownNameError, UsageError, reason, shown

STREAM = "-"


@dataclass(frozen=True)
class Job:
    """One image to be filtered: where it comes from and where its result goes (None for standard output)."""

    source: str
    target: Path | None


def listed_images(names: Sequence[str], *, output: str | None, out_dir: Path | None) -> list[str]:
    """Return the images that are named, and in the place of each folder those that are in it, by name."""
    images: list[str] = []
    for name in names:
        if name == STREAM or not os.path.isdir(name):  # noqa: PTH112  (a name may hold a null byte)
            images.append(name)
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
        images += _images_in(name)
    return images


def _images_in(folder: str) -> list[str]:
    """Return the files of a folder that end as images do, by name; say what is passed over."""
    from convcli.images import FORMATS

    with os.scandir(folder) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".")]
    files = [entry for entry in visible if entry.is_file() and Path(entry.name).suffix.lower() in FORMATS]
    if not files:
        raise InputError(
            f"{shown(folder)}: expected images ({', '.join(FORMATS)}), found none in this folder."
        )
    if others := len(visible) - len(files):
        note(f"{shown(folder)}: {others:,} passed over whose names do not end as those of image files")
    return sorted(entry.path for entry in files)


def jobs_for(sources: Sequence[str], ending: str, *, output: str | None, out_dir: Path | None) -> list[Job]:
    """Return where each result goes: to -o, into --out-dir, beside its input, or on to standard output."""
    if output is not None and out_dir is not None:
        raise UsageError("-o names one file, --out-dir a folder for many; give one of them.")
    if output is not None and len(sources) > 1:
        raise UsageError(f"-o names one file, but there are {len(sources)} images; use --out-dir.")
    if output is not None:
        return [Job(sources[0], None if output == STREAM else Path(output))]
    jobs = []
    for source in sources:
        stem = "stdin" if source == STREAM else Path(source).stem
        folder = out_dir if out_dir is not None else Path(source).parent
        piped = source == STREAM and out_dir is None
        jobs.append(Job(source, None if piped else folder / f"{stem}_{ending}"))
    return jobs


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
        raise UsageError("Standard output can hold only one image; use --out-dir for several.")
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
    """

    format: str | None
    replace: bool
    made: Path | None


def check_targets(jobs: Sequence[Job], places: Places, *, keep_going: bool) -> dict[Job, ConvcliError]:
    """Refuse, before anything is read or written, every result that could not or must not be written.

    Return the jobs that cannot be done, as their image is missing or their result's name too long, with the
    error that says so; without `keep_going` raise it.
    """
    from convcli.images import format_of

    failed: dict[Job, ConvcliError] = {}
    inputs: set[tuple[int, int]] = set()
    for job in jobs:
        try:
            if job.source != STREAM:
                inputs.add(_identity(job.source))
        except InputError as error:
            if not keep_going:
                raise
            failed[job] = error
    taken: dict[Path, str] = {}
    for job in jobs:
        target = job.target
        if target is None:
            continue
        place = target.resolve()
        if place in taken:
            raise UsageError(
                f"{shown(taken[place])} and {shown(job.source)} would both be written to {shown(target)}; "
                "name them with -o."
            )
        taken[place] = job.source
        try:
            _check_target(target, inputs, places)
        except OutputError as error:
            if not (keep_going and isinstance(error.__cause__, OSError)):
                raise
            failed[job] = error
        if places.format is None:
            format_of(target)
    return failed


def _check_target(target: Path, inputs: set[tuple[int, int]], places: Places) -> None:
    """Refuse a result that would replace an input or, unless it may, any file, or that has no folder."""
    where, folder = shown(target), target.parent
    try:
        if target.exists() and (target.stat().st_dev, target.stat().st_ino) in inputs:
            raise UsageError(
                f"{where} is an input, and an input is never overwritten; write elsewhere with -o."
            )
        if target.is_dir():
            raise OutputError(
                f"{where}: expected a file to write, found a folder; use --out-dir for a folder."
            )
    except OSError as error:  # a name that is too long
        raise OutputError(f"{where}: cannot be written ({error.strerror}); name it with -o.") from error
    if os.path.lexists(target) and not places.replace:
        raise OutputError(f"{where} exists already; use --force to overwrite it, or -o to write elsewhere.")
    if places.made is not None and not folder.exists():
        return  # made before the first result is written
    if not folder.exists():
        raise OutputError(f"{where}: the folder {shown(folder)} does not exist; create it first.")
    if not folder.is_dir():
        raise OutputError(f"{where}: {shown(folder)} is a file, not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{where}: the folder {shown(folder)} cannot be written to; use -o or --out-dir.")


def _identity(source: str) -> tuple[int, int]:
    """Return what is the same for two names of one file, be they links or spelled differently."""
    try:
        status = Path(source).stat()
    except FileNotFoundError as error:
        raise InputError(f"{shown(source)}: no such file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(source)}: cannot be read ({reason(error)}).") from error
    return status.st_dev, status.st_ino
