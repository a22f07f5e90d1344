"""The size formula turned round: which padding, stride, window or dilation gives an output of a wanted size.

In each unknown the size only ever grows or only ever shrinks, so the answers are a run of whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from convcli.errors import ShapeError
from convcli.shapes.transposed import Transposed
from convcli.shapes.window import Window, axis_padding, output_size, pair


class Unknown(StrEnum):
    """What the formula can be solved for: padding, stride, the window's size, or its dilation."""

    p = "p"
    s = "s"
    f = "f"
    d = "d"


FAR = 1 << 40  # a value that no size reaches: what holds there holds for ever


@dataclass(frozen=True, slots=True)
class Given:
    """One axis of a sliding window; the unknown's own value is not looked at.

    Attributes
    ----------
    n, f, padding, s, d
        The letters of the formula.
    ceil_mode
        Whether a last window may hang over the end, as those of pools.
    transposed
        Whether the window is used backwards; `output_padding` is added then.
    """

    n: int
    f: int = 1
    padding: str | int | tuple[int, int] = 0
    s: int = 1
    d: int = 1
    ceil_mode: bool = False
    transposed: bool = False
    output_padding: int = 0

    def with_value(self, unknown: Unknown, value: int) -> Given:
        """Return the axis with another value for one letter.

        >>> Given(28, f=5).with_value(Unknown.p, 2)
        Given(n=28, f=5, padding=2, s=1, d=1, ceil_mode=False, transposed=False, output_padding=0)
        """
        match unknown:
            case Unknown.p:
                return replace(self, padding=value)
            case Unknown.s:
                return replace(self, s=value)
            case Unknown.f:
                return replace(self, f=value)
            case Unknown.d:
                return replace(self, d=value)

    @property
    def size(self) -> int:
        """How many cells come out.

        Raises
        ------
        ShapeError
            If no window fits, or a number is out of range.
        """
        if not self.transposed:
            return output_size(
                self.n, self.f, padding=self.padding, stride=self.s, dilation=self.d, ceil_mode=self.ceil_mode
            )
        sides = axis_padding(self.padding, self.f, self.d)
        window = Window.of(self.f, stride=self.s, padding=(sides, sides), dilation=self.d)
        extra = (self.output_padding, self.output_padding)
        return Transposed(window, extra).output_shape((self.n, self.n))[0]


@dataclass(frozen=True, slots=True)
class Answers:
    """All values of the unknown that give the wanted size.

    Attributes
    ----------
    first, last
        The smallest and largest; `last` is None if there is no largest, both are None if there is none.
    near
        Where there is none: (value, the size it gives) of the values that come nearest.
    uneven
        Where no padding is the same on both sides: one (before, after) that gives the size.
    """

    unknown: Unknown
    wanted: int
    first: int | None
    last: int | None
    near: tuple[tuple[int, int], ...] = ()
    uneven: tuple[int, int] | None = None

    @property
    def found(self) -> bool:
        """Whether there is an answer."""
        return self.first is not None


def solve(unknown: Unknown, axis: Given, wanted: int) -> Answers:
    """Return every value of `unknown` with which `axis` has `wanted` windows.

    Raises
    ------
    ShapeError
        If a number is out of range.

    Examples
    --------
    >>> answers = solve(Unknown.p, Given(28, f=5, s=2), 14)
    >>> answers.first, answers.last
    (2, 2)
    >>> solve(Unknown.s, Given(28, f=3, padding="same"), 20).near
    ((1, 28), (2, 14))
    """
    pair(wanted, "the wanted output")
    for name, value in (("n", axis.n), ("f", axis.f), ("stride", axis.s), ("dilation", axis.d)):
        pair(value, name)
    axis_padding(axis.padding, axis.f, axis.d)
    least = 0 if unknown is Unknown.p else 1

    def size(value: int) -> int:
        return _size(unknown, axis, value)

    grows = size(FAR) >= size(least)
    first = _first(lambda value: size(value) >= wanted if grows else size(value) <= wanted, least)
    beyond = _first(lambda value: size(value) > wanted if grows else size(value) < wanted, least)
    if first is not None and size(first) == wanted:
        return Answers(unknown, wanted, first, None if beyond is None else beyond - 1)
    edge = least if first is None else first  # none at all: the size is the same everywhere
    values = [value for value in (edge - 1, edge) if value >= least]
    near = tuple((value, size(value)) for value in values if size(value))
    return Answers(unknown, wanted, None, None, near, _uneven(axis, wanted) if unknown is Unknown.p else None)


def _size(unknown: Unknown, axis: Given, value: int) -> int:
    """Return the output's size with `value` for the unknown, 0 where no window fits."""
    try:
        return axis.with_value(unknown, value).size
    except ShapeError:
        return 0


def _first(holds: Callable[[int], bool], least: int) -> int | None:
    """Return the smallest value from `least` on for which `holds`, which then holds for all larger ones."""
    if not holds(FAR):
        return None
    low, high = least, FAR
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _uneven(axis: Given, wanted: int) -> tuple[int, int] | None:
    """Return the least padding (before, after), the smaller half before, that gives the wanted size."""
    span = axis.d * (axis.f - 1) + 1
    total = (wanted - 1) * axis.s + span - axis.n
    if axis.transposed:
        total = (axis.n - 1) * axis.s + span + axis.output_padding - wanted
    return (total // 2, total - total // 2) if total >= 0 else None
