"""Kernels of strangers: whatever a text or a file holds, a kernel or one clear error, and little memory."""

from __future__ import annotations

import io
import os
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from convcli.errors import ConvcliError, InputError, KernelError
from convcli.kernels import checked_weights, parse

sys.path.insert(0, str(Path(__file__).parent.parent.parent))  # what breaks convcli is not installed with it

from reliability.malformed import corpus

MOST_BYTES = 2**26


def refusal(text):
    """Return the error that a kernel ends in, having seen that it took little memory and says little."""
    tracemalloc.start()
    try:
        with pytest.raises(ConvcliError) as caught:
            parse(text)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert len(message) < 400 + len(text[:100])
    assert len(message.splitlines()) == 1
    return caught.value


def written(folder, name, data):
    """Write a file that begins with `data` and holds zeros for the rest of its size, if one is given."""
    data, size = data if isinstance(data, tuple) else (data, 0)
    with (folder / name).open("wb") as file:
        file.write(data)
        file.truncate(max(size, len(data)))
    return f"@{folder / name}"


def npy_header(shape, kind="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue()


TEXTS = {
    "NaN": "1 nan 1",
    "infinity": "1 -inf; 1 1",
    "overflow": "1e999",
    "overflowing fraction": "1e308/1e-308",
    "fraction of infinities": "inf/inf",
    "division by zero": "1/0",
    "empty": "",
    "blank": " \t\n",
    "only separators": ";;;",
    "empty row": "1 2;;1 2",
    "empty cell": "1,,2",
    "more cells than a side may have": "1 " * 10_000,
    "more rows than a side may have": "1;" * 10_000,
    "a million rows": "1;" * 1_000_000,
    "a number of a million digits": "1" * 1_000_000,
    "a name of a million letters": "sobel" * 200_000,
    "a parameter of a million digits": "box:size=" + "1" * 1_000_000,
    "a parameter of a million letters": "gaussian:sigma=" + "x" * 1_000_000,
    "an unknown parameter of a million letters": f"gaussian:{'x' * 1_000_000}=1",
    "no parameter at all": "box:",
    "NaN as a parameter": "gaussian:sigma=nan",
    "infinity as a parameter": "gaussian:sigma=inf",
    "a kernel of 10⁴ × 10⁴": "box:size=10001",
    "a size below zero": "box:size=-3",
    "control characters": "\x1b[31m",
    "a null character": "@k\0.csv",
    "half a character": "\ud800",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_is_refused_in_one_line(text):
    error = refusal(text)
    assert error.exit_code in (1, 2)


FILES = {
    "empty.csv": b"",
    "empty.txt": b"\n\n# nothing\n",
    "empty.json": b"",
    "empty.npy": b"",
    "binary.csv": bytes(range(256)) * 100,
    "latin.csv": b"1 2 \xe9",
    "nan.csv": b"1,nan",
    "infinity.json": b"[[1, Infinity]]",
    "nan.json": b"[[NaN]]",
    "overflow.json": b"[[1e999]]",
    "digits.json": b"[[" + b"1" * 10_000 + b"]]",
    "deep.json": b"[" * 100_000,
    "deep-row.json": b'[[1], {"a": ' + b"[" * 500 + b"]" * 500 + b"}]",
    "deep-cell.json": b"[[" + b"[" * 500 + b"]" * 500 + b"]]",
    "text.json": b'[["' + b"x" * 100_000 + b'"]]',
    "true.json": b"[[true]]",
    "none.json": b"[]",
    "object.json": b'{"weights": {"a": 1}}',
    "wide.csv": b"1," * 1_000_000,
    "tall.csv": b"1\n" * 1_000_000,
    "10000 × 10000.npy": (npy_header((10_000, 10_000), "|u1"), 10**8 + 128),
    "wide.npy": (npy_header((1, 10**6)), 8 * 10**6 + 128),
    "lying.npy": npy_header((99_999, 99_999)),
    "below-zero.npy": npy_header((-1, -1)),
    "none.npy": npy_header((0, 0)),
    "beyond.npy": npy_header((0, 10**30)),
    "objects.npy": npy_header((1, 1), "|O") + bytes(100),
    "text.npy": npy_header((1, 1), "<U4") + bytes(100),
    "three.npy": npy_header((1, 1, 1)) + bytes(8),
    "huge.npy": (b"\x93NUMPY", 10**12),
    "huge.csv": (b"1,2", 10**12),
    "huge.json": (b"[[1]]", 2**24 + 1),
    "no-ending": b"1 2 3",
    "other.png": b"1 2 3",
}


@pytest.mark.parametrize("name", FILES)
def test_file_is_refused_in_one_line_that_names_it(tmp_path, name):
    text = written(tmp_path, name, FILES[name])
    assert text.removeprefix("@") in str(refusal(text))


def test_malformed_npy_files_are_kernels_or_refused(tmp_path):
    outcomes = {True: 0, False: 0}
    for _, data in corpus("npy"):
        text = written(tmp_path, "kernel.npy", data)
        try:
            kernel = parse(text)
        except (KernelError, InputError):
            outcomes[False] += 1
        else:
            assert np.isfinite(kernel.weights).all()
            outcomes[True] += 1
    assert outcomes[True] > 5
    assert outcomes[False] > 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices")
def test_what_is_no_file_is_refused_unread(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.npy").symlink_to("/dev/zero")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "itself.csv").symlink_to("itself.csv")
    assert "found a device or a pipe" in str(refusal(f"@{tmp_path}/pipe.csv"))
    assert "found a device or a pipe" in str(refusal(f"@{tmp_path}/zero.npy"))
    assert "found a folder" in str(refusal(f"@{tmp_path}/folder.json"))
    assert "Too many levels of symbolic links" in str(refusal(f"@{tmp_path}/itself.csv"))


def test_disk_that_fails_is_no_wrong_kernel(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    text = written(tmp_path, "kernel.csv", b"1 2 3")
    monkeypatch.setattr("convcli.kernels.kernel_files.matrix", fail)
    with pytest.raises(
        InputError, match=r"kernel.csv: the kernel file cannot be read \(Input/output error\)"
    ):
        parse(text)


def test_kernel_is_read_from_text_row_by_row(tmp_path):
    side = 300
    text = written(tmp_path, "large.csv", ("1," * (side - 1) + "1\n").encode() * side)
    tracemalloc.start()
    try:
        assert parse(text).shape == (side, side)
        assert tracemalloc.get_traced_memory()[1] < 40 * side**2  # as lists of Python's numbers: 32 + 8 each
    finally:
        tracemalloc.stop()


WEIGHTS = {
    "complex numbers": np.array([[1 + 2j]]),
    "text": np.array([["1"]]),
    "objects": [[{}]],
    "ragged rows": [[1, 2], [3]],
    "an integer that no float holds": [[10**400]],
    "a signalling NaN": np.array([[0x7FA00000]], np.uint32).view(np.float32),
    "no matrix": np.zeros((1, 1, 1)),
    "nothing": [],
    "10⁴ × 10⁴": np.broadcast_to(np.uint8(1), (10_000, 10_000)),
}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_are_no_kernel_are_refused(weights):
    tracemalloc.start()
    try:
        with pytest.raises(KernelError):
            checked_weights(weights, "kernel")
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def test_whole_numbers_beyond_64_bits_are_weights():
    assert checked_weights([[10**30, 1]], "kernel").tolist() == [[1e30, 1.0]]
