"""Writing files: whole or not at all, in an order that survives a loss of power, leaving nothing behind."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from convcli.errors import InputError, OutputError, UsageError
from convcli.files import (
    identities,
    is_file_inside,
    judge,
    lock,
    make_inside,
    open_inside,
    remove_leftovers,
    write,
    write_inside,
)

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows locks otherwise")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_over_an_older_one(tmp_path):
    for data in (b"one", b"", b"three"):
        write(tmp_path / "file", data)
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
    write(tmp_path / "file", b"data")
    assert seen == ["file", "rename", "folder"]


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "图" * 85, "-f", " ", "a\nb", ".hidden"])
def test_every_name_that_the_system_takes_can_be_written(tmp_path, name):
    write(tmp_path / name, b"data")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a" * 256, "a\0b"])
def test_a_name_that_it_does_not_take_is_an_output_error(tmp_path, name):
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / name, b"data")
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_flushed_is_no_error(tmp_path, monkeypatch):
    opened = os.open

    def refuse(path, *rest, **options):
        if Path(path) == tmp_path:
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    write(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"


def test_an_existing_file_is_replaced_only_with_force(tmp_path):
    path = tmp_path / "file"
    write(path, b"old", force=False)
    for act in (lambda: write(path, b"new", force=False), lambda: judge(path, force=False)):
        with pytest.raises(OutputError, match="exists already"):
            act()
    assert path.read_bytes() == b"old"
    write(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_file_that_another_process_makes_in_the_meantime_stays(tmp_path, monkeypatch):
    path, link = tmp_path / "file", os.link

    def late(*names):
        path.write_bytes(b"theirs")
        link(*names)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(OutputError, match="exists already: it was made in the meantime"):
        write(path, b"mine", force=False)
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["file"]


def test_a_new_file_is_written_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "file", b"data", force=False)
    assert (tmp_path / "file").read_bytes() == b"data"
    assert names(tmp_path) == ["file"]


@unix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o444, 0o4755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path, b"new")
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (mode, b"new")


@unix
def test_what_replaces_a_private_file_is_private_while_it_is_written(tmp_path, monkeypatch):
    path, modes, fsync = tmp_path / "file", [], os.fsync
    path.write_bytes(b"old")
    path.chmod(0o600)

    def look(descriptor):
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    write(path, b"new")
    assert modes[0] == 0o600


@unix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write(tmp_path / "file", b"new", force=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@unix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_keeps_its_owner_and_group(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.chown(path, 1234, 2345)
    write(path, b"new")
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)


@unix
@pytest.mark.parametrize(("old", "new"), [(0o640, 0o600), (0o664, 0o644), (0o4750, 0o700), (0o644, 0o644)])
def test_what_a_group_was_allowed_is_not_given_to_another(tmp_path, monkeypatch, old, new):
    path, lstat = tmp_path / "file", Path.lstat
    path.write_bytes(b"old")
    path.chmod(old)

    def others(name):
        found = lstat(name)
        return os.stat_result((*found[:4], 1234, 2345, *found[6:])) if name == path else found

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "lstat", others)
    monkeypatch.setattr(os, "fchown", refuse)
    write(path, b"new")
    monkeypatch.undo()
    assert stat.S_IMODE(path.stat().st_mode) == new


@unix
def test_a_file_that_is_replaced_keeps_its_attributes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.origin", b"here")
    except (AttributeError, OSError):
        pytest.skip("no attributes here")
    write(path, b"new")
    assert os.getxattr(path, "user.origin") == b"here"


@unix
def test_a_link_is_followed_and_its_target_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"old")
    (tmp_path / "a" / "file").chmod(0o600)
    (tmp_path / "folder").symlink_to("a")
    (tmp_path / "second").symlink_to("folder/file")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    with pytest.raises(OutputError, match=r"first → .*/a/file exists already"):
        write(tmp_path / "first", b"new", force=False)
    write(tmp_path / "first", b"new")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "a" / "file").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a" / "file").stat().st_mode) == 0o600
    assert names(tmp_path / "a") == ["file"]


@unix
def test_a_dangling_link_has_its_target_made(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a/new")
    write(tmp_path / "link", b"new", force=False)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a" / "new").read_bytes() == b"new"
    (tmp_path / "lost").symlink_to("none/new")
    with pytest.raises(OutputError, match=r"the folder .*none does not exist"):
        write(tmp_path / "lost", b"new")


@unix
@pytest.mark.parametrize("target", ["link", "other", "folder/../link"])
def test_links_in_a_circle_are_refused_by_name(tmp_path, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "other").symlink_to("link")
    with pytest.raises(OutputError, match="link is a symbolic link that leads in a circle"):
        write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()


@unix
@pytest.mark.parametrize("through", ["itself", "a link"])
@pytest.mark.parametrize("force", [False, True])
def test_a_pipe_is_written_into(tmp_path, through, force):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    name = pipe if through == "itself" else tmp_path / "link"
    if through == "a link":
        name.symlink_to("pipe")
    data = b"data" * 100_000  # more than a pipe holds
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(pipe.read_bytes)
        write(name, data[:3], data[3:], force=force)
        assert reading.result(10) == data
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


@unix
@pytest.mark.parametrize("force", [False, True])
def test_a_device_is_written_into(tmp_path, force):
    before = Path(os.devnull).stat()
    (tmp_path / "link").symlink_to(os.devnull)
    for path in (Path(os.devnull), tmp_path / "link"):
        write(path, b"data", force=force)
    after = Path(os.devnull).stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_device_that_is_full_is_an_output_error():
    with pytest.raises(OutputError, match=r"/dev/full: cannot be written .No space left on device"):
        write(Path("/dev/full"), b"data")


@unix
def test_an_open_file_of_this_process_is_written_behind_what_it_holds(tmp_path):
    with (tmp_path / "log").open("wb") as file:
        file.write(b"before ")
        file.flush()
        for name in (f"/dev/fd/{file.fileno()}", f"/proc/self/fd/{file.fileno()}"):
            if Path(name).parent.exists():
                write(Path(name), b"data ", force=False)
        file.write(b"after")
    assert (tmp_path / "log").read_bytes() == b"before data data after"


@unix
def test_nothing_else_is_ever_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))
        found = {"folder": "a folder", "link": "a folder", "socket": "a socket"}
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            with suppress(OSError):
                os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 200))
                found["disk"] = "a block device"
        for name, what in found.items():
            with pytest.raises(OutputError, match=f"{name}.*: expected a file to write, found {what}"):
                write(tmp_path / name, b"data")
            assert not (tmp_path / name).is_file()


@unix
def test_an_input_is_never_overwritten_by_any_of_its_names(tmp_path):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "input"
    path.write_bytes(b"mine")
    (tmp_path / "link").symlink_to("folder/input")
    os.link(path, tmp_path / "hard")
    (tmp_path / "through").symlink_to("folder")
    inputs = identities([path, "1 2 3; 4 5 6", "no\0name", tmp_path / "none"])
    for name in ("folder/input", "link", "hard", "through/input", "folder/../folder/input"):
        with pytest.raises(UsageError, match="is an input, and an input is never overwritten"):
            judge(tmp_path / name, force=True, inputs=inputs)


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
