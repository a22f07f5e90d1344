"""How stored values stand for light: the tone curve of sRGB, of a PNG file's chunks, or of a colour profile.

Stored and light alike from 0 to 1; below 0 a curve is mirrored, above 1 it goes on.

Source: IEC 61966-2-1 (sRGB); ICC.1:2022, sections 10.6 (curveType) and 10.18 (parametricCurveType); PNG
(W3C, third edition), sections 11.3.2 (gAMA, sRGB, cICP); ITU-T H.273, table 3 (transfer characteristics).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.image import Metadata
from convcli.images.metadata import is_profile

Values = NDArray[Any]


class Curve(Protocol):
    """A tone curve."""

    def decoded(self, values: Values) -> Values:
        """Return light, 0 … 1, of stored values, 0 … 1."""

    def encoded(self, light: Values) -> Values:
        """Return stored values of light."""


@dataclass(frozen=True)
class Parametric:
    """(a x + b)^g + c from x = d on, e x + f below: ICC's, of which all others here are cases."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def decoded(self, values: Values) -> Values:
        size = np.abs(values)
        with np.errstate(invalid="ignore"):
            upper = np.power(np.maximum(self.a * size + self.b, 0), self.g) + self.c
        return np.copysign(np.where(size >= self.d, upper, self.e * size + self.f), values)

    def encoded(self, light: Values) -> Values:
        size = np.abs(light)
        knee = max(self.a * self.d + self.b, 0) ** self.g + self.c
        upper = (np.power(np.maximum(size - self.c, 0), 1 / self.g) - self.b) / self.a
        lower = (size - self.f) / self.e if self.e else np.full_like(size, self.d)
        return np.copysign(np.where(size >= knee, upper, np.maximum(lower, 0)), light)


@dataclass(frozen=True, eq=False)
class Table:
    """Values in equal steps, between which lines are drawn; it ends at 1."""

    light: Values

    def decoded(self, values: Values) -> Values:
        places = np.linspace(0, 1, len(self.light))
        return np.copysign(np.interp(np.abs(values), places, self.light), values)

    def encoded(self, light: Values) -> Values:
        places = np.linspace(0, 1, len(self.light))
        return np.copysign(np.interp(np.abs(light), self.light, places), light)


SRGB = Parametric(2.4, 1 / 1.055, 0.055 / 1.055, 0.0, 0.04045, 1 / 12.92)
LINEAR = Parametric(1.0)
BT709 = Parametric(1 / 0.45, 1 / 1.099, 0.099 / 1.099, 0.0, 0.081, 1 / 4.5)
_CICP = {
    1: BT709,
    6: BT709,
    14: BT709,
    15: BT709,
    4: Parametric(2.2),
    5: Parametric(2.8),
    8: LINEAR,
    13: SRGB,
}


def curves_of(metadata: Metadata) -> Sequence[Curve]:
    """Return the tone curve of each channel (one for grey or all, or three), sRGB's where nothing is said.

    Raises
    ------
    InputError
        If what is said is no curve of each channel: a table of colours, or one of film.
    """
    if metadata.icc_profile:
        return _of_profile(metadata.icc_profile)
    chunks = dict(metadata.colour)
    if (code := chunks.get(b"cICP")) is not None:
        if len(code) < 2 or code[1] not in _CICP:
            raise InputError("its colours are coded for film (cICP), which linear light does not know here.")
        return (_CICP[code[1]],)
    if b"sRGB" not in chunks and len(gamma := chunks.get(b"gAMA", b"")) == 4:
        stored = int.from_bytes(gamma, "big")
        if stored and stored != 45455:  # 1/2.2, which stands for sRGB
            return (Parametric(100_000 / stored),)
    return (SRGB,)


def _of_profile(profile: bytes) -> Sequence[Curve]:
    """Return the curves of a profile's tags rTRC, gTRC and bTRC, or kTRC."""
    if not is_profile(profile):
        raise InputError("its colour profile is damaged; --linear cannot go by it.")
    count = int.from_bytes(profile[128:132], "big")
    tags = {}
    for place in range(132, min(132 + 12 * count, len(profile) - 11), 12):
        name, start, size = struct.unpack(">4sII", profile[place : place + 12])
        tags[name] = profile[start : start + size]
    names = [b"kTRC"] if profile[16:20] == b"GRAY" else [b"rTRC", b"gTRC", b"bTRC"]
    if not all(name in tags for name in names):
        raise InputError(
            "its colour profile has a table of colours in the place of tone curves; convert it to sRGB first."
        )
    return [_curve(tags[name]) for name in names]


def _curve(tag: bytes) -> Curve:
    kind, rest = tag[:4], tag[8:]
    if kind == b"curv" and len(rest) >= 4:
        count = int.from_bytes(rest[:4], "big")
        values = np.frombuffer(rest[4 : 4 + 2 * count], ">u2")
        if count == 0:
            return LINEAR
        if count == 1 and len(values) == 1 and values[0]:
            return Parametric(float(values[0]) / 256)
        if len(values) == count and (np.diff(values.astype(np.int64)) >= 0).all() and values[-1]:
            return Table(values / 65535.0)
    if kind == b"para" and len(rest) >= 8:
        function = int.from_bytes(rest[:2], "big")
        count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(function, 0)
        if count and len(rest) >= 4 + 4 * count:
            numbers = [number / 65536 for number in struct.unpack(f">{count}i", rest[4 : 4 + 4 * count])]
            if found := _parametric(function, numbers):
                return found
    raise InputError("its colour profile's tone curves are damaged, or fall; --linear cannot go by them.")


def _parametric(function: int, numbers: Sequence[float]) -> Parametric | None:
    g, *rest = numbers
    if g <= 0 or (rest and rest[0] <= 0):
        return None
    if function == 0:
        return Parametric(g)
    a, b, *rest = rest
    if function == 1:
        return Parametric(g, a, b, 0, -b / a)
    if function == 2:
        return Parametric(g, a, b, rest[0], -b / a, 0, rest[0])
    c, d = rest[0], rest[1]
    if function == 3:
        return Parametric(g, a, b, 0, d, c)
    return Parametric(g, a, b, rest[2], d, c, rest[3])
