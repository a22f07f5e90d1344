"""How a side of a match is run: a function in a process of its own, or a whole command.

A process of its own keeps libraries out of each other's way: their thread pools, their BLAS, their memory. It
stays open and measures when asked, so that sides take turns without paying for their start each time.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import launcher, worker
from benchmarks.measuring import Measure, Quantity, Reading, Rounds, interleave
from benchmarks.setting import ROOT, Setting

# Every library's own name for it; a process is pinned as well, but not all of them look there.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VIPS_CONCURRENCY")


class SideFailedError(Exception):
    """A side ended with an error: `side` is its name, the text what it said."""

    def __init__(self, side: str, said: str) -> None:
        lines = said.strip().splitlines()
        super().__init__(lines[-1] if lines else "It said nothing.")
        self.side = side


class SkippedError(Exception):
    """A comparison cannot be made here; says why."""


@dataclass(frozen=True)
class Call:
    """A function that sets up and returns what measures, in a process of its own.

    Attributes
    ----------
    set_up
        A function of this package, or a `partial` of one: it travels by its name.
    as_convcli
        Begin as the command line of convcli does.
    once
        In a new process for each run, which ends with it: the reading is what the process took.
    """

    set_up: Callable[[], Callable[[], Any]]
    as_convcli: bool = False
    once: bool = False

    def command(self, threads: int) -> list[str]:
        """Return the command line of its process."""
        job = {**vars(self), "set_up": pickle.dumps(self.set_up).hex(), "threads": threads}
        return [sys.executable, "-m", worker.__name__, json.dumps(job)]


@dataclass(frozen=True)
class Command:
    """A whole process, from a cold start, in `folder`.

    Attributes
    ----------
    arguments
        The words of its command line, each as `str` has it.
    output
        The file or folder it makes; removed before each run. Its size is part of the reading.
    results
        How many it makes: the rate is then part of the reading.
    read
        Takes more of the reading from what the command printed.
    """

    arguments: Sequence[object]
    folder: Path
    output: Path | None = None
    results: int | None = None
    read: Callable[[str], Reading] | None = None


@dataclass(frozen=True)
class Side:
    """One who takes part.

    Attributes
    ----------
    needs
        The modules or programs without which it cannot.
    threads
        Instead of the setting's.
    """

    name: str
    start: Call | Command
    needs: tuple[str, ...] = ()
    threads: int | None = None

    @property
    def missing(self) -> list[str]:
        return [need for need in self.needs if find_spec(need) is None and shutil.which(need) is None]


@dataclass(frozen=True)
class Match:
    """Sides that run in turn, ours first, and what becomes a case of what they gave.

    Attributes
    ----------
    runs
        Rounds, all of which count, instead of the setting's.
    """

    sides: Sequence[Side]
    quantities: Sequence[Quantity]
    runs: int | None = None


def compare(setting: Setting, match: Match) -> tuple[Rounds, list[str]]:
    """Measure all sides in turn; return the rounds, and a note for each peer that could not take part.

    Raises
    ------
    SideFailedError
        If our own side fails.
    """
    sizes, notes = setting.sizes, list[str]()
    measures: dict[str, Measure] = {}

    @contextmanager
    def forgiving() -> Iterator[None]:
        """Turn the failure of a peer into a note, and leave it out from then on."""
        try:
            yield
        except SideFailedError as error:
            if error.side == match.sides[0].name:
                raise
            measures.pop(error.side, None)
            notes.append(f"{error.side} is left out: it failed. {error}")

    with ExitStack() as stack:
        for side in match.sides:
            if missing := side.missing:
                notes.append(f"{side.name} is left out: {' and '.join(missing)} not installed.")
                continue
            with forgiving():
                measures[side.name] = _open(side, side.threads or setting.threads, stack)
        rounds: Rounds = ()
        while not rounds:  # once more if a peer failed, without it
            with forgiving():
                rounds = interleave(
                    measures,
                    warm_ups=0 if match.runs else sizes.warm_ups,
                    runs=match.runs or sizes.runs,
                    fewest=sizes.fewest,
                    seconds=sizes.seconds,
                )
    return rounds, notes


def _open(side: Side, threads: int, stack: ExitStack) -> Measure:
    start = side.start
    if isinstance(start, Call) and not start.once:
        return stack.enter_context(answering(side.name, start, threads))
    command = Command(start.command(threads), ROOT) if isinstance(start, Call) else start
    return partial(run, side.name, command, threads)


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that is to use `threads`."""
    return {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads)), "PYTHONWARNINGS": "ignore"}


def convcli_command() -> list[str]:
    """Return the words that run convcli: its console script, as people start it, if it is installed."""
    script = Path(sysconfig.get_path("scripts")) / "convcli"
    return [str(script)] if script.exists() else [sys.executable, "-m", "convcli"]


@contextmanager
def answering(name: str, call: Call, threads: int) -> Iterator[Callable[[], Any]]:
    """Start a call's process, and give what has it measure once and returns its answer."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            call.command(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment(threads),
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def answer() -> str:
            if line := answers.readline():
                return line
            process.wait()
            errors.seek(0)
            raise SideFailedError(name, errors.read())

        def ask() -> Any:
            with suppress(BrokenPipeError):  # then there is no answer, and its own last words say more
                print(file=questions, flush=True)
            return json.loads(answer())

        try:
            answer()  # it has set up
            yield ask
        finally:
            process.kill()
            process.communicate()


def run(name: str, command: Command, threads: int) -> Reading:
    """Run a command from beginning to end.

    The reading has "seconds", "processor seconds", "peak MB", where something comes out "output MB", and of
    `results` their "rate" and the "processor ms" of each.
    """
    _remove(command.output)
    with tempfile.TemporaryDirectory() as scratch:
        result, stdout, stderr = (Path(scratch) / kind for kind in ("result", "stdout", "stderr"))
        words = [result, threads, *command.arguments]
        with stdout.open("wb") as out, stderr.open("wb") as errors:
            launched = subprocess.run(
                [sys.executable, "-I", "-S", launcher.__file__, *map(str, words)],
                cwd=command.folder,
                env=environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                check=False,
            )
        if launched.returncode:
            raise SideFailedError(name, stderr.read_text(encoding="utf-8", errors="replace"))
        reading: dict[str, float] = json.loads(result.read_text(encoding="ascii"))
        if command.output is not None and command.output.exists():
            files = [command.output, *command.output.rglob("*")]
            reading["output MB"] = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
        if command.results is not None:
            reading["rate"] = command.results / reading["seconds"]
            reading["processor ms"] = 1000 * reading["processor seconds"] / command.results
        if command.read is not None:
            reading |= command.read(stdout.read_text(encoding="utf-8"))
    return reading


def _remove(path: Path | None) -> None:
    if path is not None and path.is_dir():
        shutil.rmtree(path)
    elif path is not None:
        path.unlink(missing_ok=True)
