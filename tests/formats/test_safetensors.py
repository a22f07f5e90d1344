"""Our safetensors files are the library's, and of others' only whole ones are read."""

from __future__ import annotations

import io
import json
import mmap
import os

import numpy as np
import pytest
import safetensors.numpy

from convcli.formats.safetensors import read_arrays, read_metadata, tensor_file

ARRAYS: dict[str, np.ndarray] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.arange(4, dtype=np.float64),
    "c": np.array(2.5, np.float16),
    "empty": np.zeros((0, 3), np.float32),
}


def test_arrays_come_back_as_the_library_reads_them():
    data = b"".join(tensor_file(ARRAYS, {"key": "text"}))
    arrays, metadata = read_arrays(io.BytesIO(data))
    theirs = safetensors.numpy.load(data)
    assert metadata == read_metadata(io.BytesIO(data)) == {"key": "text"}
    assert arrays.keys() == theirs.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        assert array.dtype == theirs[name].dtype == ARRAYS[name].dtype
        np.testing.assert_array_equal(array, theirs[name])
        np.testing.assert_array_equal(array, ARRAYS[name])


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"])
def test_all_types_of_the_library_that_numpy_has_are_read(dtype):
    array = np.arange(5).astype(dtype)
    found = read_arrays(io.BytesIO(safetensors.numpy.save({"x": array})))[0]["x"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def made(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape=(1,), offsets=(0, 4), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


HOSTILE = {
    "nothing": b"",
    "half a length": b"\0" * 4,
    "a header of 2^64 bytes": b"\xff" * 8,
    "a header longer than the file": (100).to_bytes(8, "little") + b"{}",
    "no UTF-8": made(b"\xff\xff"),
    "no JSON": made(b"{"),
    "a list": made([]),
    "nested deeply": made(b"[" * 100_000),
    "an integer of 5,000 digits": made(b'{"x": ' + b"9" * 5000 + b"}"),
    "metadata that is a list": made({"__metadata__": []}),
    "an entry that is a text": made({"x": "F32"}),
    "an unknown type": made({"x": entry(dtype="F8_E5M2", offsets=(0, 1))}, b"\0"),
    "a type that is a list": made({"x": entry(dtype=[])}, b"\0" * 4),
    "a negative size": made({"x": entry(shape=(-1, -1))}, b"\0" * 4),
    "a size that is true": made({"x": entry(shape=(True,))}, b"\0" * 4),
    "a size of 2^70": made({"x": entry(shape=(2**70, 0), offsets=(0, 0))}),
    "a product beyond 64 bits": made({"x": entry(shape=(2**62, 2**62))}, b"\0" * 4),
    "100 axes": made({"x": entry(shape=(1,) * 100)}, b"\0" * 4),
    "a shape larger than its bytes": made({"x": entry(shape=(2,))}, b"\0" * 4),
    "bytes that are not there": made({"x": entry(offsets=(0, 4))}),
    "bytes that nobody describes": made({"x": entry()}, b"\0" * 8),
    "bytes before the first": made({"x": entry(offsets=(4, 8))}, b"\0" * 8),
    "two in one place": made({"x": entry(), "y": entry()}, b"\0" * 4),
    "two that overlap": made({"x": entry(shape=(2,), offsets=(0, 8)), "y": entry(offsets=(4, 8))}, b"\0" * 8),
    "a gap": made({"x": entry(), "y": entry(offsets=(8, 12))}, b"\0" * 12),
    "an end before its beginning": made({"x": entry(shape=(0,), offsets=(4, 0))}, b"\0" * 4),
    "offsets of floats": made({"x": entry(offsets=(0.0, 4.0))}, b"\0" * 4),
    "offsets beyond 64 bits": made({"x": entry(offsets=(2**64, 2**64 + 4))}, b"\0" * 4),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_in_a_few_words(data):
    for read in (read_arrays, read_metadata):
        with pytest.raises(ValueError, match=r"\w") as caught:
            read(io.BytesIO(data))
        assert len(str(caught.value)) < 300


def test_a_file_cut_short_meanwhile_ends_no_process(tmp_path):
    path = tmp_path / "some.safetensors"
    path.write_bytes(b"".join(tensor_file({"x": np.ones(1 << 20, np.float32)}, {})))
    with path.open("rb") as stream:
        arrays, _ = read_arrays(stream)
        os.truncate(path, 4 * mmap.PAGESIZE)
        assert arrays["x"].sum() == 1 << 20


def test_a_file_cut_short_while_it_is_read_is_refused():
    class Shrinking(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 900))

    with pytest.raises(ValueError, match="became shorter while it was read"):
        read_arrays(Shrinking(b"".join(tensor_file({"x": np.ones(1000)}, {}))))
