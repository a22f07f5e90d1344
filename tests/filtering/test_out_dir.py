"""The folder of many results: who writes into it now, and how the results there were made."""

from __future__ import annotations

import subprocess
import sys

import pytest

from convcli.errors import OutputError
from convcli.filtering.out_dir import OutDir

HOLD = """
import sys
from pathlib import Path
from convcli.filtering.out_dir import OutDir
made = {"kernel": "gaussian", "parameters": {"sigma": float(sys.argv[1])}, "weights": sys.argv[1]}
with OutDir(Path(sys.argv[2]), "gaussian.png", made, [Path(sys.argv[2])], many=True) as place:
    place.prepare(anew=False)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def at_work():
    """Return a function that has another process write results of a sigma into a folder; it gives that."""
    processes = []

    def begin(sigma, folder):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(sigma), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def place_of(sigma, folder):
    made = {"kernel": "gaussian", "parameters": {"sigma": float(sigma)}, "weights": str(sigma)}
    return OutDir(folder, "gaussian.png", made, [folder], many=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_results_that_are_made_otherwise_are_not_mixed_in(tmp_path, at_work):
    other = at_work(1, tmp_path / "soft")
    with place_of(2, tmp_path / "soft") as mine:
        with pytest.raises(OutputError) as caught:
            mine.prepare(anew=True)
        assert f"soft: process {other.pid} is writing results there now, made otherwise" in str(caught.value)
        assert "(gaussian:sigma=1 → 2)" in str(caught.value)
    other.communicate()
    with place_of(2, tmp_path / "soft") as mine:
        mine.prepare(anew=True)
    assert [path.suffix for path in (tmp_path / "soft").iterdir()] == [".json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_results_that_are_made_in_one_way_may_come_from_several_calls(tmp_path, at_work):
    first, second = (at_work(1, tmp_path / "soft") for _ in range(2))
    first.communicate()
    with place_of(1, tmp_path / "soft") as mine:
        mine.prepare(anew=False)
        second.communicate()
        with place_of(1, tmp_path / "soft") as again:  # whose end is not the end of all
            assert again.matches
    assert [path.suffix for path in (tmp_path / "soft").iterdir()] == [".json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_call_that_was_killed_holds_nobody_up(tmp_path, at_work):
    other = at_work(1, tmp_path / "soft")
    other.kill()
    other.wait()
    with place_of(2, tmp_path / "soft") as mine:
        mine.prepare(anew=False)
    assert [path.suffix for path in (tmp_path / "soft").iterdir()] == [".json"]


def test_a_record_that_another_call_has_written_in_the_meantime_is_respected(tmp_path):
    late = place_of(2, tmp_path / "soft")
    with place_of(1, tmp_path / "soft") as first:
        first.prepare(anew=False)
    with late, pytest.raises(OutputError, match="another call has made results there in the meantime"):
        late.prepare(anew=False)
