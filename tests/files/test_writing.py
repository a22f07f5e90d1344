"""Files written whole or not at all, in an order that survives a loss of power, leaving nothing behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from convcli.errors import OutputError
from convcli.files import (
    judge,
    write,
)
from folders import names, unix


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
