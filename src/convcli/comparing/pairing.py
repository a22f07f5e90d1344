"""Two images as pairs of planes with one unit: what has to be converted for it is said, the rest refused."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import ShapeError, UsageError
from convcli.images import Image

Plane = NDArray[Any]

NAMES = {1: ("grey",), 3: ("red", "green", "blue")}
ALPHA = "alpha"


@dataclass(frozen=True, eq=False)
class Channel:
    """The same channel of both images: (h, w) each, of one dtype."""

    name: str
    first: Plane
    second: Plane


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images of one size and kind.

    Attributes
    ----------
    channels
        Grey, or red, green and blue, or as many as there are; alpha last, if one of them has it.
    dtype
        Of the values that are compared.
    white
        The data range: what PSNR and SSIM hold differences against, in the units of the values.
    notes
        What was converted.
    """

    channels: tuple[Channel, ...]
    dtype: np.dtype[Any]
    white: float
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.channels[0].first.shape
        return rows, columns


def paired(first: Image, second: Image, names: tuple[str, str], white: float | None = None) -> Pair:
    """Return two images as pairs of planes; `names` are what messages call them.

    `white` is the data range; without it, that of the dtype: the largest integer of unsigned ones, the span
    of signed ones, 1 of floats.

    Raises
    ------
    ShapeError
        If they differ in size, or have channels that do not answer to each other.
    UsageError
        If their dtypes have no scale in common.
    """
    sizes = [image.pixels.shape[:2] for image in (first, second)]
    if sizes[0] != sizes[1]:
        found = " and ".join(
            f"{name} is {h} high and {w} wide" for name, (h, w) in zip(names, sizes, strict=True)
        )
        raise ShapeError(f"Expected two images of one size; {found}. Crop or resize one of them.")
    notes: list[str] = []
    a, b = _colours(first.pixels, second.pixels, names, notes)
    a, b = _one_unit(a, b, names, notes)
    dtype = a[0].dtype
    whole = full_range(dtype)
    channels = list(zip(NAMES.get(len(a), tuple(map(str, range(1, len(a) + 1)))), a, b, strict=True))
    if first.alpha is not None or second.alpha is not None:
        for image, name in zip((first, second), names, strict=True):
            if image.alpha is None:
                notes.append(f"{name} has no alpha; it is compared as opaque")
        alphas = [_alpha(image, dtype, whole) for image in (first, second)]
        channels.append((ALPHA, alphas[0], alphas[1]))
    notes += _unheeded(first, second, names)
    return Pair(tuple(Channel(*one) for one in channels), dtype, white or whole, tuple(notes))


_COLOURS = (b"gAMA", b"cHRM", b"cICP")  # sRGB says what is taken for granted
_SAID_BY_NONE = {  # and these are its numbers, which ImageMagick writes into every file
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
}


def _unheeded(first: Image, second: Image, names: tuple[str, str]) -> list[str]:
    """Return what the files say of their values and is not heeded: colour profiles, values of no data."""
    notes = []
    if first.metadata.icc_profile != second.metadata.icc_profile:
        notes.append("their colour profiles differ; the values are compared as they are stored")
    chunks = [_SAID_BY_NONE | dict(image.metadata.colour) for image in (first, second)]
    differing = [name.decode() for name in _COLOURS if chunks[0].get(name) != chunks[1].get(name)]
    if differing:
        notes.append(
            f"what they say of colours ({', '.join(differing)}) differs; the values are compared as they are "
            "stored"
        )
    for image, name in zip((first, second), names, strict=True):
        if image.nodata is not None:
            notes.append(f"{name} says that {image.nodata:g} is no data; it is compared as any other value")
    return notes


def full_range(dtype: np.dtype[Any]) -> float:
    """Return the data range of a dtype.

    >>> full_range(np.dtype("uint8")), full_range(np.dtype("int16")), full_range(np.dtype("float32"))
    (255.0, 65535.0, 1.0)
    """
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max) - float(np.iinfo(dtype).min)


def _colours(
    first: Plane, second: Plane, names: tuple[str, str], notes: list[str]
) -> tuple[list[Plane], list[Plane]]:
    """Return the planes of both; grey stands for red, green and blue alike."""
    planes = [[p] if p.ndim == 2 else [p[:, :, c] for c in range(p.shape[2])] for p in (first, second)]
    counts = [len(one) for one in planes]
    if counts[0] != counts[1]:
        if sorted(counts) != [1, 3]:
            raise ShapeError(
                f"Expected two images of the same channels; {names[0]} has {counts[0]}, {names[1]} has "
                f"{counts[1]}. Grey and RGB can be compared; others have to be brought to one kind first."
            )
        grey = counts.index(1)
        planes[grey] *= 3
        notes.append(f"{names[grey]} is grey; it is compared as RGB of three equal channels")
    return planes[0], planes[1]


def _one_unit(
    first: list[Plane], second: list[Plane], names: tuple[str, str], notes: list[str]
) -> tuple[list[Plane], list[Plane]]:
    """Return the planes with one dtype: 8 bits as 16, unsigned integers as shares of white beside floats."""
    dtypes = [first[0].dtype.newbyteorder("="), second[0].dtype.newbyteorder("=")]
    if dtypes[0] == dtypes[1]:
        return first, second
    kinds = [dtype.kind for dtype in dtypes]
    if {dtype.name for dtype in dtypes} == {"uint8", "uint16"}:
        small = [dtype.itemsize for dtype in dtypes].index(1)
        sides = [first, second]
        sides[small] = _mapped(sides[small], lambda plane: plane.astype(np.uint16) * np.uint16(257))
        notes.append(f"{names[small]} has 8 bits; its values are taken × 257, in 16")
        return sides[0], sides[1]
    if kinds == ["f", "f"]:
        return _mapped(first, np.float64), _mapped(second, np.float64)
    if sorted(kinds) == ["f", "u"]:
        whole = kinds.index("u")
        sides = [first, second]
        most = full_range(dtypes[whole])
        sides[whole] = _mapped(sides[whole], lambda plane: plane / most)
        sides[1 - whole] = _mapped(sides[1 - whole], np.float64)
        notes.append(f"{names[whole]} is {dtypes[whole]}; its values are taken / {most:.0f}, as floats")
        return sides[0], sides[1]
    raise UsageError(
        f"{names[0]} is {dtypes[0]}, {names[1]} is {dtypes[1]}: they have no scale in common. Convert one of "
        "them first."
    )


def _mapped(planes: list[Plane], function: Any) -> list[Plane]:
    """Return planes as a function or dtype makes them; the same plane several times stays one."""
    made: dict[int, Plane] = {}
    for plane in planes:
        if id(plane) not in made:
            made[id(plane)] = plane.astype(function) if isinstance(function, type) else function(plane)
    return [made[id(plane)] for plane in planes]


def _alpha(image: Image, dtype: np.dtype[Any], white: float) -> Plane:
    """Return an image's alpha in the units of its pixels; opaque where it has none."""
    alpha = image.alpha
    if alpha is None:
        return np.broadcast_to(np.array(white, dtype if white <= _most(dtype) else np.float64), _size(image))
    if alpha.dtype == dtype:
        return alpha
    most = 1.0 if alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)
    scaled = alpha * (white / most)
    return scaled.astype(dtype) if dtype.kind == "u" else scaled


def _most(dtype: np.dtype[Any]) -> float:
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def _size(image: Image) -> tuple[int, int]:
    rows, columns = image.pixels.shape[:2]
    return rows, columns
