"""Images filtered by a cluster: a stream from their listing to the manifest and whoever reads the outcomes.

Nothing is held here of images that are done or not begun, so that there may be any number of them.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.bounds import MAX_PIXELS
from convcli.cluster.addresses import store_of
from convcli.cluster.errands import Errand, Kept, Order, Outcome, Way
from convcli.cluster.groups import Groups, Killed, Remaining
from convcli.cluster.listing import Listed, listed
from convcli.errors import ConvcliError, InputError, UsageError
from convcli.files import Address, identities, is_address, path_of, remove_leftovers
from convcli.filtering.evidence import Evidence
from convcli.filtering.jobs import Job, Saving, endings_of
from convcli.filtering.making import Terms, concerns_all
from convcli.filtering.manifest import Journal, line_of
from convcli.filtering.manifest_lines import place_of
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.results import Results
from convcli.images import ENDINGS
from convcli.wording import shown, without_secrets

if TYPE_CHECKING:
    from convcli.cluster.dask import Cluster
    from convcli.filtering.recipe import Recipe


class ClusterBatch:
    """Results of the images of a listing, for each of `results`, which are in the order of its targets.

    Each image is filtered by so many `threads` of its worker, or one. No file of `kept` is overwritten. The
    rest is as in `Batch`, but what cannot or must not be written is found out by the worker that would do it.

    Attributes
    ----------
    done, finished, failed
        Results that are made, that were finished already, and of which there are none.
    failures
        The first errors of those; the manifest has all.
    is_left
        Whether something has not been begun, after an end that was asked for.
    is_elsewhere
        Whether a worker has not found what is there for this process.
    """

    MOST_FAILURES = 20

    def __init__(
        self,
        listing: Iterable[Listed],
        results: Sequence[Results],
        *,
        max_pixels: int = MAX_PIXELS,
        keep_going: bool = False,
        threads: int | None = None,
        kept: Sequence[str] = (),
        journal: Journal | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.results, self.keep_going, self.threads, self.journal = results, keep_going, threads or 1, journal
        self.done = self.finished = self.failed = 0
        self.failures: list[ConvcliError] = []
        self.is_left = self.is_elsewhere = self._has_missed = False
        self._max_pixels, self._tell = max_pixels, tell
        self._kept = {place_of(name) for name in kept}
        if journal is not None:
            journal.keep_apart((), identities(kept))
        self._ways = tuple(map(self._way, results))
        # One is had before anything is written, as there may be none.
        images = self._checked(listing)
        first = list(islice(images, 1))
        self._listing = chain(first, images)

    @classmethod
    def of(
        cls,
        images: Sequence[str],
        pipelines: Mapping[str, Pipeline],
        saving: Saving,
        *,
        recursive: bool = False,
        damaged: bool = False,
        recipes: Mapping[str, Recipe] | None = None,
        tell: Callable[[str], None] = lambda _: None,
        **how: Any,
    ) -> ClusterBatch:
        """Return what pipelines, by what their results are called, make of images, as `Batch.of`."""
        endings = endings_of(pipelines, saving)
        unkept = [None] * len(endings)  # jobs come one by one
        results = Results.of_each(pipelines, endings, saving, unkept, recipes=recipes, damaged=damaged)
        return cls(listed(images, endings, saving, recursive=recursive, tell=tell), results, tell=tell, **how)

    def _way(self, results: Results) -> Way:
        """Return how results are made, and which are finished: by the manifest, or else the record."""
        saving, since = results.saving, None
        if saving.resume and results.out_dir is not None:
            since = results.out_dir.since(force=saving.force)
        return Way(
            results.pipeline,
            saving,
            results.damaged,
            results.replace,
            since if self.journal is None else None,
            results.advice,
        )

    def run(
        self, cluster: Cluster, stopping: Callable[[], bool] = lambda: False
    ) -> Generator[Done | Failed, None, None]:
        """Have all made, and yield what has come of each, as it comes. Close it if you leave it early.

        Once `stopping` says so, nothing more is begun. Raises `ConvcliError` if an image fails and the batch
        does not keep going, or all would fail.
        """
        ending: list[ConvcliError] = []
        remaining = Remaining(Groups(self._listing))
        with ExitStack() as held:
            if self.journal is not None:
                self.journal.begin()
                held.callback(self.journal.close)
            errand = pickle.dumps(self._begun(held))
            answers = cluster.answers(
                errand, remaining, self._packed, stopping=lambda: bool(ending) or stopping(), tell=self._tell
            )
            held.enter_context(closing(answers))
            for images, said in answers:
                last: Done | Failed | None = None
                for results, outcome in self._outcomes(images, said):
                    if isinstance(outcome, Kept):
                        self.finished += 1
                        continue
                    self._count(results, outcome)
                    if isinstance(outcome, Failed) and (not self.keep_going or concerns_all(outcome.error)):
                        ending.append(outcome.error)
                    yield outcome
                    last = outcome
                self._look_for(last)
            self.is_left = bool(remaining.take(1, under_way=0))
            if cluster.has_lost_workers():
                self._tidy()
        if ending:
            raise ending[0]

    def _begun(self, held: ExitStack) -> Errand:
        """Take the folders of the results for this call, and return what its workers are told."""
        begun = 0
        for results in self.results:
            saving, out_dir = results.saving, results.out_dir
            if out_dir is not None:
                held.enter_context(out_dir)
                out_dir.prepare(anew=saving.force and not saving.resume)
                begun = max(begun, out_dir.now())
                if saving.resume:
                    self._tidy()
        if isinstance(place := self.results[0].saving.out_dir, Address):
            begun = self._begun_there(str(place))
        noted, hashes = self.journal is not None, self.journal is not None and self.journal.hashes
        terms = Terms(self._max_pixels, noted=noted, hashes=hashes, several=True, settled=True)
        return Errand(self._ways, terms, begun, self.threads, self.keep_going)

    def _begun_there(self, place: str) -> int:
        """Return the time of a store where results go; say if it cannot tell who was first."""
        store = store_of(place)
        if not store.is_exclusive:
            self._tell(
                f"{shown(place)}: {store.protocol}:// cannot tell who of two was first; what is there is "
                "looked for just before a result is put: have no two commands write there at a time"
            )
        return store.now(place)

    def _tidy(self) -> None:
        """Remove what was half written by workers that died."""
        for top in {results.out_dir.folder for results in self.results if results.out_dir is not None}:
            for folder, _, _ in os.walk(top):
                remove_leftovers(Path(folder))

    def _checked(self, listing: Iterable[Listed]) -> Iterator[Listed]:
        """Yield images that no result can overwrite; raise `UsageError` of others."""
        out_dirs = {place_of(results.saving.out_dir or ".") for results in self.results}
        manifest = None if self.journal is None else place_of(self.journal.path)
        for image in listing:
            source, targets = place_of(image.source), list(map(place_of, image.targets))
            if any(source.startswith(f"{place.rstrip(os.sep)}{os.sep}") for place in out_dirs):
                raise UsageError(
                    f"{shown(image.source)} lies in --out-dir, where a result could take its place; give "
                    "another --out-dir."
                )
            if manifest in (source, *targets):
                assert self.journal is not None
                raise UsageError(
                    f"--manifest {shown(self.journal.path)} is an image or a result itself; name another."
                )
            if taken := self._kept.intersection(targets):
                raise UsageError(
                    f"{shown(taken.pop())} is an input, and an input is never overwritten; write elsewhere."
                )
            yield image

    def _packed(self, images: Sequence[Listed]) -> bytes:
        """Return some images as workers are told of them."""
        orders = [
            Order(
                _as_found(image.source),
                tuple(map(_as_found, image.targets)),
                self._noted(image),
            )
            for image in images
        ]
        return pickle.dumps(orders, protocol=pickle.HIGHEST_PROTOCOL)

    def _noted(self, image: Listed) -> tuple[Evidence | None, ...]:
        """Return what the manifest has of each result: of one to be made again nothing in particular."""
        journal = self.journal
        if journal is None or not journal.latest:
            return (None,) * len(image.targets)

        def noted(results: Results, job: Job) -> Evidence | None:
            if (entry := results.noted(job, journal)) is not None:
                return entry.evidence
            return Evidence() if journal.has_made(job) else None

        return tuple(map(noted, self.results, self._jobs(image)))

    def _jobs(self, image: Listed) -> list[Job]:
        """Return an image's results as they were asked for, of addresses without what gives access."""
        places = (path_of(without_secrets(target)) for target in image.targets)
        source = without_secrets(image.source)
        return [
            Job(source, place, results.saving.format or ENDINGS.get(place.suffix.lower()))
            for results, place in zip(self.results, places, strict=True)
        ]

    def _outcomes(self, images: Sequence[Listed], said: bytes | Killed) -> Iterator[tuple[Results, Outcome]]:
        """Yield what has come of each result of some images, called as it was asked for."""
        jobs = [
            (results, job)
            for image in images
            for results, job in zip(self.results, self._jobs(image), strict=True)
        ]
        if not isinstance(said, Killed):
            for (results, job), outcome in zip(jobs, pickle.loads(said), strict=False):
                own = replace(outcome, job=job)
                yield results, replace(own, notes=_called(own)) if isinstance(own, Done) else own
            return
        died = "a worker" if said.times == 1 else f"{said.times} workers, one after the other,"
        words = f"{died} died while filtering it and nothing else; is it too large for their memory?"
        for results, job in jobs:
            yield results, Failed(job, InputError(f"{shown(job.source)}: {words}"))

    def _count(self, results: Results, outcome: Done | Failed) -> None:
        """Count an outcome, and write its line into the manifest."""
        if self.journal is not None:
            self.journal.add(line_of(outcome, results.made))
        if isinstance(outcome, Done):
            self.done += 1
            return
        self.failed += 1
        if len(self.failures) < self.MOST_FAILURES:
            self.failures.append(outcome.error)
        missing = isinstance(outcome.error.__cause__, FileNotFoundError)
        self.is_elsewhere |= missing and os.path.exists(outcome.job.source)  # noqa: PTH110

    def _look_for(self, outcome: Done | Failed | None) -> None:
        """Say once if a result is not there for this process: one of each group is looked for."""
        if self._has_missed or not isinstance(outcome, Done) or outcome.job.target is None:
            return
        if not isinstance(outcome.job.target, Address) and not outcome.job.target.exists():
            self._has_missed = True
            self._tell(
                f"{shown(str(outcome.job.target))}: written by a worker, and not there on this machine: "
                "results lie in a folder of the worker's own, unless a shared file system has --out-dir "
                "at the same place everywhere"
            )


def _as_found(name: str) -> str:
    """Return a name as workers find what is called so: addresses with all that gives access."""
    return name if is_address(name) else place_of(name)


def _called(done: Done) -> tuple[str, ...]:
    """Return a result's notes, in which its image is called as it was asked for."""
    source = done.job.source
    there, here = f"{shown(place_of(source))}: ", f"{shown(source)}: "
    return tuple(
        f"{here}{text.removeprefix(there)}" if text.startswith(there) else text for text in done.notes
    )
