"""In a folder whose content may be others': files only, locks, and what the dead leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from convcli.errors import InputError, OutputError
from convcli.files import (
    is_file_inside,
    lock,
    make_inside,
    open_inside,
    remove_leftovers,
    write_inside,
)
from folders import names, unix


@unix
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_in_a_folder_of_others_only_files_are_written_and_read(tmp_path, kind):
    victim, path = tmp_path / "victim", tmp_path / "inside"
    victim.write_bytes(b"theirs")
    make = {
        "link": lambda: path.symlink_to(victim),
        "dangling link": lambda: path.symlink_to(tmp_path / "new"),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }
    make[kind]()
    found = kind.replace("dangling", "symbolic").replace("link", "symbolic link").split()[-1]
    with pytest.raises(OutputError, match=f"inside: expected a file to write, found a .*{found}; remove it"):
        write_inside(path, b"new")
    for mode in ("rb", "a+b", "r+b"):
        with pytest.raises(InputError, match=f"inside: damaged: expected a file, found a .*{found}"):
            open_inside(path, mode)
    assert not is_file_inside(path)
    assert victim.read_bytes() == b"theirs"
    assert not (tmp_path / "new").exists()


@unix
def test_in_a_folder_of_others_a_link_is_no_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "figures").symlink_to("elsewhere")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="pipe: expected a folder, found a pipe; remove it"):
        make_inside(tmp_path / "pipe")
    with pytest.raises(OutputError, match="figures: expected a folder, found a symbolic link"):
        make_inside(tmp_path / "figures")
    make_inside(tmp_path / "new")
    make_inside(tmp_path / "new")
    assert (tmp_path / "new").is_dir()


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
