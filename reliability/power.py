"""Power cuts: a training whose disk, at random moments, is as it would be found after the power came back.

The disk is a file with an ext4 file system in it, and lies on an XFS one, which copies files in no time. What
that file holds at a moment is what the disk would hold: the kernel has not yet written the rest. It takes
root and Debian's xfsprogs.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from reliability.kills import Tally, Training, start
from reliability.states import BrokenError, expect


class Disk:
    """A disk at `place` whose power can be cut."""

    def __init__(self, home: Path) -> None:
        self.host, self.place, self.image = home / "host", home / "disk", home / "host.img"
        self.file = self.host / "disk.img"

    def __enter__(self) -> Disk:
        for folder in (self.host, self.place):
            folder.mkdir()
        _run("truncate", "-s", "600M", self.image)
        _run("mkfs.xfs", "-q", "-m", "reflink=1", self.image)
        _run("mount", "-o", "loop", self.image, self.host)
        _run("truncate", "-s", "128M", self.file)
        _run("mkfs.ext4", "-q", self.file)
        self._mount()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _run("umount", self.place)
        _run("umount", self.host)

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Cut the power; when the context ends, with all processes that used the disk, it comes back."""
        found = self.file.with_name("found.img")
        _run("cp", "--reflink=always", self.file, found)
        yield
        _run("umount", self.place)
        found.replace(self.file)
        self._mount()

    def _mount(self) -> None:
        # Without its guess that whoever renames over a file wants the new one's data on the disk.
        _run("mount", "-o", "loop,noauto_da_alloc", self.file, self.place)


def cuts(home: Path, times: int, rng: random.Random) -> Iterator[Tally]:
    """Cut the power of a training so often, and say after each time how it stands.

    Raises
    ------
    BrokenError
        If what is found then is neither one of its checkpoints, nor goes on to the same end.
    """
    expect(os.geteuid() == 0, "mounting takes root")
    tally = Tally()
    victim = Training(home, units=2048, outputs=home / "disk" / "run")
    with Disk(home) as disk:
        longest = 0.0
        while tally.kills < times:
            started = time.perf_counter()
            process = start(victim.command())
            if longest:
                time.sleep(rng.uniform(0, longest))
            else:
                process.wait()
                longest = time.perf_counter() - started
            with disk.cut():
                ended = process.poll() == 0
                if not ended:
                    os.killpg(process.pid, signal.SIGKILL)
                    tally.kills += 1
                message = process.communicate()[1].decode(errors="replace")
                if process.returncode not in (0, -signal.SIGKILL):
                    raise BrokenError(f"the training ended with {process.returncode}: {message}")
                time.sleep(0.05)  # for its helpers to close what they have open
            victim.check()
            if ended:
                victim.check_end()
                tally.ends += 1
            yield tally


def _run(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr.strip()}")
