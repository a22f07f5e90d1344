"""Writing files: whole or not at all, in an order that survives a loss of power, leaving nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convcli.errors import OutputError
from convcli.files import lock, remove_leftovers, write_atomically

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows locks otherwise")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_over_an_older_one(tmp_path):
    for data in (b"one", b"", b"three"):
        write_atomically(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert names(tmp_path) == ["file"]


@unix
def test_data_is_on_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    seen = []
    fsync, replace = os.fsync, Path.replace

    def flush(descriptor):
        seen.append("folder" if Path(f"/proc/self/fd/{descriptor}").resolve() == tmp_path else "file")
        fsync(descriptor)

    def rename(path, target):
        seen.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", rename)
    write_atomically(tmp_path / "file", b"data")
    assert seen == ["file", "rename", "folder"]


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "图" * 85, "-f", " ", "a\nb", ".hidden"])
def test_every_name_that_the_system_takes_can_be_written(tmp_path, name):
    write_atomically(tmp_path / name, b"data")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a" * 256, "a\0b"])
def test_a_name_that_it_does_not_take_is_an_output_error(tmp_path, name):
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(tmp_path / name, b"data")
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_flushed_is_no_error(tmp_path, monkeypatch):
    opened = os.open

    def refuse(path, *rest, **options):
        if Path(path) == tmp_path:
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    write_atomically(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"


HOLD = """
import sys
from convcli.files import lock
file = open(sys.argv[1], "r+b")
print(lock(file), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Return a function that has another process lock a file and hold it; it says whether that could."""
    processes = []

    def hold(path):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process, process.stdout.readline().strip() == "True"

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


@unix
def test_a_file_is_locked_by_one_process_and_free_once_that_is_killed(tmp_path, holder):
    path = tmp_path / "lock"
    path.touch()
    process, got = holder(path)
    assert got
    with path.open("r+b") as file:
        assert not lock(file)
        process.kill()
        process.wait()
        assert lock(file)


@unix
def test_leftovers_of_the_dead_are_removed_and_what_the_living_write_stays(tmp_path, holder):
    dead, living, empty = (tmp_path / f".convcli-{digit * 16}.tmp" for digit in "012")
    for path in (dead, living, tmp_path / "mine.tmp", tmp_path / ".mine.tmp"):
        path.write_bytes(b"half")
    empty.touch()
    assert holder(living)[1]
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".convcli-1111111111111111.tmp", empty.name, ".mine.tmp", "mine.tmp"]

    os.utime(empty, (0, time.time() - 100))  # empty for longer than it takes to lock a file
    remove_leftovers(tmp_path)
    assert empty.name not in names(tmp_path)


def test_tidying_up_a_folder_that_is_gone_is_no_error(tmp_path):
    remove_leftovers(tmp_path / "gone")
