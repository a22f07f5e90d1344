"""How a side of a comparison is run: a function in a process of its own, or a whole command.

A process of its own keeps libraries out of each other's way: their thread pools, their BLAS, their memory. It
stays open and measures when asked, so that sides take turns without paying for their start each time.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks import launcher, worker
from benchmarks.measuring import Measure, Reading, Rounds, interleave
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
    """A function of this package, as "module:name", that sets up and returns what measures.

    It runs in a process of its own, which begins as the command line of convcli does if `as_convcli`.
    """

    target: str
    arguments: dict[str, Any] = field(default_factory=dict)
    as_convcli: bool = False

    def command(self, threads: int, *, once: bool = False) -> list[str]:
        """Return the command line of its process; `once` makes it measure unasked, and end."""
        job = {**asdict(self), "threads": threads, "once": once}
        return [sys.executable, "-m", worker.__name__, json.dumps(job)]


@dataclass(frozen=True)
class Command:
    """A whole process, from a cold start, in `folder`.

    Attributes
    ----------
    output
        The file or folder it makes; removed before each run. A file's size is part of the reading.
    read
        Takes more of the reading from what the command printed.
    """

    arguments: Sequence[str | Path]
    folder: Path
    output: Path | None = None
    read: Callable[[str], Reading] | None = None


@dataclass(frozen=True)
class Once:
    """A `Call` in a process that measures a single time and ends: the reading is what the process took."""

    call: Call


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
    start: Call | Command | Once
    needs: tuple[str, ...] = ()
    threads: int | None = None

    @property
    def missing(self) -> list[str]:
        return [need for need in self.needs if find_spec(need) is None and shutil.which(need) is None]


Outcome: TypeAlias = tuple[Rounds, tuple[str, ...]]


def compare(
    setting: Setting,
    ours: Side,
    peers: Sequence[Side],
    *,
    warm_ups: int | None = None,
    runs: int | None = None,
) -> Outcome:
    """Measure all sides in turn; return the rounds, and a note for each peer that could not take part.

    Raises
    ------
    SideFailedError
        If our own side fails.
    """
    sizes, notes = setting.sizes, []
    measures: dict[str, Measure] = {}
    with tempfile.TemporaryDirectory(dir=setting.folder) as folder, ExitStack() as stack:
        for side in (ours, *peers):
            if missing := side.missing:
                notes.append(f"{side.name} is left out: {' and '.join(missing)} not installed.")
                continue
            measures[side.name] = _open(side, setting, Path(folder), stack)
        for measure in list(measures.values()):
            if isinstance(measure, Worker):
                with _forgiving(ours, measures, notes):
                    measure.wait()
        rounds: Rounds = ()
        while not rounds:  # once more if a peer failed, without it
            with _forgiving(ours, measures, notes):
                rounds = interleave(
                    measures,
                    warm_ups=sizes.warm_ups if warm_ups is None else warm_ups,
                    runs=sizes.runs if runs is None else runs,
                    fewest=sizes.fewest,
                    seconds=sizes.seconds,
                )
    return rounds, tuple(notes)


@contextmanager
def _forgiving(ours: Side, measures: dict[str, Measure], notes: list[str]) -> Iterator[None]:
    """Turn the failure of a peer into a note, and leave it out from then on."""
    try:
        yield
    except SideFailedError as error:
        if error.side == ours.name:
            raise
        measures.pop(error.side, None)
        notes.append(f"{error.side} is left out: it failed. {error}")


def _open(side: Side, setting: Setting, folder: Path, stack: ExitStack) -> Measure:
    threads = side.threads or setting.threads
    start = side.start
    if isinstance(start, Command):
        return Process(side.name, start, threads, folder)
    if not setting.own_processes:
        return _in_this_process(start)
    if isinstance(start, Once):
        return Process(side.name, Command(start.call.command(threads, once=True), ROOT), threads, folder)
    opened = Worker(side.name, start, threads)
    stack.callback(opened.close)
    return opened


def _in_this_process(start: Call | Once) -> Measure:
    call = start.call if isinstance(start, Once) else start
    measure: Measure = worker.set_up(call.target, call.arguments)
    if isinstance(start, Once):
        return lambda: {**measure(), "peak MB": launcher.peak(resource.getrusage(resource.RUSAGE_SELF)) / 1e6}
    return measure


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that is to use `threads`."""
    return {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads)), "PYTHONWARNINGS": "ignore"}


def convcli_command(*arguments: str) -> list[str]:
    """Return the words that run convcli: its console script, as people start it, if it is installed."""
    script = Path(sysconfig.get_path("scripts")) / "convcli"
    return [str(script), *arguments] if script.exists() else [sys.executable, "-m", "convcli", *arguments]


class Worker:
    """The near end of a process that runs a `Call`. `wait` for it first; then calling it measures once."""

    def __init__(self, name: str, call: Call, threads: int) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            call.command(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=environment(threads),
        )

    def wait(self) -> None:
        """Return when it has set up."""
        self._reply()

    def __call__(self) -> Reading:
        reading: Reading = self.ask()
        return reading

    def ask(self) -> Any:
        """Have it measure once, and return what it answers."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # then there is no reply, and its own last words say more
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return json.loads(self._reply())

    def _reply(self) -> str:
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return line
        self._process.wait()
        self._errors.seek(0)
        raise SideFailedError(self.name, self._errors.read())

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()


class Process:
    """Calling it runs a `Command` from beginning to end.

    The reading has "seconds", "peak MB" and, where a file comes out, "output MB".
    """

    def __init__(self, name: str, command: Command, threads: int, folder: Path) -> None:
        self.name, self.command, self.threads = name, command, threads
        self._scratch = Path(tempfile.mkdtemp(dir=folder))

    def __call__(self) -> Reading:
        command = self.command
        _remove(command.output)
        stdout, stderr, description = (self._scratch / name for name in ("stdout", "stderr", "job.json"))
        job = {
            "command": [str(argument) for argument in command.arguments],
            "folder": str(command.folder),
            "stdout": str(stdout),
            "stderr": str(stderr),
            "threads": self.threads,
        }
        description.write_text(json.dumps(job), encoding="utf-8")
        launched = subprocess.run(
            [sys.executable, "-I", "-S", launcher.__file__, str(description)],
            env=environment(self.threads),
            capture_output=True,
            text=True,
            check=False,
        )
        if launched.returncode:
            raise SideFailedError(self.name, launched.stderr)
        result = json.loads(launched.stdout)
        if result["code"]:
            raise SideFailedError(self.name, stderr.read_text(encoding="utf-8", errors="replace"))
        reading = {"seconds": result["seconds"], "peak MB": result["peak"] / 1e6}
        if command.output is not None and command.output.is_file():
            reading["output MB"] = command.output.stat().st_size / 1e6
        if command.read is not None:
            reading |= command.read(stdout.read_text(encoding="utf-8"))
        return reading


def _remove(path: Path | None) -> None:
    if path is not None and path.is_dir():
        shutil.rmtree(path)
    elif path is not None:
        path.unlink(missing_ok=True)
