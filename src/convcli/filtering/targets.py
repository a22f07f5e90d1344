"""Whether results may be written where they are to go; what cannot be is refused before any work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from convcli.errors import ConvcliError, InputError, OutputError, UsageError, reason
from convcli.files import Identity, identity, judge, judge_stdout
from convcli.filtering.jobs import STREAM, Job, as_one_name
from convcli.images import format_of
from convcli.images.patterns import is_pattern, no_match
from convcli.wording import shown


class Taken:
    """The places that results of a batch have, so that no two have one."""

    def __init__(self) -> None:
        self._sources: dict[Path, str] = {}
        self._folded: dict[str, Path] = {}

    def take(self, place: Path, job: Job, *, is_stream: bool) -> None:
        """Give a job's result a place, or raise `UsageError` that says who has it already."""
        folded_name = as_one_name(str(place))
        like = place if place in self._sources else self._folded.get(folded_name)
        if like and not is_stream and (like == place or _ignores_case(like.parent)):
            first, second = shown(self._sources[like]), shown(job.source)
            who = f"{first} and {second} would both" if first != second else f"Two results of {first} would"
            alike = Path(first).parent.name == Path(second).parent.name  # {parent} would be one name
            name = "{index}-{stem}_{kernel}{ext}" if alike else "{parent}-{stem}_{kernel}{ext}"
            raise UsageError(
                f"{who} be written to {shown(str(job.target))}; give each a call and a place of its own, or "
                f"tell them apart by --name, as {name} does."
            )
        self._sources[place] = job.source
        self._folded[folded_name] = place


def check_targets(
    jobs: Sequence[Job],
    kept: Collection[Identity],
    taken: Taken,
    *,
    replace: bool,
    made: bool,
    advice: str,
    goes_on: Callable[[Job], bool],
) -> dict[Job, ConvcliError]:
    """Refuse, before anything is read or written, every result that could not or must not be written.

    Nor may be overwritten what is `kept`, nor has a result a place that is `taken`. `replace` says whether
    files that are there may be, `made` whether folders are made, `advice` what helps where a file exists
    already.

    Return the jobs that cannot be done, as their image is missing or their result's name too long, with the
    error that says so; raise it of one after which nothing `goes_on`.
    """
    failed: dict[Job, ConvcliError] = {}
    inputs = set(kept)
    for job in jobs:
        try:
            if job.source != STREAM:
                inputs.add(_identity(job.source))
        except InputError as error:
            failed[job] = error
            if not goes_on(job):
                raise
    for job in jobs:
        if job.target is None:
            judge_stdout(inputs)
            continue
        try:
            found = judge(job.target, force=replace, inputs=inputs, made=made, advice=advice)
        except OutputError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError):  # what the system says of the name
                raise
            failed[job] = OutputError(f"{str(error).removesuffix('.')}; name it with -o.")
            failed[job].__cause__ = cause
            if not goes_on(job):
                raise failed[job] from cause
            continue
        taken.take(found.place, job, is_stream=found.is_stream)
        if job.format is None:
            _refuse_ending(job.target, is_stream=found.is_stream)
    return failed


def _refuse_ending(target: Path, *, is_stream: bool) -> None:
    """Say of a name that tells no format how to give one."""
    if is_stream:
        raise UsageError(
            f"{shown(target)}: a device's or pipe's name tells no format; add --format "
            "(such as --format png)."
        )
    format_of(target)  # which says what endings there are


def _ignores_case(folder: Path) -> bool:
    """Whether the file system takes two names for one that differ only in case, as far as can be seen."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if other != place and place.exists():
            return other.exists() and other.samefile(place)
    return False


def _identity(source: str) -> Identity:
    """Return what is the same for two names of one file, be they links or spelled differently."""
    try:
        status = Path(source).stat()
    except FileNotFoundError as error:
        missing = no_match(source) if is_pattern(source) else InputError(f"{shown(source)}: no such file.")
        raise missing from error
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(source)}: cannot be read ({reason(error)}).") from error
    return identity(status)
