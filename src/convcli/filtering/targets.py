"""Whether results may be written where they are to go; what cannot be is refused before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convcli.errors import ConvcliError, InputError, OutputError, UsageError, reason
from convcli.files import Identity, Target, identity, judge, judge_stdout
from convcli.filtering.jobs import STREAM, Job, Saving, as_one_name, format_written
from convcli.images import format_of
from convcli.wording import shown


@dataclass(frozen=True)
class Places:
    """What is known of the places that results go to.

    Attributes
    ----------
    saving
        Where they are to go.
    replace
        Whether files that are there may be overwritten.
    advice
        What helps where a file exists already.
    kept
        What is read besides the images, and never overwritten either.
    """

    saving: Saving
    replace: bool
    advice: str
    kept: frozenset[Identity] = frozenset()


def check_targets(jobs: Sequence[Job], places: Places, *, keep_going: bool) -> dict[Job, ConvcliError]:
    """Refuse, before anything is read or written, every result that could not or must not be written.

    Return the jobs that cannot be done, as their image is missing or their result's name too long, with the
    error that says so; without `keep_going` raise it.
    """
    failed: dict[Job, ConvcliError] = {}
    inputs: set[Identity] = set(places.kept)
    for job in jobs:
        try:
            if job.source != STREAM:
                inputs.add(_identity(job.source))
        except InputError as error:
            failed[job] = error
            if not keep_going:
                raise
    taken: dict[Path, str] = {}
    folded: dict[str, Path] = {}
    for job in jobs:
        if job.target is None:
            judge_stdout(inputs)
            continue
        found = _judged(job.target, places, inputs)
        if isinstance(found, OutputError):
            failed[job] = found
            if not keep_going:
                raise found
            continue
        folded_name = as_one_name(str(found.place))
        like = found.place if found.place in taken else folded.get(folded_name)
        if like and not found.is_stream and (like == found.place or _ignores_case(like.parent)):
            raise UsageError(
                f"{shown(taken[like])} and {shown(job.source)} would both be written to {shown(job.target)}; "
                "give each a call and a place of its own."
            )
        taken[found.place] = job.source
        folded[folded_name] = found.place
        _check_format(job, found, places.saving)
    return failed


def _judged(target: Path, places: Places, inputs: set[Identity]) -> Target | OutputError:
    """Return the place that a result's name leads to, or the error that the system takes it for none."""
    made = places.saving.out_dir is not None
    try:
        return judge(target, force=places.replace, inputs=inputs, made=made, advice=places.advice)
    except OutputError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        named = OutputError(f"{str(error).removesuffix('.')}; name it with -o.")
        named.__cause__ = error.__cause__
        return named


def _ignores_case(folder: Path) -> bool:
    """Whether the file system takes two names for one that differ only in case, as far as can be seen."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if other != place and place.exists():
            return other.exists() and other.samefile(place)
    return False


def _check_format(job: Job, target: Target, saving: Saving) -> None:
    """Refuse a name that does not tell the format, where none is given."""
    if target.is_stream and format_written(job, saving) is None:
        raise UsageError(
            f"{shown(job.target or target.place)}: a device's or pipe's name tells no format; add --format "
            "(such as --format png)."
        )
    if saving.format is None and job.target is not None:
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
