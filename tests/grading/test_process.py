"""A learner's file in its process: held to limits, cut off from ours, and every end is told."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from convcli.grading.process import Bounds, Held, Trouble
from convcli.grading.program import Program

SOURCE = """
import os, sys, time
import numpy as np

print("loading")
answer = input("a number: ")
after = 5

def environment(x):
    return tuple(sorted(os.environ)), os.getcwd(), sys.stdin.read(), "__main__" == __name__

def same(x):
    print("called")
    return x, {"a": x}, None, object()

def changes(x):
    x += 1
    return x

def forever(x):
    while True:
        pass

def leaves(x):
    sys.exit(0)

def quits(x):
    os._exit(7)

def large(x):
    return np.ones(1 << 30)

def fails(x):
    return x.nothing

def child(x):
    import subprocess
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    open({path!r}, "w").write(str(process.pid))
    while True:
        pass
"""


def ask(held, name, seconds=5.0):
    plan = [{"do": "call", "of": name, "arguments": [{"array": np.ones(2), "name": "x"}], "tell": "out"}]
    return held.perform(plan, seconds)


def held(source, **bounds):
    return Held(Program.of(Path("mine.py"), source), Bounds(**bounds))


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    path = tmp_path_factory.mktemp("children") / "pid"
    with held(SOURCE.replace("{path!r}", repr(str(path)))) as one:
        one.path = path
        yield one


def test_statements_that_fail_are_passed_over_and_told(process):
    process.load()
    assert process.notes == ["line 6: EOFError: EOF when reading a line (passed over)"]


def test_values_come_back_and_changes_are_seen(process):
    answer = ask(process, "same")
    first, entries, none, other = answer.told["out"]
    assert first.tolist() == [1.0, 1.0]
    assert entries["a"].tolist() == [1.0, 1.0]
    assert (none, other) == (None, {"other": "object"})
    assert answer.changed == []
    assert ask(process, "changes").changed == ["x"]
    assert b"called" in process.output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a variable of its own")
def test_nothing_of_ours_is_there(process, monkeypatch):
    names = ask(process, "environment").told["out"]
    told = [one.get("other") if isinstance(one, dict) else one for one in names]
    assert told[-1].tolist() is False  # not run as a program


def test_an_error_has_its_line(process):
    with pytest.raises(Trouble, match="AttributeError") as caught:
        ask(process, "fails")
    assert (caught.value.kind, caught.value.line) == ("error", 34)


@pytest.mark.parametrize(("name", "kind"), [("leaves", "exit"), ("quits", "crash")])
def test_leaving_is_told_and_others_are_asked_after_it(process, name, kind):
    with pytest.raises(Trouble) as caught:
        ask(process, name)
    assert caught.value.kind == kind
    assert ask(process, "same").told["out"][0].tolist() == [1.0, 1.0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others do not hold memory")
def test_memory_is_held(process):
    with pytest.raises(Trouble) as caught:
        ask(process, "large")
    assert caught.value.kind == "memory"


def test_what_does_not_end_is_ended_with_its_children(process):
    with pytest.raises(Trouble, match=r"no end after 0\.5 s"):
        ask(process, "child", 0.5)
    number = int(process.path.read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _runs(number):
        time.sleep(0.05)
    assert not _runs(number)


def _runs(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.long
@pytest.mark.parametrize("end", ["while True: pass", "import os; os._exit(1)"])
def test_a_file_that_does_not_come_to_an_end_is_begun_again_with_what_it_defines(end):
    source = f"def relu(x):\n    return x\n\n\nif 1:\n    {end}\n"
    with held(source, seconds=1.0) as one:
        assert ask(one, "relu").told["out"].tolist() == [1.0, 1.0]
        assert "only what it defines is run" in one.notes[0]


def test_the_environment_is_empty():
    from convcli.grading.process import _environment

    os.environ["A_SECRET"] = "1"
    try:
        assert "A_SECRET" not in _environment("/nowhere")
        assert set(_environment("/nowhere")) <= {
            *("HOME", "TMPDIR", "TEMP", "TMP", "MPLBACKEND", "PATH", "PYTHONIOENCODING", "SYSTEMROOT"),
            *("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
        }
    finally:
        del os.environ["A_SECRET"]
