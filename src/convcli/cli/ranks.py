"""Training as one of several ranks of MPI: the first leads, writes and prints, the others follow.

What is no step goes in rounds, in which each rank tells all others something: the first what comes next,
the others that they are there, or whoever has failed at what. So an error that all meet alike is said once,
by the first. A rank that fails while others wait for it within a step says so itself, and ends all of them.
"""

from __future__ import annotations

import shlex
import sys
import traceback
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import typer

from convcli.cli.interruption import interruptions
from convcli.cli.output import note, say
from convcli.cli.reporting import described
from convcli.cli.watching import KEPT, Watch, kept
from convcli.errors import ConvcliError, InputError, UsageError

if TYPE_CHECKING:
    from convcli.cluster.mpi import Job
    from convcli.cluster.placing import Place
    from convcli.config_file import ConfigFile
    from convcli.data import Dataset, Splits
    from convcli.nn.ranks import Ranks
    from convcli.runs.folder import Run
    from convcli.training import Training

Allreduce = Literal["fixed", "plain"]

# Seconds that a rank that has failed waits for others, which may have failed alike, or wait for it: while all
# load, which some do later than others, and within a step.
LOADING, STEPPING = 10.0, 3.0


class Fault(NamedTuple):
    """What a rank has failed at."""

    lines: tuple[str, ...]
    code: int


class Lead:
    """What a training asks of those that were started with it; by itself it asks for nothing.

    Parameters
    ----------
    threads
        How many to compute with, as the command line says.
    """

    rank = 0

    def __init__(self, threads: int | None) -> None:
        self.wanted = threads

    @property
    def ranks(self) -> Ranks:
        """Who learns together."""
        from convcli.nn.ranks import ALONE

        return ALONE

    @property
    def threads(self) -> int:
        """How many threads this rank takes."""
        from convcli.nn.workers import useful_threads

        used = useful_threads(self.wanted)
        if self.wanted is not None and used < self.wanted:
            note(f"--threads {self.wanted:,}: a batch has work for {used}")
        return used

    def load(self, file: ConfigFile) -> Splits:
        """Return the data that a configuration names; what there is to say of it is said."""
        from convcli.data import load_data

        data = load_data(file.config.data, file.base, file.config.training.seed)
        note(data.notes)
        return data

    def hand(self, training: Training, run: Run) -> None:
        """Let all have the training that is about to begin or to go on."""

    def follow(self) -> None:
        """Do what the first rank does, and say nothing."""

    @contextmanager
    def steps(self) -> Iterator[None]:
        """Be within the steps of a training, where others wait for this rank."""
        yield

    @contextmanager
    def fate(self) -> Iterator[None]:
        """End as all others do, when they do."""
        yield

    def command(self, *words: str) -> str:
        """Return a command line that starts as many ranks."""
        from convcli.cluster.launched import command

        return command(self.ranks.size, *words)


class Member(Lead):
    """One of several ranks, with all of whom it goes through the same rounds."""

    def __init__(self, job: Job, threads: int | None) -> None:
        from convcli.cluster.placing import placed
        from convcli.data.neighbours import Neighbours
        from convcli.engine.threads import affinity

        super().__init__(threads)
        self.run: str | None = None
        self._parted = False
        self._patience: float | None = None  # for ever: others are sure to come to the next round
        self.job, self.rank = job, job.ranks.rank
        self.place = placed(job.host, job.place, job.tell_machine(affinity()), threads)
        self.neighbours = Neighbours(
            job.place, job.count, job.tell_machine, cores=self.place.threads, scans=self.rank == 0
        )
        told = job.tell((job.host, _words())) or []
        self.hosts, self._asked_for = [host for host, _ in told], [words for _, words in told]
        self.watch = Watch(job)

    @property
    def ranks(self) -> Ranks:
        return self.job.ranks

    @property
    def threads(self) -> int:
        return self.place.threads

    def load(self, file: ConfigFile) -> Splits:
        """Return the data that a configuration names, which all load together; all have to find the same."""
        from convcli.cluster.placing import notes_on

        self.tell(file)
        data, told = self._loaded(file)
        note((*data.notes, *notes_on([place for place, _ in told])))
        for rank, (place, images) in enumerate(told):
            if different := [part for part, found in images.items() if found != told[0][1][part]]:
                part = different[0]
                raise InputError(
                    f"Rank {rank} on {place.host} has other images than rank 0 on {self.job.host}: {part} "
                    f"{images[part]} there, {told[0][1][part]} here. The same files have to lie at the same "
                    "path on every machine."
                )
        return data

    def _loaded(self, file: ConfigFile) -> tuple[Splits, list[tuple[Place, dict[str, str]]]]:
        """Return the data, and where each rank is and what it has found."""
        from convcli.data import load_data

        self._patience = LOADING
        data = load_data(file.config.data, file.base, file.config.training.seed, self.neighbours)
        self._patience = None
        return data, self.tell((self.place, _identity(data)))

    def hand(self, training: Training, run: Run) -> None:
        from convcli.runs.checkpoints import last_checkpoint

        if (lanes := training.lanes) < self.ranks.size:
            larger = "" if lanes >= training.most_lanes else "; a larger training.batch_size has for more"
            note(f"{self.ranks.size:,} ranks: a batch has work for {lanes}{larger}")
        self.tell((b"".join(last_checkpoint(training).parts()), str(run.folder)))
        self._begin(str(run.folder))

    def follow(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the first has the same
            self._follow()

    def _follow(self) -> None:
        from convcli.runs.checkpoints import restore_training
        from convcli.runs.folder import Checkpoint

        file: ConfigFile = self.tell(None)[0]
        data, _ = self._loaded(file)
        last, folder = self.tell(None)[0]
        training = restore_training(
            Checkpoint.of(last), Path("the first rank"), data, self.threads, self.ranks
        )
        del last
        self._begin(folder)
        with self.steps(), interruptions() as asked:
            for event in training.run(asked):
                if event.stop:
                    return

    def _begin(self, folder: str) -> None:
        self.tell(None)  # all are ready
        self.run = folder
        self.watch.tell(folder)

    def tell(self, value: Any) -> list[Any]:
        """Return what each rank tells, once all do; raise what others have failed at."""
        told = self.job.tell(value)
        assert told is not None
        self._part_if_failed(told)
        return told

    @contextmanager
    def steps(self) -> Iterator[None]:
        self._patience = STEPPING
        try:
            yield
        except typer.Exit:  # at a signal, after the same batch as all others
            raise
        except Exception as error:
            self._failed(error)
            raise
        finally:
            self._patience = None

    @contextmanager
    def fate(self) -> Iterator[None]:
        try:
            self._check_words()
            yield
        except typer.Exit as end:
            if not self._parted and self.run is None:
                self.job.tell(Fault((), end.exit_code))
                self._parted = True
            raise
        except Exception as error:
            self._failed(error)
            raise
        except BaseException as error:  # Ctrl-C where nobody listens for it, or once more
            self.watch.claim()
            self.job.abort(getattr(error, "code", None) or 130)
        finally:
            if not self._parted:
                self.job.tell(None)  # the first is the last to be done
            self.watch.end()

    def _check_words(self) -> None:
        """Raise UsageError if the ranks are to do different things, of which only one would be done."""
        for rank, words in enumerate(self._asked_for):
            if words != self._asked_for[0]:
                raise UsageError(
                    f"Rank {rank} was told something else than rank 0: `{shlex.join(words)}`, not "
                    f"`{shlex.join(self._asked_for[0])}`. All ranks of a job train together; start trainings "
                    "that have nothing to do with each other one by one."
                )

    def _failed(self, error: Exception) -> None:
        """Tell the others of an error; return if it is the first rank's to say, or leave."""
        if self._parted:
            return
        try:
            lines, code = described(error)
        except Exception:  # it is to be seen as it is
            lines, code = "".join(traceback.format_exception(error)).splitlines(), 1
        told = self.job.tell(Fault(tuple(lines), code), self._patience)
        if told is None:
            self._end_all(lines, code)
        self._part_if_failed(told or ())

    def _end_all(self, lines: list[str], code: int) -> None:
        """End all ranks, which wait for this one, and say why."""
        if self.watch.claim():
            first, *rest = lines
            say(f"error: rank {self.rank} on {self.job.host}: {first.removeprefix('error: ')}", *rest)
            if self.run is not None and not any(KEPT in line for line in lines):
                say(*kept(self.run, self.ranks.size))
        self.job.abort(code)

    def _part_if_failed(self, told: Any) -> None:
        faults = {rank: fault for rank, fault in enumerate(told) if isinstance(fault, Fault)}
        if not faults:
            return
        self._parted = True
        if self.rank:
            raise typer.Exit(0)  # the first has the words, and the exit code of all
        if 0 in faults and all(fault.lines[:1] == faults[0].lines[:1] for fault in faults.values()):
            return
        raise _of_ranks(faults, self.hosts)


def lead_of(allreduce: Allreduce | None, threads: int | None) -> Lead:
    """Return what a training asks of those that were started with it."""
    job = _job(allreduce)
    return Lead(threads) if job is None else Member(job, threads)


def _job(allreduce: Allreduce | None) -> Job | None:
    """Return the ranks that were started together with this process; None where it is by itself."""
    from convcli.cluster.launched import follows, launched

    if launched() > 1:
        from convcli.cluster.mpi import Job, world

        try:
            return Job(world(plain=allreduce == "plain"))
        except ConvcliError:
            if follows():  # the first says it for all
                raise typer.Exit(0) from None
            raise
    if allreduce is not None:
        raise UsageError("--allreduce is for several ranks: mpiexec -n 4 convcli train CONFIG.")
    return None


def _words() -> tuple[str, ...]:
    """Return what this process was told."""
    return tuple(sys.argv[1:])


def _identity(data: Splits) -> dict[str, str]:
    """Return what has to be the same for all ranks, without a look at the pixels."""

    def of(part: Dataset | None) -> str:
        if part is None:
            return "no images"
        size = "×".join(map(str, part.shape))
        return f"{len(part):,} images of {size}, labels {zlib.crc32(part.labels.tobytes()):08x}"

    return {
        "training": of(data.train),
        "validation": of(data.validation),
        "classes": ", ".join(data.train.classes),
    }


def _of_ranks(faults: Mapping[int, Fault], hosts: Sequence[str]) -> ConvcliError:
    """Return the error that says what ranks have failed at."""
    lines: list[str] = []
    for fault in dict.fromkeys(faults.values()):
        who = [f"{rank} on {hosts[rank]}" for rank, other in faults.items() if other == fault]
        first, *rest = fault.lines or ("it has ended.",)
        ranks = f"{'rank' if len(who) == 1 else 'ranks'} {', '.join(who)}"
        lines += [f"{ranks}: {first.removeprefix('error: ')}", *rest]
    error = ConvcliError(*lines)
    error.exit_code = max(fault.code for fault in faults.values())
    return error
