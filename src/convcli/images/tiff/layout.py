"""How the samples of a TIFF file lie in it: strips or tiles, planes, bits, none larger than allowed.

Source: TIFF 6.0 (Adobe, 1992), sections 2 and 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convcli.errors import InputError
from convcli.images.bounds import check_pixels, too_large
from convcli.images.tiff.directory import MOST_BITS, Directory, Tag

MOST_SEGMENTS = 2**18  # strips or tiles: each takes some microseconds
BYTES_A_PIXEL = 16
"""Of all samples together, for the most pixels that are opened: more take fewer pixels."""


@dataclass(frozen=True, eq=False)
class Layout:
    """How a picture's samples lie in the file.

    Attributes
    ----------
    samples, bits, kind
        Samples of a pixel, the bits of each, and what they are: "u", "i" or "f".
    planes
        1, or `samples` where each has strips of its own.
    rows, columns
        Of a strip or a tile.
    """

    height: int
    width: int
    samples: int
    bits: int
    kind: str
    order: str
    planes: int
    rows: int
    columns: int
    tiled: bool
    offsets: Sequence[int]
    sizes: Sequence[int]
    compression: int
    predictor: int
    fill_order: int
    photometric: int
    extra: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a strip or tile."""
        return -(-self.columns * (self.samples // self.planes) * self.bits // 8)


def layout_of(directory: Directory, most: int) -> Layout:
    """Return how the samples lie, none larger than allowed.

    Raises
    ------
    InputError
        If the tags contradict each other, or there are more pixels than `most`.
    """
    where = directory.where
    height, width = directory.number(Tag.LENGTH, 0), directory.number(Tag.WIDTH, 0)
    if height <= 0 or width <= 0:
        raise InputError(f"{where}: the image is damaged or cut short ({height} × {width} pixels).")
    check_pixels(height, width, most, where)
    samples, bits, kind = _samples(directory)
    tiled, rows, columns = _segment(directory, height, width, most)
    stored = 2 ** max(3, (bits - 1).bit_length()) // 8
    if max(height * width, rows * columns) * samples * stored > BYTES_A_PIXEL * most:
        raise too_large(f"{where}: {height:,} × {width:,} pixels of {samples} × {bits} bits", most)
    planes = samples if directory.number(Tag.PLANAR, 1) == 2 else 1
    count = -(-height // rows) * -(-width // columns) * planes
    if count > MOST_SEGMENTS:
        raise InputError(
            f"{where}: {count:,} strips or tiles are more than the {MOST_SEGMENTS:,} that are read."
        )
    offsets, sizes = _places(directory, count)
    return Layout(
        height,
        width,
        samples,
        bits,
        kind,
        directory.order,
        planes,
        rows,
        columns,
        tiled,
        offsets,
        sizes,
        directory.number(Tag.COMPRESSION, 1),
        directory.number(Tag.PREDICTOR, 1),
        directory.number(Tag.FILL_ORDER, 1),
        directory.number(Tag.PHOTOMETRIC, 1),
        directory.numbers(Tag.EXTRA_SAMPLES),
    )


def _samples(directory: Directory) -> tuple[int, int, str]:
    """Return how many samples a pixel has, the bits of each, and what they are, as `Layout` has it."""
    where = directory.where
    samples = directory.number(Tag.SAMPLES, 1)
    bits = _one(directory, Tag.BITS, samples, 1, "bits")
    sample_format = _one(directory, Tag.SAMPLE_FORMAT, samples, 1, "format")
    kind = {0: "u", 1: "u", 2: "i", 3: "f", 4: "u", 5: "complex", 6: "complex"}.get(sample_format)
    if kind is None:
        raise InputError(f"{where}: a TIFF file of samples of kind {sample_format} cannot be read.")
    if kind == "complex":
        raise InputError(f"{where}: a TIFF file of complex numbers; save its real part or magnitude.")
    if not 0 < samples <= MOST_BITS or not 0 < bits <= MOST_BITS:
        raise InputError(f"{where}: a TIFF file of {samples} samples of {bits} bits a pixel cannot be read.")
    return samples, bits, kind


def _segment(directory: Directory, height: int, width: int, most: int) -> tuple[bool, int, int]:
    """Return whether there are tiles, and the rows and columns of a tile or a strip."""
    where = directory.where
    tiled = Tag.TILE_OFFSETS in directory or Tag.TILE_WIDTH in directory
    if tiled:
        rows, columns = directory.number(Tag.TILE_LENGTH, 0), directory.number(Tag.TILE_WIDTH, 0)
        check_pixels(rows, columns, most, f"{where}: its tiles")
    else:
        rows, columns = directory.number(Tag.ROWS_PER_STRIP, height), width
        rows = height if rows < 1 else min(rows, height)
    if rows < 1 or columns < 1:
        raise InputError(f"{where}: the image is damaged or cut short (tiles of {rows} × {columns}).")
    return tiled, rows, columns


def _places(directory: Directory, count: int) -> tuple[list[int], list[int]]:
    """Return where each of `count` strips or tiles begins, and the bytes of those that say how many."""
    offsets = directory.array(Tag.TILE_OFFSETS if Tag.TILE_OFFSETS in directory else Tag.STRIP_OFFSETS)
    sizes = directory.array(Tag.TILE_BYTES if Tag.TILE_BYTES in directory else Tag.STRIP_BYTES)
    if len(offsets) < count:
        raise InputError(
            f"{directory.where}: the image is damaged or cut short (expected {count} strips or tiles, found "
            f"{len(offsets)})."
        )
    return [int(offset) for offset in offsets[:count]], [int(size) for size in sizes[:count]]


def _one(directory: Directory, tag: int, samples: int, otherwise: int, what: str) -> int:
    """Return a number that each sample has, if all have the same."""
    values = directory.numbers(tag)[: max(samples, 1)] or (otherwise,)
    if len(set(values)) > 1:
        found = ", ".join(str(value) for value in values[:8])
        raise InputError(
            f"{directory.where}: samples of one pixel differ in their {what} ({found}); save it with the "
            "same for each."
        )
    return values[0]
