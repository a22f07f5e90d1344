"""Who says why several ranks have ended when one of them was killed: a process that outlives them.

A launcher ends all others at once, by a signal that none of them sees. So the first rank of each machine
starts a process in a session of its own, which sleeps until one of the machine's ranks ends, or all is done.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.cli.output import say

if TYPE_CHECKING:
    from convcli.cluster.mpi import Job

KEPT = "The last good checkpoint"
CLAIM = ".convcli-ended.tmp"  # in the run's folder: named as what the next training there removes
OTHERS_SAY = 0.2  # seconds in which a rank that has ended itself may have said why
SECONDS_TO_WAKE = 10.0  # of the process, on a busy machine, before training begins without it


class Watch:
    """The process that watches the ranks of this machine, as the first of them knows it; on Linux alone.

    All ranks make one, at the same time.
    """

    def __init__(self, job: Job) -> None:
        own = (job.ranks.rank, os.getpid(), _namespace(), os.urandom(8).hex())
        told = job.tell_machine(own)
        self._folder: str | None = None
        self._claim = str(Path(tempfile.gettempdir(), f"convcli-{told[0][3]}"))
        self._pipe = self._awake = -1
        if job.place == 0 and hasattr(os, "pidfd_open"):
            ranks = {number: rank for rank, number, space, _ in told if space == own[2]}
            self._start(
                {
                    "host": job.host,
                    "size": job.ranks.size,
                    "first": own[0],
                    "ranks": ranks,
                    "claim": self._claim,
                }
            )

    def _start(self, document: dict[str, Any]) -> None:
        taken, self._pipe = os.pipe()
        heard, hear = os.pipe()
        self._awake, awake = os.pipe()
        os.set_blocking(hear, False)
        with suppress(OSError):  # the system starts no more processes: then only the launcher speaks
            subprocess.Popen(
                [sys.executable, "-m", "convcli.cli.watching", str(heard), str(awake)],
                stdin=taken,
                stdout=subprocess.DEVNULL,
                pass_fds=[heard, awake],
                start_new_session=True,
            )
        for one in (taken, heard, awake):
            os.close(one)
        # Numbers of signals go there although Python waits for MPI, and its own functions do not run.
        signal.set_wakeup_fd(hear, warn_on_full_buffer=False)
        self._send(document)

    def tell(self, folder: str) -> None:
        """Say which run is written, and see that it is watched: who wakes late cannot tell who died first."""
        self._folder = folder
        self._send({"run": folder})
        if self._awake >= 0:
            look = select.poll()
            look.register(self._awake)
            look.poll(1000 * SECONDS_TO_WAKE)

    def claim(self) -> bool:
        """Return whether this rank is the first that says why all end."""
        return _claimed(self._claim, self._folder)

    def end(self) -> None:
        """Have the process end: all is done, or has been said."""
        if self._pipe >= 0:
            self._send({"done": True})
            signal.set_wakeup_fd(-1)
            os.close(self._pipe)
            os.close(self._awake)
            self._pipe = self._awake = -1

    def _send(self, document: dict[str, Any]) -> None:
        if self._pipe >= 0:
            with suppress(OSError):  # it is gone
                os.write(self._pipe, json.dumps(document).encode() + b"\n")


def kept(folder: str, ranks: int) -> list[str]:
    """Return what the last checkpoint of a run holds, and how to go on."""
    from convcli.cluster.launched import command
    from convcli.errors import ConvcliError
    from convcli.runs.folder import LAST, Run
    from convcli.training import Progress

    going_on = command(ranks, "convcli", "train", "--resume", folder)
    try:
        document = Run(Path(folder)).read_checkpoint_document(LAST)
        held = f"holds {Progress.from_document(document['progress']).place}"
    except (ConvcliError, ValueError, KeyError):  # it is on the first rank's machine
        held = "on the machine of rank 0"
    return [f"{KEPT}: {Path(folder, LAST)} {held}.", f"Go on with: {going_on}"]


def _claimed(claim: str, folder: str | None) -> bool:
    """Make the files that say that somebody has spoken; return False if one is there."""
    for path in (claim, *([] if folder is None else [os.path.join(folder, CLAIM)])):  # noqa: PTH118
        try:
            with open(path, "x") as file:  # noqa: PTH123
                file.write("1")
        except FileExistsError:
            return False
        except OSError:  # such as a run's folder on another machine
            pass
    return True


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:
        return ""


class _Watcher:
    """What the process does."""

    def __init__(self, signals: int, awake: int) -> None:
        self._signals, self._awake = signals, awake
        self._told: dict[str, Any] = {}
        self._rest = b""
        self._ranks: dict[int, int] = {}  # by descriptor
        self._dead: set[int] = set()
        self._asked: tuple[int, float] | None = None

    def run(self) -> None:
        """Sleep until there is something to say, or nothing any more."""
        look = select.poll()
        look.register(0, select.POLLIN)
        look.register(self._signals, select.POLLIN)
        try:
            while not self._dead and "done" not in self._told:
                ready = [number for number, _ in look.poll()]
                self._dead |= {self._ranks[number] for number in ready if number in self._ranks}
                if 0 in ready:
                    self._listen(look)
                # A signal that is there together with a death is the launcher's, which ends the others.
                if self._signals in ready and not self._dead:
                    self._hear(look)
            if "done" not in self._told:
                self._speak(sorted(self._dead))
        finally:
            with suppress(OSError, KeyError):
                os.unlink(self._told["claim"])  # noqa: PTH108

    def _listen(self, look: select.poll) -> None:
        """Take what the first rank of the machine tells; when it cannot any more, it has ended."""
        data = os.read(0, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._told |= json.loads(line)
        for number, rank in self._told.pop("ranks", {}).items():
            try:
                descriptor = os.pidfd_open(int(number))
            except OSError:  # it ended before this process had begun
                self._dead.add(rank)
            else:
                self._ranks[descriptor] = rank
                look.register(descriptor, select.POLLIN)
        if self._ranks and self._awake >= 0:
            os.close(self._awake)
            self._awake = -1
        if not data:
            look.unregister(0)
            self._dead.add(self._told.get("first", 0))

    def _hear(self, look: select.poll) -> None:
        if heard := os.read(self._signals, 64):
            self._asked = self._asked or (heard[0], time.monotonic())
        else:
            look.unregister(self._signals)

    def _speak(self, dead: list[int]) -> None:
        """Say which ranks have ended, unless they, or others, have said why."""
        time.sleep(OTHERS_SAY)
        folder = self._told.get("run")
        if not _claimed(self._told["claim"], folder):
            return
        host, size = self._told["host"], self._told["size"]
        if self._asked is not None:
            number, since = self._asked
            after = time.monotonic() - OTHERS_SAY - since
            say(
                f"error: {signal.Signals(number).name} came, and the ranks on {host} were killed {after:.1f} "
                "s later, before they had ended their batch and written it down."
            )
        else:
            who = f"rank {dead[0]}" if len(dead) == 1 else f"ranks {', '.join(map(str, dead))}"
            say(
                f"error: {who} of {size} on {host} ended without a word, as by kill -9 or for want of "
                "memory, and with it all others."
            )
        if folder is None:
            say("Nothing had been learned yet.")
        else:
            say(*kept(folder, size))


if __name__ == "__main__":
    _Watcher(*map(int, sys.argv[1:])).run()
