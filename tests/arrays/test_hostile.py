"""Files of arrays made to do harm end in one short error, run nothing, and fill no memory."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from convcli.arrays import read_array
from convcli.errors import ConvcliError

MOST_MEMORY = 100 << 20


class MakesFolder:
    """What makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("made",)


def npy(text):
    """An .npy file with any text as its header, and eight bytes."""
    header = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)


def header(shape="(1,)", descr="'<f8'"):
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}")


FILES = {
    "nothing": b"",
    "one byte": b"\x93",
    "a magic alone": b"\x93NUMPY",
    "a huge shape": header("(99999999, 99999999)"),
    "a negative side": header("(-1,)"),
    "a product that wraps around": header(f"({2**32}, {2**32})"),
    "a nested dtype": header(descr="[('a', " * 40 + "'<f8'" + ")]" * 40),
    "a deep literal": npy("(" * 118),
    "no dictionary": npy("1"),
    "a call": npy("__import__('os').mkdir('made')"),
    "rest of a zip": b"PK\x03\x04" + bytes(40),
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "made").exists()


def refused(text):
    tracemalloc.start()
    try:
        with pytest.raises(ConvcliError) as error:
            read_array(text, "--input")
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert len(str(error.value)) < 300
    return str(error.value)


@pytest.mark.parametrize("ending", ["npy", "npz"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_lies_about_itself_is_refused(name, ending, tmp_path):
    (tmp_path / f"x.{ending}").write_bytes(FILES[name])
    refused(f"x.{ending}")
    with zipfile.ZipFile("packed.npz", "w") as archive:
        archive.writestr("x.npy", FILES[name])
    refused("packed.npz")


@pytest.mark.parametrize("save", [np.save, np.savez])
def test_objects_are_never_unpickled(save):
    name = "x.npy" if save is np.save else "x.npz"
    save(name, np.array([MakesFolder()], dtype=object))
    assert "Python objects" in refused(name)


def test_an_archive_that_unfolds_to_much_more_than_it_holds_is_not_unpacked():
    with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header("(200000000,)", "'|u1'") + bytes(2 * 10**7))
    refused("bomb.npz")


def test_a_folder_and_a_device_are_no_files_of_numbers(tmp_path):
    (tmp_path / "x.npy").mkdir()
    assert "x.npy: cannot be read" in refused("x.npy")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no such device")  # noqa: PTH110
def test_a_device_that_never_ends_is_read_so_far_only(tmp_path):
    (tmp_path / "x.txt").symlink_to("/dev/zero")
    with pytest.raises(ConvcliError, match="more than"):
        read_array("x.txt", "--input", most=100)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 50_000 + "1" + "]" * 50_000, "[[[" + "1," * 100_000 + "x]]]", "[[[]" * 9999]
)
def test_brackets_without_end_are_one_short_error(text):
    refused(text)


def test_an_error_names_a_file_on_one_line(tmp_path):
    (tmp_path / "a\nerror: x.npy").write_bytes(b"no")
    assert "\n" not in refused("a\nerror: x.npy")
