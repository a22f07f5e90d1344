"""`kill -9` at random moments of a command, again and again, until it has come to its end all the same."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
import PIL.Image

from reliability.states import BrokenError, Reference, expect, is_temporary, write_config

EARLY = 0.3  # share of the kills that may come before anything is written


class Victim(Protocol):
    """A command to kill, and what must hold."""

    @property
    def outputs(self) -> Path:
        """The folder that it writes into."""

    def command(self) -> list[str]:
        """Return what is to be run next."""

    def check(self) -> None:
        """Raise BrokenError unless all is whole, at whatever moment the command was killed."""

    def check_end(self) -> None:
        """Raise BrokenError unless all is as it should be after the command's end; then begin anew."""


class Training:
    """`convcli train`, and then `--resume` until the run has come to its end."""

    def __init__(self, home: Path, units: int, outputs: Path | None = None) -> None:
        self.config, self.outputs = home / "training.toml", outputs or home / "run"
        write_config(self.config, units=units)
        self.reference = Reference.of(self.config, home / "undisturbed")

    def command(self) -> list[str]:
        begun = (self.outputs / "resolved.toml").exists()
        return ["train", *(["--resume"] if begun else [str(self.config), "--run-dir"]), str(self.outputs)]

    def check(self) -> None:
        if self.outputs.exists():
            self.reference.check(self.outputs)

    def check_end(self) -> None:
        self.reference.check_end(self.outputs)
        shutil.rmtree(self.outputs)


class Overwriting:
    """Any command that writes files into a folder: each of them is as before or as the command makes it.

    Parameters
    ----------
    arguments
        Of `convcli`; the same ones must always give the same files.
    outputs
        The folder, as it is before; the command may write over what is there.
    """

    def __init__(self, arguments: list[str], outputs: Path) -> None:
        self.arguments, self.outputs = arguments, outputs
        self.before = _files(outputs)
        _convcli(arguments)
        self.after = _files(outputs)
        expect(self.after != self.before, f"{outputs}: the command has changed nothing there")
        self._restore()

    def command(self) -> list[str]:
        return self.arguments

    def check(self) -> None:
        for path, data in _files(self.outputs).items():
            known = [files[path] for files in (self.before, self.after) if path in files]
            expect(data in known, f"{path}: neither as before nor as it should become")

    def check_end(self) -> None:
        expect(_files(self.outputs) == self.after, f"{self.outputs}: not as an undisturbed command leaves it")
        self._restore()

    def _restore(self) -> None:
        shutil.rmtree(self.outputs)
        self.outputs.mkdir(parents=True)
        for path, data in self.before.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@dataclass
class Tally:
    """What came of it: kills, and commands that came to their end, some after several kills."""

    kills: int = 0
    ends: int = 0


def kill(victim: Victim, times: int, rng: random.Random) -> Iterator[Tally]:
    """Kill `victim` so often, then let it come to its end; say after each time how it stands.

    Raises
    ------
    BrokenError
        As soon as something does not hold.
    """
    longest, writing = _durations(victim)
    tally = Tally()
    while tally.kills < times:
        process = start(victim.command())
        if rng.random() < EARLY:
            time.sleep(rng.uniform(0, longest))
        else:
            _wait_for_a_write(process, victim.outputs)
            time.sleep(rng.uniform(0, writing))
        if process.poll() is None:
            process.kill()
            tally.kills += 1
        message = process.communicate()[1].decode(errors="replace")
        _wait_for_the_others(process.pid)
        victim.check()
        if process.returncode == 0:
            victim.check_end()
            tally.ends += 1
        elif process.returncode != -signal.SIGKILL:
            raise BrokenError(
                f"convcli {' '.join(victim.command())} ended with {process.returncode}: {message}"
            )
        yield tally
    _expect_success(start(victim.command()), victim.command())
    victim.check_end()
    tally.ends += 1
    yield tally


def _durations(victim: Victim) -> tuple[float, float]:
    """Return how long the undisturbed command takes, and how long it goes on after its first write."""
    started = time.perf_counter()
    process = start(victim.command())
    _wait_for_a_write(process, victim.outputs)
    first = time.perf_counter()
    _expect_success(process, victim.command())
    ended = time.perf_counter()
    victim.check_end()
    return ended - started, ended - first


def _wait_for_a_write(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until something in `folder` changes, or the process ends."""
    before = _changed(folder)
    while _changed(folder) == before and process.poll() is None:
        time.sleep(0.001)


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start `convcli` in a group of processes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "convcli", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _convcli(arguments: list[str]) -> None:
    _expect_success(start(arguments), arguments)


def _expect_success(process: subprocess.Popen[bytes], arguments: list[str]) -> None:
    message = process.communicate()[1].decode(errors="replace")
    expect(
        process.returncode == 0, f"convcli {' '.join(arguments)} ended with {process.returncode}: {message}"
    )


def _wait_for_the_others(group: int, seconds: float = 10) -> None:
    """Wait until the processes that the killed one had started have ended too, as they have to."""
    deadline = time.monotonic() + seconds
    for _ in count():
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        expect(time.monotonic() < deadline, "a process that it had started goes on")
        time.sleep(0.005)


def _files(folder: Path) -> dict[Path, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not is_temporary(path))
    return {path: path.read_bytes() for path in files}


def filtering(home: Path) -> Overwriting:
    """Return a batch of photos to filter, over results of another border."""
    inputs, outputs = home / "photos", home / "filtered"
    inputs.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        PIL.Image.fromarray(rng.integers(0, 256, (900, 1200), np.uint8)).save(inputs / f"{number}.png")
    photos = map(str, sorted(inputs.iterdir()))
    arguments = ["filter", *photos, "--kernel", "sobel", "--out-dir", str(outputs)]
    _convcli([*arguments, "--border", "zero"])
    return Overwriting([*arguments, "--force"], outputs)


def reporting(home: Path) -> Overwriting:
    """Return the report of a run, over that of another."""
    config, run = home / "training.toml", home / "run"
    write_config(config, units=8)
    _convcli(["train", str(config), "--set", "training.epochs=2", "--run-dir", str(run)])
    return Overwriting(["report", str(run)], run)
