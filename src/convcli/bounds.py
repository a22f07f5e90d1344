"""How much foreign bytes may ask for, whoever wrote them: checked before any memory is allocated."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from convcli.errors import ConfigError, InputError
from convcli.wording import shortened

MAX_PIXELS = 2**26
"""The pixels of an image that is opened, unless more are allowed: 67 million, as 8192 × 8192.

Opening takes up to 16 bytes a pixel (WebP; other formats 4 to 12), so a gigabyte is enough for any file.
A WebP of 38 bytes may unfold to four times as many pixels, a PNG of some megabytes to billions.
"""

CONFIG_BYTES = 1 << 20
DEEPEST = 16  # levels of tables and arrays
MOST_VALUES = 50_000  # in all of them

# Packed data may grow to so many bytes, or to so many times its size. gzip and zip could reach 1,032 times
# (https://zlib.net/zlib_tech.html), which no picture of anything does.
UNASKED_BYTES = 16 << 20
MOST_GROWTH = 100


def most_unpacked(packed: int) -> int:
    """Return how many bytes may come out of so many packed ones.

    >>> most_unpacked(1_000), most_unpacked(1_000_000)
    (16777216, 100000000)
    """
    return max(UNASKED_BYTES, MOST_GROWTH * packed)


def check_memory(name: str, needed: int, *, advice: str) -> None:
    """Raise InputError if what is in `name` needs more bytes than this machine has."""
    machine = machine_bytes()
    if needed > machine:
        raise InputError(
            f"{name}: it needs {needed / 2**30:,.1f} GiB of memory, this machine has {machine / 2**30:,.1f}. "
            f"{advice}"
        )


def machine_bytes() -> int:
    """Return this machine's memory; the largest number there is where the system does not tell."""
    if not hasattr(os, "sysconf"):  # Windows; NumPy then says itself what does not fit
        return sys.maxsize
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_document(document: Mapping[str, Any], where: str) -> None:
    """Raise ConfigError for integers beyond TOML's 64 bits, for too many values and too deep nesting.

    `where` names the file. What has passed can be walked through recursively, multiplied and printed.
    """
    level: list[tuple[str, Any]] = [("", document)]
    count = 0
    for _ in range(DEEPEST):
        level = [item for path, value in level for item in _inner(path, value)]
        count += len(level)
        if count > MOST_VALUES:
            raise ConfigError(f"{where}: it holds more than {MOST_VALUES:,} values.")
        for path, value in level:
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise ConfigError(
                    f"{where}: {shortened(path)}: this integer is too large; those of TOML have 64 bits."
                )
        if not level:
            return
    raise ConfigError(
        f"{where}: {shortened(level[0][0])}: tables or arrays are nested more than {DEEPEST} deep."
    )


def _inner(path: str, value: object) -> Iterable[tuple[str, Any]]:
    """Return what stands in a table or an array, each with its place."""
    if isinstance(value, Mapping):
        return [(f"{path}.{key}".lstrip("."), item) for key, item in value.items()]
    if isinstance(value, list):
        return [(f"{path}.{number}", item) for number, item in enumerate(value, 1)]
    return ()
