"""What a worker does: results of a group of images, each written where it goes, or why there is none.

A group may come twice, as its first worker may have died on the way, or is only thought to be dead. What is
there already counts if it holds the bytes that are made now. So every result is written once, by whomever.
"""

from __future__ import annotations

import io
import pickle
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from convcli.cluster.addresses import store_of
from convcli.cluster.staging import evidence_of, is_made_of, is_remote, staged
from convcli.errors import ConvcliError, OutputError, reason
from convcli.files import Address, flush_folder, make_folder, path_of
from convcli.filtering.evidence import Evidence
from convcli.filtering.jobs import Job, Saving
from convcli.filtering.making import Request, Terms, concerns_all, made_of
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.results import is_as_noted
from convcli.images import ENDINGS
from convcli.wording import shown

UNTIMED = -1
"""In the place of a time, where a store tells none."""


class Order(NamedTuple):
    """An image to be filtered: its name, and where its results go, as a worker finds them.

    `noted` has for each result what a manifest says of it that may be finished, None where it says nothing.
    """

    source: str
    targets: tuple[str, ...]
    noted: tuple[Evidence | None, ...]


@dataclass(frozen=True, eq=False)
class Way:
    """How the results of one pipeline are made, and which of those that are there are finished.

    Attributes
    ----------
    since
        From when on a result is finished that is newer than its image, in nanoseconds; None if none is.
    advice
        What helps where a file exists already.
    """

    pipeline: Pipeline
    saving: Saving
    damaged: bool
    replace: bool
    since: int | None
    advice: str


@dataclass(frozen=True, eq=False)
class Errand:
    """All that holds for the images of a call: the ways to filter each, in the order of its targets.

    Attributes
    ----------
    begun
        When the call began, by the clock that dates the results: what is newer has been made by itself.
    """

    ways: tuple[Way, ...]
    terms: Terms
    begun: int
    threads: int
    keep_going: bool


@dataclass(frozen=True, eq=False)
class Kept:
    """A result that an earlier call has finished."""

    job: Job


Outcome: TypeAlias = Done | Failed | Kept


def work(errand: bytes, orders: bytes) -> bytes:
    """Return what has come of each result of some orders, in order; the list stops where all ends.

    All three come and go pickled, so that a scheduler, which hands them on, need not have convcli.
    """
    answer = io.BytesIO()
    _Pickler(answer, pickle.HIGHEST_PROTOCOL).dump(run(_unpacked(errand), pickle.loads(orders)))
    return answer.getvalue()


class _Pickler(pickle.Pickler):
    """Takes our errors as they say themselves: Dask has all errors taken with whatever caused them."""

    def reducer_override(self, obj: Any) -> Any:
        return obj.__reduce__() if isinstance(obj, ConvcliError) else NotImplemented


@lru_cache(maxsize=4)
def _unpacked(errand: bytes) -> Errand:
    found: Errand = pickle.loads(errand)
    return found


def run(errand: Errand, orders: Iterable[Order]) -> list[Outcome]:
    """Do an errand for some images."""
    outcomes: list[Outcome] = []
    folders: set[Path] = set()
    for order in orders:
        own = _outcomes(errand, order)
        outcomes += own
        folders |= {one.job.target.parent for one in own if isinstance(one, Done) and one.job.target}
        if own and isinstance(own[-1], Failed) and _ends(errand, own[-1].error):
            break
    for folder in folders:
        flush_folder(folder)
    return outcomes


def _ends(errand: Errand, error: ConvcliError) -> bool:
    """Whether no further image is tried; a result that somebody was faster to write is looked at first."""
    if isinstance(error.__cause__, FileExistsError):
        return False
    return not errand.keep_going or concerns_all(error)


def _outcomes(errand: Errand, order: Order) -> list[Outcome]:
    """Return what has come of the results of one image, as far as its first failure if that ends all."""
    judged = [
        _judged(errand, way, order.source, target, noted)
        for way, target, noted in zip(errand.ways, order.targets, order.noted, strict=True)
    ]
    requests = [one for one in judged if isinstance(one, Request)]
    made = iter(_made(errand, requests))
    outcomes: list[Outcome] = []
    for one in judged:
        outcome = next(made, None) if isinstance(one, Request) else one
        if outcome is None:
            break
        outcomes.append(outcome)
        if isinstance(outcome, Failed) and _ends(errand, outcome.error):
            break
    return outcomes


def _made(errand: Errand, requests: Sequence[Request]) -> list[Done | Failed]:
    """Return what has come of the requests for one image, if there are any."""
    if not requests:
        return []
    try:
        if any(map(is_remote, requests)):
            with staged(requests) as staging:
                outcomes = staging.settled(_made_here(errand, staging.requests))
        else:
            outcomes = _made_here(errand, requests)
    except ConvcliError as error:  # there is no such image
        outcomes = [Failed(request.job, error) for request in requests]
    return [_settled(errand, *one) for one in zip(requests, outcomes, strict=False)]


def _made_here(errand: Errand, requests: Sequence[Request]) -> list[Done | Failed]:
    """Return what has come of the requests for one image, where all are files of this machine."""
    folders = {request.job.target.parent for request in requests if request.job.target is not None}

    def prepare() -> None:
        for folder in folders:
            make_folder(folder)

    return made_of(
        requests, errand.terms, threads=errand.threads, prepare=prepare, ends=partial(_ends, errand)
    )


def _settled(errand: Errand, request: Request, outcome: Done | Failed) -> Done | Failed:
    """Return an outcome that does not depend on who came first where two wrote one file at a time."""
    if isinstance(outcome, Failed) and isinstance(outcome.error.__cause__, FileExistsError):
        request = replace(request, adopt=True, replace=False)
        if not is_remote(request):  # where what is there has been held against the result
            (outcome,) = _made_here(errand, [request])
    place = request.job.target
    if isinstance(outcome, Done) or not request.adopt or request.replace or place is None:
        return outcome
    if not isinstance(outcome.error, OutputError) or not _is_of(errand, place):
        return outcome
    return Failed(
        request.job,
        OutputError(
            f"{shown(request.job.source)}: its result would be {shown(place)}, where another image's is "
            "already; tell them apart by --name, as {parent}-{stem}_{kernel}{ext} does."
        ),
    )


def _is_of(errand: Errand, place: Path) -> bool:
    """Whether there is a result that this call has made."""
    try:
        there = _there(place)
    except (OSError, ConvcliError):
        return False
    return there is not None and there >= errand.begun


def _there(place: Path) -> int | None:
    """Return when what is in a place was written, in nanoseconds or `UNTIMED`; None if nothing is there.

    Raises `OutputError` if that is no file.
    """
    if isinstance(place, Address):
        info = store_of(str(place)).info(str(place))
        return None if info is None else UNTIMED if info.modified is None else info.modified
    try:
        status = place.lstat()
    except (FileNotFoundError, NotADirectoryError):  # said by whoever makes its folder
        return None
    if not stat.S_ISREG(status.st_mode):
        kind = "a link" if stat.S_ISLNK(status.st_mode) else "something that is no file"
        raise OutputError(f"{shown(place)}: expected no file, or a result, found {kind}.")
    return status.st_mtime_ns


def _judged(
    errand: Errand, way: Way, source: str, target: str, noted: Evidence | None
) -> Request | Kept | Failed:
    """Return what is to be made in a place, unless that is finished, or something is there that must stay."""
    place = path_of(target)
    job = Job(source, place, way.saving.format or ENDINGS.get(place.suffix.lower()))
    request = partial(Request, job, way.pipeline, way.saving, way.damaged)
    try:
        way.saving.check(job.format)
        way.pipeline.check(job.format)
        there = _there(place)
        if there is None:
            return request()
        if there >= errand.begun:
            return request(adopt=True)
        if noted is not None and is_as_noted(noted, evidence_of(job, hashes=errand.terms.hashes)):
            return Kept(job)
        if way.since is not None and is_made_of(job, way.since):
            return Kept(job)
    except ConvcliError as error:  # its format knows nothing of an option, or something else is there
        return Failed(job, error)
    except (OSError, ValueError) as error:
        return Failed(job, OutputError(f"{shown(target)}: cannot be written ({reason(error)})."))
    may_replace, adopt = way.replace or noted is not None, errand.terms.noted and way.saving.resume
    adopt |= there == UNTIMED  # it may be of this call, which its bytes will tell
    if not (may_replace or adopt):
        return Failed(job, OutputError(f"{shown(target)} exists already; {way.advice}."))
    return request(replace=may_replace, adopt=adopt)
