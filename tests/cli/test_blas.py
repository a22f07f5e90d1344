"""OpenBLAS is asked for AVX-512 where the processor has it, nobody has chosen, and it would do without."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import threadpoolctl

from convcli.cli import blas

FLAGS = "flags\t\t: fpu sse2 avx2 avx512f avx512dq avx512cd avx512bw avx512vl\n"


@pytest.fixture
def begun(monkeypatch):
    """Return the list of programs that were started over; nothing is chosen, everything calls for it."""
    started = []
    monkeypatch.setattr(os, "execv", lambda *call: started.append(call))
    monkeypatch.setattr(blas, "has_avx512", lambda: True)
    monkeypatch.setattr(blas, "falls_back", lambda: True)
    monkeypatch.setenv(blas.SETTING, "")
    monkeypatch.delenv(blas.SETTING)
    return started


def test_the_program_starts_over_with_the_same_arguments(begun):
    blas.prepare()
    assert begun == [(sys.executable, [sys.executable, *sys.orig_argv[1:]])]
    assert os.environ[blas.SETTING] == "SkylakeX"


def test_what_the_user_has_set_is_left_alone(begun, monkeypatch):
    monkeypatch.setenv(blas.SETTING, "Haswell")
    blas.prepare()
    assert begun == []


@pytest.mark.parametrize("condition", ["has_avx512", "falls_back"])
def test_otherwise_nothing_happens(begun, monkeypatch, condition):
    monkeypatch.setattr(blas, condition, lambda: False)
    blas.prepare()
    assert begun == []
    assert blas.SETTING not in os.environ


@pytest.mark.parametrize(
    ("text", "has"), [(FLAGS, True), (FLAGS.replace("avx512dq", ""), False), ("model name: x\n", False)]
)
def test_the_flags_of_the_processor_decide(tmp_path, text, has):
    (tmp_path / "cpuinfo").write_text(text)
    assert blas.has_avx512(tmp_path / "cpuinfo") is has


def test_a_system_that_does_not_tell_has_none(tmp_path):
    assert blas.has_avx512(tmp_path / "missing") is False


@pytest.mark.parametrize(("architecture", "older"), [("Haswell", True), ("SkylakeX", False), (None, False)])
def test_the_kernels_taken_are_what_threadpoolctl_says(monkeypatch, architecture, older):
    info = [{"user_api": "blas", "architecture": architecture}, {"user_api": "openmp"}]
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: info)
    assert blas.falls_back() is older


def test_a_program_that_started_over_does_so_once(tmp_path):
    """For real: a process that believes it falls back starts over, and finds the setting made."""
    script = tmp_path / "program.py"
    script.write_text(
        "import os, sys\n"
        "from convcli.cli import blas\n"
        "blas.has_avx512 = blas.falls_back = lambda: True\n"
        "print('begin', flush=True)\n"
        "blas.prepare()\n"
        "print(os.environ[blas.SETTING], sys.argv[1:])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != blas.SETTING}
    done = subprocess.run(
        [sys.executable, script, "one", "two words"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n") == ["begin", "begin", "SkylakeX ['one', 'two words']", ""]
