"""The size formulas written out: in letters, and with a window's numbers in them."""

from __future__ import annotations

from collections.abc import Iterable

from convcli.shapes.transposed import Transposed
from convcli.shapes.window import AXES, Pair, Window

SIZE = "⌊(n + p_before + p_after − d(f−1) − 1) / s⌋ + 1"
CEIL_SIZE = "⌈(n + p_before + p_after − d(f−1) − 1) / s⌉ + 1"
SHORT_SIZE = "⌊(n + p_before + p_after − span) / s⌋ + 1, with span = d(f−1) + 1"
SHORT_TRANSPOSED_SIZE = "(n − 1)s + span − p_before − p_after + output_padding"
TRANSPOSED_SIZE = "(n − 1)s − p_before − p_after + d(f−1) + output_padding + 1"


def legend(windows: Iterable[Window | None]) -> str:
    """Return what `short_in_numbers` says in letters, and how it rounds where a window rounds up."""
    rounded_up = any(window is not None and window.ceil_mode for window in windows)
    up = ". ⌈…⌉ rounds up (ceil mode), −1 where the last window would begin behind the image"
    return f"size = {SHORT_SIZE}{up if rounded_up else ''}"


def in_numbers(plane: Pair, window: Window, axis: int) -> str:
    """Return the size formula of one axis with its numbers in it.

    >>> in_numbers((6, 6), Window.of(3, padding=1, stride=2), 0)
    '⌊(6 + 1 + 1 − 1·(3−1) − 1) / 2⌋ + 1 = ⌊5 / 2⌋ + 1 = 3'
    >>> in_numbers((6, 6), Window.of(3, stride=2, ceil_mode=True), 0)
    '⌈(6 + 0 + 0 − 1·(3−1) − 1) / 2⌉ + 1 = ⌈3 / 2⌉ + 1 = 3'
    """
    n, f, s, d = plane[axis], window.size[axis], window.stride[axis], window.dilation[axis]
    before, after = window.padding[axis]
    room = n + before + after - window.span[axis]
    numbers = f"({n} + {before} + {after} − {d}·({f}−1) − 1)"
    left, right, end = _rounding(plane, window, axis)
    return (
        f"{left}{numbers} / {s}{right} {end} = {left}{room} / {s}{right} {end} "
        f"= {window.output_shape(plane)[axis]}"
    )


def _rounding(plane: Pair, window: Window, axis: int) -> tuple[str, str, str]:
    """Return the brackets that say how an axis is rounded, and what is added then."""
    if not window.ceil_mode:
        return "⌊", "⌋", "+ 1"
    s, out = window.stride[axis], window.output_shape(plane)[axis]
    room = plane[axis] + sum(window.padding[axis]) - window.span[axis]
    return "⌈", "⌉", "+ 1" if out == -(-room // s) + 1 else "+ 1 − 1"


def transposed_in_numbers(plane: Pair, transposed: Transposed, axis: int) -> str:
    """Return the size formula of one axis of a transposed convolution with its numbers in it.

    >>> transposed_in_numbers((3, 3), Transposed(Window.of(3, stride=2, padding=1), (1, 1)), 0)
    '(3 − 1)·2 − 1 − 1 + 1·(3−1) + 1 + 1 = 6'
    """
    window, extra = transposed.window, transposed.output_padding[axis]
    n, f, s, d = plane[axis], window.size[axis], window.stride[axis], window.dilation[axis]
    before, after = window.padding[axis]
    size = transposed.output_shape(plane)[axis]
    return f"({n} − 1)·{s} − {before} − {after} + {d}·({f}−1) + {extra} + 1 = {size}"


def by_axis(plane: Pair, window: Window | Transposed) -> dict[str, str]:
    """Return the formula in numbers for rows and for columns."""
    if isinstance(window, Transposed):
        return {name: transposed_in_numbers(plane, window, axis) for axis, name in enumerate(AXES)}
    return {name: in_numbers(plane, window, axis) for axis, name in enumerate(AXES)}


def lines(rows: str, columns: str, letters: str = SIZE) -> list[str]:
    """Return the formula in letters, and under it that of both axes, or once where it is the same.

    >>> lines("4", "5", "n − 1")
    ['out = n − 1', 'rows = 4', 'columns = 5']
    """
    numbers = [f"out = {rows}"] if rows == columns else [f"rows = {rows}", f"columns = {columns}"]
    return [f"out = {letters}", *numbers]


def short_in_numbers(plane: Pair, window: Window | Transposed) -> str:
    """Return the formula for a cell of a table: padding and span as one number each, a line an axis.

    >>> short_in_numbers((28, 28), Window.of(3, padding=1, dilation=2))
    '⌊(28+2−5)/1⌋+1'
    """

    def one(axis: int) -> str:
        if isinstance(window, Transposed):
            return _short_transposed(plane, window, axis)
        added = sum(window.padding[axis])
        middle = f"+{added}" if added else ""
        left, right, end = _rounding(plane, window, axis)
        room = f"({plane[axis]}{middle}−{window.span[axis]})/{window.stride[axis]}"
        return f"{left}{room}{right}{end.replace(' ', '')}"

    return "\n".join(dict.fromkeys((one(0), one(1))))


def _short_transposed(plane: Pair, transposed: Transposed, axis: int) -> str:
    window, extra = transposed.window, transposed.output_padding[axis]
    cropped = sum(window.padding[axis])
    crop, more = f"−{cropped}" if cropped else "", f"+{extra}" if extra else ""
    return f"({plane[axis]}−1)·{window.stride[axis]}+{window.span[axis]}{crop}{more}"
