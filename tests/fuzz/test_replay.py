"""Every stored input of every fuzz target, and every former finding, ends in a result or a ConvcliError."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tracemalloc
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))  # the targets are not installed with convcli

TARGETS = sorted(path.stem for path in (ROOT / "fuzz/targets").glob("[!_]*.py"))
MOST_BYTES = 2**30


def inputs(target):
    folders = [ROOT / "fuzz" / kind / target for kind in ("corpus", "findings")]
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("target", TARGETS)
def test_stored_inputs_raise_nothing_and_stay_within_their_memory(target):
    stored = inputs(target)
    assert stored, f"fuzz/corpus/{target} holds no input"
    test_one_input = importlib.import_module(f"fuzz.targets.{target}").test_one_input
    tracemalloc.start()
    try:
        for path in stored:
            tracemalloc.reset_peak()
            try:
                test_one_input(path.read_bytes())
            except Exception as error:
                error.add_note(f"while reading {path.relative_to(ROOT)}")
                raise
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES, path
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(find_spec("atheris") is None, reason="pip install -e '.[fuzz]'")
def test_the_fuzzer_runs():
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "config", "-runs=0", *map(str, inputs("config"))],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
