"""Arrays by name in one safetensors file: read whole, checked against its bytes, written without copies.

Own code, as the library maps the file, so that one that is cut short meanwhile ends the process, and as it
panics where memory runs out. Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from convcli.wording import shortened

HEADER_BYTES = 16 << 20  # more than any training writes

Arrays = Mapping[str, NDArray[Any]]

BFLOAT16 = np.dtype([("upper half of a float32", "<u2")])  # which NumPy has not

_METADATA = "__metadata__"
_DTYPES = {
    "BF16": BFLOAT16,
    **{
        name: np.dtype(code)
        for name, code in {
            "BOOL": "?",
            **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
            **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
        }.items()
    },
}


def read_metadata(stream: IO[bytes]) -> dict[str, Any]:
    """Return the texts that a file holds beside its arrays; raises as `read_arrays` does."""
    return _header(stream)[0]


def read_arrays(stream: IO[bytes]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a file and the texts beside them. They are views of its bytes.

    Raises
    ------
    ValueError
        If it is no such file: the message says in a few words what is wrong.
    """
    metadata, entries, held = _header(stream)
    data = np.frombuffer(stream.read(held), np.uint8)
    if len(data) < held:
        raise ValueError("it became shorter while it was read")
    arrays = {
        name: data[begin:end].view(dtype).reshape(shape)
        for name, (dtype, shape, begin, end) in entries.items()
    }
    return arrays, metadata


def _header(
    stream: IO[bytes],
) -> tuple[dict[str, Any], dict[str, tuple[np.dtype[Any], tuple[int, ...], int, int]], int]:
    """Return the metadata, where each array lies in the bytes behind the header, and how many there are."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or length > size - 8:
        raise ValueError(f"its header would have {length:,} bytes, the file has {size:,}")
    if length > HEADER_BYTES:
        raise ValueError(f"a header of {length:,} bytes")
    try:
        header = json.loads(stream.read(length).decode())
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"its header is no JSON: {error}") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata are no texts")
    held, end = size - 8 - length, 0
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    for name, (_, _, begin, stop) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != end:
            raise ValueError(f"{shortened(repr(name))} does not begin where the array before it ends")
        end = stop
    if end != held:
        raise ValueError(f"its header announces {end:,} bytes of arrays, the file holds {held:,}")
    return metadata, entries, held


def _entry(name: str, entry: object) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Return the dtype and shape of one array, and where it begins and ends."""
    match entry:
        case {"dtype": str(code), "shape": [*shape], "data_offsets": [begin, end]} if code in _DTYPES:
            numbers, dtype = [*shape, begin, end], _DTYPES[code]
            whole = all(type(number) is int and 0 <= number < 2**63 for number in numbers)
            if whole and len(shape) <= 32 and math.prod(shape) * dtype.itemsize == end - begin:
                return dtype, tuple(shape), begin, end
    raise ValueError(f"{shortened(repr(name))} is described as {shortened(repr(entry))}")


def tensor_file(arrays: Arrays, metadata: Mapping[str, str]) -> list[bytes | memoryview]:
    """Return the parts of a file: its header, and each of `arrays` (contiguous, of floats) as it lies there.

    Together they are the bytes of `safetensors.numpy.save`.
    """
    header: dict[str, Any] = {_METADATA: metadata}
    names, end = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)), 0
    for name in names:
        array = arrays[name]
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": f"F{8 * array.itemsize}",
            "shape": array.shape,
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *(arrays[name].data for name in names)]
