"""A claimed output size held against the formula: what changed alone would give it, and what slip would.

A claim is a person's: "28 becomes 14". Where it is wrong, there is a padding, a stride, a window or a
dilation that would make it right, or there is none, and often it is what a slip of the formula gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from convcli.errors import ShapeError
from convcli.shapes.pooling import PoolWindow
from convcli.shapes.solving import Answers, Given, Unknown, solve
from convcli.shapes.transposed import Transposed
from convcli.shapes.window import AXES, Pair, Window, axis_padding, pair

BothAxes = tuple[Given, Given]


@dataclass(frozen=True, slots=True)
class Change:
    """One letter of the formula with a value that gives the claimed size; all others stay as they are.

    Attributes
    ----------
    letter
        p, s, f, d, or `output padding`.
    axes
        Rows and columns with the value.
    with_stride
        Whether they have another stride besides, for want of a padding and a stride that give it alone.
    """

    letter: str
    axes: BothAxes
    with_stride: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A letter of which no value gives the claimed size, with what comes nearest along the axis that fails.

    Attributes
    ----------
    near
        (value, the size it gives); empty where not one window fits, whatever the value is.
    because
        Why the value that the formula gives is not to be had, where that is it.
    """

    letter: str
    axis: str
    near: tuple[tuple[int, int], ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class Slip:
    """A way to miscalculate that gives the claimed size.

    Attributes
    ----------
    says
        "without the + 1", …
    numbers
        The miscalculation, a text an axis.
    """

    says: str
    numbers: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be said of a claim.

    Attributes
    ----------
    axes, claimed
        What slides, and the size that is said to come out.
    output
        The size that does; None where no window fits, and `refusal` says why.
    changes, failures, slips
        What would make the claim right; what would not, and how it may have come about.
    """

    axes: BothAxes
    claimed: Pair
    output: Pair | None
    refusal: str = ""
    changes: tuple[Change, ...] = ()
    failures: tuple[Failure, ...] = ()
    slips: tuple[Slip, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the claim holds."""
        return self.output == self.claimed


def judge(axes: BothAxes, claimed: Pair) -> Judged:
    """Return what is to be said of the claim that `claimed` (rows, columns) come out.

    Raises
    ------
    ShapeError
        If a number is out of range. That no window fits is no error: then the claim is wrong.

    Examples
    --------
    >>> found = judge((Given(28, f=5, s=2), Given(28, f=5, s=2)), (14, 14))
    >>> found.output, [(change.letter, change.axes[0].padding) for change in found.changes][0]
    ((12, 12), ('p', 2))
    """
    claimed = pair(claimed, "the claimed size")
    for axis in axes:
        for name, value in (("n", axis.n), ("f", axis.f), ("stride", axis.s), ("dilation", axis.d)):
            pair(value, name)
        axis_padding(axis.padding, axis.f, axis.d)
    try:
        output, refusal = output_of(axes), ""
    except ShapeError as error:
        output, refusal = None, str(error)
    if output == claimed:
        return Judged(axes, claimed, output)
    changes, failures = [], []
    for unknown in Unknown:
        if unknown is Unknown.d and max(axis.f for axis in axes) == 1:
            continue  # a window of one cell has nothing to spread
        found = _changed(unknown, axes, claimed)
        changes += [found] if isinstance(found, Change) else []
        failures += [found] if isinstance(found, Failure) else []
    if not {change.letter for change in changes} & {"p", "s"}:
        changes += _stride_and_padding(axes, claimed)
    changes += _more_at_the_end(axes, claimed)
    return Judged(
        axes, claimed, output, refusal, tuple(changes), tuple(failures), tuple(_slips(axes, claimed))
    )


def window_of(axes: BothAxes) -> Window | Transposed:
    """Return what slides over the plane of both axes, for the formula in numbers.

    Raises
    ------
    ShapeError
        If a number is out of range.
    """
    rows, columns = axes
    kind = PoolWindow if rows.ceil_mode else Window
    window = kind.of(
        (rows.f, columns.f),
        stride=(rows.s, columns.s),
        padding=(
            axis_padding(rows.padding, rows.f, rows.d),
            axis_padding(columns.padding, columns.f, columns.d),
        ),
        dilation=(rows.d, columns.d),
        ceil_mode=rows.ceil_mode,
    )
    return Transposed(window, (rows.output_padding, columns.output_padding)) if rows.transposed else window


def output_of(axes: BothAxes) -> Pair:
    """Return (rows, columns) that come out, or raise ShapeError where no window fits."""
    return window_of(axes).output_shape((axes[0].n, axes[1].n))


def _changed(unknown: Unknown, axes: BothAxes, claimed: Pair) -> Change | Failure:
    """Return the change of one letter that gives the claim, or why there is none."""
    changed = []
    for name, axis, wanted in zip(AXES, axes, claimed, strict=True):
        if _gives(axis, wanted):
            changed.append(axis)
            continue
        answers = solve(unknown, axis, wanted)
        nearest = _nearest_to_own(unknown, axis, answers)
        if nearest is None:
            return Failure(unknown.value, name, answers.near)
        changed.append(nearest)
    both = changed[0], changed[1]
    try:
        if output_of(both) == claimed:
            return Change(unknown.value, both)
    except ShapeError as error:  # a pool's window on padding alone
        return Failure(unknown.value, AXES[0], because=str(error))
    return Failure(unknown.value, AXES[0])


def _stride_and_padding(axes: BothAxes, claimed: Pair) -> Iterator[Change]:
    """Yield the smallest stride above 1 at which a padding gives the claim with every window on some data."""
    for stride in range(2, max(axis.f for axis in axes) + 1):
        rows, columns = (replace(axis, s=stride) for axis in axes)
        found = _changed(Unknown.p, (rows, columns), claimed)
        if isinstance(found, Change) and not any(map(_beyond_the_window, found.axes)):
            yield replace(found, with_stride=True)
            return


def _beyond_the_window(axis: Given) -> bool:
    sides, span = _sides_and_span(axis)
    return max(sides) >= span


def _gives(axis: Given, wanted: int) -> bool:
    try:
        return axis.size == wanted
    except ShapeError:
        return False


def _nearest_to_own(unknown: Unknown, axis: Given, answers: Answers) -> Given | None:
    """Return the axis with that answer which is nearest to the value it has."""
    if answers.first is None:
        return None if answers.uneven is None else replace(axis, padding=answers.uneven)
    own = {Unknown.s: axis.s, Unknown.f: axis.f, Unknown.d: axis.d}.get(unknown, answers.first)
    last = own if answers.last is None else answers.last
    return axis.with_value(unknown, max(answers.first, min(own, last)))


def _more_at_the_end(axes: BothAxes, claimed: Pair) -> Iterator[Change]:
    """Yield the output padding that gives the claim, where one does that its stride and dilation allow."""
    if not axes[0].transposed:
        return
    sizes = []
    for axis, wanted in zip(axes, claimed, strict=True):
        sides, span = _sides_and_span(axis)
        sizes.append(wanted - ((axis.n - 1) * axis.s + span - sum(sides)))
    if all(0 <= more < max(axis.s, axis.d) for axis, more in zip(axes, sizes, strict=True)):
        rows, columns = (replace(axis, output_padding=more) for axis, more in zip(axes, sizes, strict=True))
        yield Change("output padding", (rows, columns))


def _slips(axes: BothAxes, claimed: Pair) -> Iterator[Slip]:
    """Yield the miscalculations that give the claim on both axes."""
    rows, columns = (_miscalculated(axis) for axis in axes)
    for says, (text, size) in rows.items():
        other = columns.get(says)
        if other is not None and (size, other[1]) == claimed:
            yield Slip(says, (text, other[0]))


def _miscalculated(axis: Given) -> dict[str, tuple[str, int]]:
    """Return each miscalculation of one axis with its numbers and its result, where it could be made."""
    slips = _of_transposed(axis) if axis.transposed else _of_windows(axis)
    return {says: (text, size) for says, text, size, possible in slips if possible}


def _of_windows(axis: Given) -> Iterator[tuple[str, str, int, bool]]:
    (before, after), span = _sides_and_span(axis)
    n, f, s, added, ceil = axis.n, axis.f, axis.s, before + after, axis.ceil_mode
    left, right = "⌈⌉" if ceil else "⌊⌋"

    def divided(room: int) -> int:
        return -(-room // s) if ceil else room // s

    def size(inside: str, room: int) -> tuple[str, int]:
        return f"{left}({inside}) / {s}{right} + 1", divided(room) + 1

    room = n + added - span
    if ceil:
        yield "rounded down", f"⌊{room} / {s}⌋ + 1", room // s + 1, True
    else:
        yield "rounded up", f"⌈{room} / {s}⌉ + 1", -(-room // s) + 1, True
    yield "without the + 1", f"{left}{room} / {s}{right}", divided(room), True
    yield "with the stride left out", f"{room} + 1", room + 1, s > 1
    yield "with the + 1 before dividing", f"{left}({room} + 1) / {s}{right}", divided(room + 1), s > 1
    yield "with the padding counted once", *size(f"{n} + {before} − {span}", n + before - span), added > 0
    yield "with the padding left out", *size(f"{n} − {span}", n - span), added > 0
    padded, all_of_it = (f"{n} + {added}", f"({n} + {added})") if added else (f"{n}", f"{n}")
    yield "with the dilation left out", *size(f"{padded} − {f}", n + added - f), span > f
    yield "with the window left out", f"{left}{all_of_it} / {s}{right}", divided(n + added), True


def _of_transposed(axis: Given) -> Iterator[tuple[str, str, int, bool]]:
    (before, after), span = _sides_and_span(axis)
    n, s, added, extra = axis.n, axis.s, before + after, axis.output_padding
    more = f" + {extra}" if extra else ""
    forward = n + added - span
    yield "of a convolution that is not transposed", f"⌊{forward} / {s}⌋ + 1", forward // s + 1, True
    grown, size = f"({n} − 1)·{s}", (n - 1) * s + span
    yield "with the padding added", f"{grown} + {added} + {span}{more}", size + added + extra, added > 0
    yield "with the padding left out", f"{grown} + {span}{more}", size + extra, added > 0
    yield "with the output padding left out", f"{grown} − {added} + {span}", size - added, extra > 0
    yield "with n·s for (n − 1)·s", f"{n}·{s} − {added} + {span}{more}", size + s - added + extra, True
    yield "with the window left out", f"{n}·{s}", n * s, True


def _sides_and_span(axis: Given) -> tuple[Pair, int]:
    return axis_padding(axis.padding, axis.f, axis.d), axis.d * (axis.f - 1) + 1
