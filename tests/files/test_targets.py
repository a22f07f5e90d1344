"""Where a name leads: links, devices, pipes, open files; what is never overwritten."""

from __future__ import annotations

import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from convcli.errors import OutputError, UsageError
from convcli.files import (
    identities,
    judge,
    write,
)
from folders import names, unix


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


@pytest.mark.parametrize("deep", ["out", "out/deeper"])
def test_a_folder_that_cannot_be_made_is_refused_beforehand(tmp_path, monkeypatch, deep):
    usual = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and usual(path, mode))
    with pytest.raises(OutputError, match="cannot be written to; write elsewhere"):
        judge(tmp_path / deep / "x.png", force=False, made=True)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        judge(tmp_path / "file" / deep / "x.png", force=False, made=True)
