"""A process of its own for a learner's file: started, held to limits, asked, and ended with its children.

It has an empty environment, an empty folder of its own, no standard input, and limits on processor time,
memory and the size of files, where the system has them; the time of each answer is watched from here.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess  # a learner's file is run here, and nowhere else
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convcli.grading import inside
from convcli.grading.program import Program
from convcli.wording import memory

SHOWN_OUTPUT = 1 << 12  # bytes of what a file prints
LARGEST_FILE = 1 << 24
STARTING = 30.0  # seconds for Python and NumPy, on a busy machine
JOINING = 1.0  # seconds for what a process has still written; a child that left its group may hold the pipe
GRACE = 2  # times the time that a whole file has, as processor time


@dataclass(frozen=True)
class Bounds:
    """What a learner's file may take: seconds for each function, seconds in all, bytes of memory."""

    seconds: float = 10.0
    whole: float = 120.0
    memory: int = 2 << 30


@dataclass(frozen=True)
class Trouble(Exception):  # noqa: N818  (it is the learner's, and no mistake of ours)
    """Why there is no answer.

    Attributes
    ----------
    kind
        error, exit, memory, time, crash, whole.
    message
        What happened, in a line.
    line
        Where in the file, if that is known.
    of
        The function or method that was called, if it is one's error.
    """

    kind: str
    message: str
    line: int | None = None
    of: str = ""

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


@dataclass
class Answer:
    """What a plan told: values by name, the seconds that calls took, the inputs that were changed."""

    told: dict[str, Any]
    seconds: float
    changed: list[str]


@dataclass
class Held:
    """A learner's file in its process. `close` ends it; `with` does, too."""

    program: Program
    bounds: Bounds = field(default_factory=Bounds)
    notes: list[str] = field(default_factory=list)
    definitions: bool = False

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.bounds.whole
        self.output = bytearray()
        self.written = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def perform(self, steps: Sequence[dict[str, Any]], seconds: float) -> Answer:
        """Return what a plan tells, or raise Trouble; after a crash, or a timeout, the next begins anew."""
        if time.monotonic() > self.deadline:
            raise Trouble("whole", f"the file's {self.bounds.whole:g} s are over")
        if self._process is None:
            self._start()
        seconds = max(0.1, min(seconds, self.deadline - time.monotonic()))
        answer = self._ask([_sendable(step) for step in steps], seconds)
        if error := answer.get("error"):
            raise _trouble(error)
        told = {name: inside.decoded(value) for name, value in answer["told"].items()}
        return Answer(told, float(answer["seconds"]), list(answer["changed"]))

    def load(self) -> None:
        """Run the file, or raise Trouble."""
        if self._process is None:
            self._start()

    def _start(self) -> None:
        """Run the file: whole, or, where that does not come to an end, only what it defines."""
        try:
            failures = self._load()
        except Trouble as trouble:
            if self.definitions:
                raise
            self.definitions = True
            self.notes.append(f"{trouble.message} while the file was run; only what it defines is run")
            failures = self._load()
        told = [f"line {one['line']}: {one['type']}: {one['message']}" for one in failures]
        self.notes += [note for text in told if (note := f"{text} (passed over)") not in self.notes]

    def _load(self) -> list[dict[str, Any]]:
        self._open()
        whole = int(self.bounds.whole * GRACE) + 1
        self._ask(
            {
                "path": [*_installed(), str(self.program.path.resolve().parent)],
                "name": str(self.program.path),
                "source": self.program.source,
                "definitions": self.definitions,
                "limits": {
                    "RLIMIT_AS": self.bounds.memory,
                    "RLIMIT_CPU": whole,
                    "RLIMIT_FSIZE": LARGEST_FILE,
                    "RLIMIT_CORE": 0,
                },
            },
            STARTING,
        )
        return list(self._next(self.bounds.seconds)["failures"])

    def _open(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="check-mine-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(Path(inside.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder.name,
            env=_environment(self._folder.name),
            start_new_session=True,
        )
        self._answers: queue.Queue[bytes | None] = queue.Queue()
        self._threads = [_aside(work, self._process) for work in (self._listen, self._drain)]

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        answers = self._answers
        assert process.stdout is not None
        with suppress(ValueError, OSError):
            for line in process.stdout:
                answers.put(line)
        answers.put(None)

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        """Take what the learner's file prints, and keep the beginning."""
        assert process.stderr is not None
        with suppress(ValueError, OSError):
            while data := process.stderr.read1(1 << 16):  # type: ignore[attr-defined]
                self.written += len(data)
                self.output += data[: max(0, SHOWN_OUTPUT - len(self.output))]

    def _ask(self, request: Any, seconds: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with suppress(BrokenPipeError, OSError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        return self._next(seconds)

    def _next(self, seconds: float) -> dict[str, Any]:
        """Return the next answer, or raise Trouble."""
        process = self._process
        assert process is not None
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            self._end()
            raise Trouble("time", f"no end after {seconds:.2g} s") from None
        if line is None:
            raise self._gone(process)
        try:
            answer = json.loads(line)
            assert isinstance(answer, dict)
        except (ValueError, AssertionError):
            self._end()
            raise Trouble("crash", "wrote into convcli's own pipe") from None
        return answer

    def _gone(self, process: subprocess.Popen[bytes]) -> Trouble:
        """Return why a process has ended by itself."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        code = process.returncode
        self._end()
        if code is None or code >= 0:
            return Trouble("crash", f"ended its process (exit code {code}), as os._exit does")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if name == "SIGXCPU":
            return Trouble("time", "used up its processor time")
        if name == "SIGKILL":
            return Trouble("crash", "was killed by the system (SIGKILL), perhaps for lack of memory")
        return Trouble("crash", f"crashed ({name})")

    def _end(self) -> None:
        """End the process with its children."""
        process, self._process = self._process, None
        if process is None:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        for thread in self._threads:
            thread.join(JOINING)
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                if stream is not None and not any(thread.is_alive() for thread in self._threads):
                    stream.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def close(self) -> None:
        """End the process."""
        self._end()


def _aside(
    work: Callable[[subprocess.Popen[bytes]], None], process: subprocess.Popen[bytes]
) -> threading.Thread:
    thread = threading.Thread(target=work, args=(process,), daemon=True)
    thread.start()
    return thread


def _installed() -> list[str]:
    """Return where modules are imported from: what is installed, without the current folder."""
    return [place for place in sys.path if place and os.path.isabs(place)]  # noqa: PTH117


def _environment(folder: str) -> dict[str, str]:
    """Return what a process needs to begin, and nothing of ours."""
    own = {
        "HOME": folder,
        "TMPDIR": folder,
        "TEMP": folder,
        "TMP": folder,
        "MPLBACKEND": "Agg",  # pictures are drawn, and no window opens
        "PATH": os.defpath,
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    if "SYSTEMROOT" in os.environ:  # Windows has no random numbers without
        own["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return own


def _sendable(step: Any) -> Any:
    """Return a step with its arrays as plain JSON."""
    if hasattr(step, "dtype"):
        return inside.encoded(step)
    if isinstance(step, dict):
        return {name: _sendable(one) for name, one in step.items()}
    return [_sendable(one) for one in step] if isinstance(step, list | tuple) else step


def _trouble(error: dict[str, Any]) -> Trouble:
    kind = {"MemoryError": "memory", "SystemExit": "exit", "_ArrayMemoryError": "memory"}.get(
        error["type"], "error"
    )
    words = f"{error['type']}: {error['message']}" if error["message"] else str(error["type"])
    if kind == "exit":
        words = "left Python (sys.exit)"
    if kind == "memory":
        words = f"more memory than it may have ({words})"
    return Trouble(kind, words, error["line"], error.get("of", ""))


def within(bounds: Bounds) -> str:
    """Return the limits in words."""
    return f"{bounds.seconds:g} s a function, {bounds.whole:g} s in all, {memory(bounds.memory)}"
