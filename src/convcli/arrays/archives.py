"""An array of an .npz archive, of which no more is unpacked than its bytes may ask for."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

from numpy.lib import format as npy
from numpy.typing import NDArray

from convcli.bounds import check_memory, most_unpacked
from convcli.errors import InputError
from convcli.formats.npy import npy_header
from convcli.wording import listed, shortened, shown

SMALLER = "Save fewer numbers."


def check_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, length: int, *, advice: str = SMALLER
) -> tuple[int, ...]:
    """Return an array's shape, or raise if an archive of `length` bytes cannot hold what it announces.

    Raises
    ------
    InputError
        If it is packed otherwise than plain or deflated, holds Python objects, or announces too much.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{name}: expected plain or deflated data. Save it with numpy.savez_compressed.")
    with archive.open(member) as stream:
        shape, dtype = npy_header(stream)
    if dtype.hasobject:
        raise InputError(
            f"{name}: holds Python objects ({dtype}), which convcli never unpickles. Save numbers or text: "
            "numpy.asarray(values, dtype=…)."
        )
    announced = math.prod(shape) * dtype.itemsize
    if announced > member.file_size:
        raise InputError(
            f"{name}: its header announces {announced:,} bytes, the archive holds {member.file_size:,}. "
            "Save it again."
        )
    packed = min(member.compress_size, length)
    if announced > most_unpacked(packed):
        raise InputError(
            f"{name}: its header announces {announced:,} bytes, packed in {packed:,}; no more than "
            f"{most_unpacked(packed):,} are unpacked. If it is what you want, save it with numpy.savez."
        )
    check_memory(name, announced, advice=advice)
    return shape


def read_npz(
    stream: BinaryIO, name: str | None, where: str, check: Callable[[tuple[int, ...]], None]
) -> tuple[NDArray[Any], str]:
    """Return one array of an archive and its name: the one that is named, or the only one.

    Raises
    ------
    UsageError
        Whatever `check` raises of its shape.
    InputError
        If it is no archive, several are there and none is named, or none has the name.
    """
    length = stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a header that Python 2 wrote is fine
        members = {one.filename.removesuffix(".npy"): one for one in archive.infolist() if not one.is_dir()}
        names = [shortened(shown(one)) for one in members]
        if len(archive.namelist()) > len({*archive.namelist()}):
            raise InputError(f"{where}: there are two arrays of one name. Save it again.")
        if not members:
            raise InputError(f"{where}: the archive holds no array. Save it with numpy.savez(path, x=…).")
        if name is None and len(members) > 1:
            example = f"{where.rpartition(': ')[2]}#{names[0]}"
            raise InputError(
                f"{where}: holds {len(members)} arrays ({listed(names)}); name one, such as {example}."
            )
        chosen = next(iter(members)) if name is None else name
        if chosen not in members:
            raise InputError(f"{where}: has no array {shortened(chosen)!r}; it holds {listed(names)}.")
        member = members[chosen]
        check(check_member(archive, member, f"{where} ({shown(chosen)})", length))
        with archive.open(member) as packed:
            array: NDArray[Any] = npy.read_array(packed, allow_pickle=False)
    return array, chosen
