"""Tensors by their names, from files that hold nothing else: .safetensors and .npz. Nothing is unpickled."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from convcli.bounds import check_memory
from convcli.engine.workspace import Array
from convcli.errors import ConvcliError, InputError, reason
from convcli.formats.npy import read_npy
from convcli.formats.safetensors import BFLOAT16, read_arrays
from convcli.interchange.torch.matching import IGNORED
from convcli.wording import counted, shortened

MOST_MEMBERS = 10_000
ADVICE = "Is it a file of weights?"


def tensors_of(path: Path) -> tuple[dict[str, Array], list[str]]:
    """Return what a file holds as float32, in its order, and what was converted.

    Raises InputError if it cannot be read, is damaged, or holds what no weights are.
    """
    try:
        with path.open("rb") as stream:
            check_memory(str(path), 2 * os.fstat(stream.fileno()).st_size, advice=ADVICE)
            return tensors_in(stream, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}).") from error


def tensors_in(stream: IO[bytes], path: Path) -> tuple[dict[str, Array], list[str]]:
    """Return the same of an open file, by the ending of whose `path` it is known what it is."""
    try:
        raw = _from_npz(stream, path) if path.suffix.lower() == ".npz" else read_arrays(stream)[0]
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        if isinstance(error, ConvcliError):
            raise
        raise InputError(f"{path}: damaged ({shortened(str(error), 200)}).") from error
    return _as_float32(raw, path)


def _from_npz(stream: IO[bytes], path: Path) -> Mapping[str, Any]:
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise ValueError(f"{len(members):,} arrays")
        check_memory(str(path), 2 * sum(member.file_size for member in members), advice=ADVICE)
        found = {}
        for member in members:
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{shortened(member.filename)} is compressed as NumPy compresses nothing")
            content = io.BytesIO(archive.read(member))
            found[member.filename.removesuffix(".npy")] = read_npy(content, lambda shape: None)
    return found


def _sorted_anyway(raw: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return tensors by their names where the file has those of each dtype so; else in its own order."""
    kinds: dict[str, list[str]] = {}
    for name, tensor in raw.items():
        kinds.setdefault(str(tensor.dtype), []).append(name)
    in_order = all(names == sorted(names) for names in kinds.values())
    return sorted(raw.items()) if in_order else list(raw.items())


def _as_float32(raw: Mapping[str, Any], path: Path) -> tuple[dict[str, Array], list[str]]:
    """Return tensors as float32; of other kinds of floats it is said, others than floats are refused."""
    found, converted = dict[str, Array](), Counter[str]()
    for name, tensor in _sorted_anyway(raw):
        if name.rpartition(".")[2] in IGNORED:
            continue
        if tensor.dtype == BFLOAT16:
            bits = np.ascontiguousarray(tensor).view("<u2").reshape(tensor.shape).astype(np.uint32) << 16
            found[name] = bits.view(np.float32)
            converted["bfloat16"] += 1
        elif tensor.dtype.kind == "f":
            with np.errstate(over="ignore"):  # what is beyond float32 is named where it would be used
                found[name] = np.asarray(tensor, np.float32)
            if tensor.dtype.newbyteorder("=") != np.float32:
                converted[tensor.dtype.name] += 1
        else:
            raise InputError(f"{path}: {shortened(name)} is {tensor.dtype}; expected floats, as weights are.")
    if not found:
        raise InputError(f"{path}: holds no weights.")
    notes = [
        f"{counted(count, 'tensor')} of {dtype} became float32" + (", rounded" if dtype == "float64" else "")
        for dtype, count in converted.items()
    ]
    return found, notes
