"""The size formula: one formula in one function, used by everything that slides a window.

    out = floor((n + p_before + p_after − d(f−1) − 1) / s) + 1

n is the input's size, f the window's, p the padding, s the stride, d the dilation. In ceil mode it rounds up,
but counts no window that would begin behind the plane and the padding before it.
Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, arXiv:1603.07285.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import index
from typing import Self, TypeAlias

from convcli.errors import ShapeError
from convcli.wording import counted, shortened

Pair: TypeAlias = tuple[int, int]
IntOrPair: TypeAlias = int | Sequence[int]
Sides: TypeAlias = tuple[Pair, Pair]
Padding: TypeAlias = str | int | Sequence[int] | Sequence[Sequence[int]]

NAMED_PADDINGS = ("valid", "same", "full")
AXES = ("rows", "columns")
LARGEST = 2**63 - 1  # as an index is in memory; beyond it, products are no longer floats


def pair(value: IntOrPair, name: str, *, least: int = 1) -> Pair:
    """Return `value` as (rows, columns).

    Raises
    ------
    ShapeError
        If `value` is not one or two integers, or one of them is below `least` or beyond 64 bits.

    Examples
    --------
    >>> pair(3, "kernel"), pair((3, 5), "kernel")
    ((3, 3), (3, 5))
    """
    numbers = value if isinstance(value, Sequence) else (value, value)
    if isinstance(value, str) or len(numbers) != 2 or not all(_is_int(number) for number in numbers):
        raise ShapeError(f"{name} must be an integer or (rows, columns), not {value!r}.")
    rows, columns = (int(number) for number in numbers)
    if min(rows, columns) < least or max(rows, columns) > LARGEST:
        bound = f"at least {least}" if min(rows, columns) < least else "less than 2^63"
        raise ShapeError(f"{name} must be {bound}, not {shortened(repr(value))}.")
    return rows, columns


def _is_int(value: object) -> bool:
    try:
        index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(value, bool)


def checked_count(value: object, name: str) -> int:
    """Return `value` as an int of at least 1, or raise ShapeError.

    >>> checked_count(3, "groups")
    3
    """
    if not _is_int(value) or index(value) < 1:  # type: ignore[arg-type]
        raise ShapeError(f"{name} must be an integer of at least 1, not {value!r}.")
    return index(value)  # type: ignore[arg-type]


def axis_padding(padding: str | int | Sequence[int], f: int, dilation: int = 1) -> Pair:
    """Return the padding (before, after) of one axis.

    `valid` adds nothing; `same` adds d(f−1) in all, the smaller half before; `full` adds d(f−1) on both
    sides; an integer adds itself on both sides.

    Examples
    --------
    >>> axis_padding("same", 3), axis_padding("same", 4), axis_padding("full", 3)
    ((1, 1), (1, 2), (2, 2))
    """
    reach = dilation * (f - 1)
    if isinstance(padding, str):
        if padding not in NAMED_PADDINGS:
            raise ShapeError(f"padding must be valid, same, full, or integers, not {padding!r}.")
        return {"valid": (0, 0), "same": (reach // 2, reach - reach // 2), "full": (reach, reach)}[padding]
    return pair(padding, "padding", least=0)


def output_size(
    n: int,
    f: int,
    *,
    padding: str | int | Sequence[int] = 0,
    stride: int = 1,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Return how many windows of size `f` fit along an axis of size `n`.

    Parameters
    ----------
    n, f
        Sizes of the input and of the window.
    padding
        "valid", "same", "full", an integer for both ends, or (before, after).
    stride, dilation
        Step between windows; distance between neighbouring cells of one window.
    ceil_mode
        Whether a last window counts that hangs over the end, as long as it begins before it, as pools of
        PyTorch, ONNX and Caffe have it.

    Raises
    ------
    ShapeError
        If a number is out of range or not even one window fits.

    Examples
    --------
    >>> output_size(6, 3), output_size(6, 3, padding=1, stride=2), output_size(7, 3, padding="same", stride=2)
    (4, 3, 4)
    >>> output_size(6, 3, stride=2), output_size(6, 3, stride=2, ceil_mode=True)
    (2, 3)
    """
    for name, value in (("n", n), ("f", f), ("stride", stride), ("dilation", dilation)):
        checked_count(value, name)
    before, after = axis_padding(padding, f, dilation)
    room = n + before + after - dilation * (f - 1) - 1
    steps = -(-room // stride) if ceil_mode else room // stride
    if steps < 0:
        span = dilation * (f - 1) + 1
        raise ShapeError(
            f"A window spanning {counted(span, 'cell')} does not fit {counted(n, 'cell')} "
            f"with padding {before} + {after}: use a smaller window, a larger input, or padding of at least "
            f"{span - n} in all."
        )
    begins_behind = ceil_mode and steps * stride >= n + before
    return steps if begins_behind else steps + 1


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides over a plane; every argument normalised once, here.

    Attributes
    ----------
    size, stride, dilation
        (rows, columns).
    padding
        ((top, bottom), (left, right)).
    ceil_mode
        Whether a last window counts that hangs over the end. Only pools have it.
    """

    size: Pair
    stride: Pair
    padding: Sides
    dilation: Pair
    ceil_mode: bool = False

    @classmethod
    def of(
        cls,
        size: IntOrPair,
        *,
        stride: IntOrPair = 1,
        padding: Padding = "valid",
        dilation: IntOrPair = 1,
        ceil_mode: bool = False,
    ) -> Self:
        """Return the window that these arguments describe, each but `ceil_mode` an int or (rows, columns).

        Raises
        ------
        ShapeError
            If an argument has the wrong form or is out of range.
        """
        sizes, dilations = pair(size, "kernel size"), pair(dilation, "dilation")
        per_axis: Sequence[str | int | Sequence[int]]
        if isinstance(padding, str) or _is_int(padding):
            per_axis = (padding, padding)  # type: ignore[assignment]
        elif isinstance(padding, Sequence) and len(padding) == 2:
            per_axis = padding
        else:
            raise ShapeError(
                "padding must be valid, same, full, an integer, (rows, columns) or "
                f"((top, bottom), (left, right)), not {padding!r}."
            )
        sides = tuple(axis_padding(p, f, d) for p, f, d in zip(per_axis, sizes, dilations, strict=True))
        return cls(sizes, pair(stride, "stride"), (sides[0], sides[1]), dilations, ceil_mode)

    @property
    def span(self) -> Pair:
        """Rows and columns from the window's first cell to its last: d(f−1) + 1."""
        (f_h, f_w), (d_h, d_w) = self.size, self.dilation
        return d_h * (f_h - 1) + 1, d_w * (f_w - 1) + 1

    def output_shape(self, plane: Pair) -> Pair:
        """Return (rows, columns) of the windows' positions on a plane of (rows, columns).

        Raises
        ------
        ShapeError
            If not even one window fits.
        """
        return _output_shape(self, plane)

    def checked_shape(self, plane: Pair) -> Pair:
        """Return the same, computed anew."""
        options = zip(plane, self.size, self.padding, self.stride, self.dilation, strict=True)
        rows, columns = (
            output_size(n, f, padding=p, stride=s, dilation=d, ceil_mode=self.ceil_mode)
            for n, f, p, s, d in options
        )
        return rows, columns

    def remainder(self, plane: Pair) -> Pair:
        """Return how many padded rows and columns at the end no window reaches: (n + 2p − f) mod s.

        Below 0 that is how many the last window hangs over.
        """
        rows, columns = (
            n + before + after - span - (out - 1) * s
            for n, (before, after), span, s, out in zip(
                plane, self.padding, self.span, self.stride, self.output_shape(plane), strict=True
            )
        )
        return rows, columns


@lru_cache(maxsize=1024)  # training asks for the same few, many times a step
def _output_shape(window: Window, plane: Pair) -> Pair:
    return window.checked_shape(plane)


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What one cell of a layer's output sees of the network's input.

    Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill,
    2019.

    Attributes
    ----------
    size
        Its rows and columns.
    jump
        How far two neighbouring cells' fields lie apart.
    start
        The first row and column that the output's first cell sees, counted from 0; below 0 where that is
        padding.

    Examples
    --------
    >>> ReceptiveField().through(Window.of(3)).through(Window.of(2, stride=2)).through(Window.of(3))
    ReceptiveField(size=(8, 8), jump=(2, 2), start=(0, 0))
    >>> ReceptiveField().through(Window.of(3, padding="same")).centre
    (0.0, 0.0)
    """

    size: Pair = (1, 1)
    jump: Pair = (1, 1)
    start: Pair = (0, 0)

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column in the middle of what the output's first cell sees; halves lie between two cells."""
        rows, columns = (start + (size - 1) / 2 for start, size in zip(self.start, self.size, strict=True))
        return rows, columns

    def through(self, window: Window) -> ReceptiveField:
        """Return the field after one more layer that slides `window`."""
        (size_h, size_w), (jump_h, jump_w), (start_h, start_w) = self.size, self.jump, self.start
        (span_h, span_w), (s_h, s_w), ((top, _), (left, _)) = window.span, window.stride, window.padding
        return ReceptiveField(
            (size_h + (span_h - 1) * jump_h, size_w + (span_w - 1) * jump_w),
            (jump_h * s_h, jump_w * s_w),
            (start_h - top * jump_h, start_w - left * jump_w),
        )


def joined(fields: Sequence[ReceptiveField | None]) -> ReceptiveField | None:
    """Return what a cell sees that is made of one from each of several planes, which see `fields`.

    None where that differs from cell to cell.

    >>> joined([ReceptiveField(), ReceptiveField((3, 5), (1, 1), (-1, 0))])
    ReceptiveField(size=(3, 5), jump=(1, 1), start=(-1, 0))
    """
    known = [field for field in fields if field is not None]
    if len(known) < len(fields) or len({field.jump for field in known}) != 1:
        return None
    by_axis = [[(f.start[axis], f.start[axis] + f.size[axis]) for f in known] for axis in (0, 1)]
    (top, bottom), (left, right) = (
        (min(first for first, _ in ends), max(behind for _, behind in ends)) for ends in by_axis
    )
    return ReceptiveField((bottom - top, right - left), known[0].jump, (top, left))
