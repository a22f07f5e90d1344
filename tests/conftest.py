"""What several tests need: the command line as its users call it, and a run that has been trained."""

from __future__ import annotations

import gc
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest
from hypothesis import settings

# The tests share the cores already: threads that wait for each other in a busy loop take thrice the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from chromium import Chromium
from convcli.cli.app import main

ROOT = Path(__file__).parent.parent

settings.register_profile("untimed", deadline=None)  # how long an example takes depends on what else runs
settings.load_profile("untimed")


if not hasattr(os, "mkfifo"):  # on Windows a test is over where it asks for one
    setattr(os, "mkfifo", lambda _: pytest.skip("named pipes are Unix's"))  # noqa: B010


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Spread the whole suite over the cores; tests that are named run in this process, at once."""
    return 0 if config.option.file_or_dir else min(os.cpu_count() or 1, 4)  # each collects the whole suite


def pytest_collection_finish():
    """Keep Python from searching thousands of tests for garbage whenever one of them has left some."""
    gc.collect()
    gc.freeze()


class Result(NamedTuple):
    code: int
    stdout: str
    stderr: str


@pytest.fixture(autouse=True, scope="session")
def _hears_signals():
    """Undo what starts a program deaf to signals, a shell's `&` or nohup: convcli would honour it."""
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Return a function that calls the command line within this process, in `tmp_path`."""

    def call(*args, stdin=None, env=None):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["convcli", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", stdin or io.TextIOWrapper(io.BytesIO()))
        # The processor's kernels have been chosen: nothing is to start this process over for others.
        settings = {"COLUMNS": "100", "NO_COLOR": "1", "OPENBLAS_CORETYPE": "chosen", **(env or {})}
        capsys.readouterr()
        with mock.patch.dict(os.environ, settings), pytest.raises(SystemExit) as end:
            main()
        return Result(end.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def run(tmp_path):
    """Return a function that does what `call` does in a process of its own, which takes far longer."""

    def run(*args, env=None):
        done = subprocess.run(
            [sys.executable, "-m", "convcli", *map(str, args)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", **(env or {})},
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


QUICK = """
[data]
source = "digits"

[[layers]]
type = "conv"
filters = 4
activation = "relu"

[[layers]]
type = "max_pool"

[[layers]]
type = "dropout"
rate = 0.1

[[layers]]
type = "flatten"

[[layers]]
type = "dense"

[training]
epochs = 2
optimizer = { type = "adam", learning_rate = 0.01 }
"""


@pytest.fixture
def quick(tmp_path):
    """Return a configuration that trains in a second, but for real."""
    path = tmp_path / "quick.toml"
    path.write_text(QUICK)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return the folder of a run of `QUICK`."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "quick.toml").write_text(QUICK)
    command = [sys.executable, "-m", "convcli", "train", "quick.toml", "--run-dir", "run"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "run"


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def browser(_chromium):
    """Return a Chromium whose page is new for the tests of a file; the program starts once."""
    _chromium.renew()
    return _chromium
