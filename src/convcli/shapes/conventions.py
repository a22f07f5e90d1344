"""How libraries count windows: each convention's published formula, in numbers, and what sets it apart.

A convention is one function from an axis to an outcome; a new one is one more entry of `CONVENTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from convcli.shapes.window import Pair, Window, pair
from convcli.wording import signed

SomeAxis = TypeVar("SomeAxis", bound="Axis")


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: n cells, a window of f, padding before and after, stride s, dilation d."""

    n: int
    f: int
    before: int
    after: int
    s: int
    d: int

    @property
    def span(self) -> int:
        """Cells from the window's first to its last: d(f−1) + 1."""
        return self.d * (self.f - 1) + 1

    @property
    def room(self) -> int:
        """How far the window can move: n + p_before + p_after − d(f−1) − 1; below 0 it does not fit."""
        return self.n + self.before + self.after - self.span

    @property
    def even(self) -> bool:
        """Whether the padding is the same before and after."""
        return self.before == self.after


def axes(plane: Pair, window: Window) -> tuple[Axis, Axis]:
    """Return the rows' axis and the columns' axis of a window on a plane, or raise ShapeError."""
    plane = pair(plane, "n")
    rows, columns = (
        Axis(n, f, *sides, s, d)
        for n, f, sides, s, d in zip(
            plane, window.size, window.padding, window.stride, window.dilation, strict=True
        )
    )
    return rows, columns


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a convention makes of an axis.

    Attributes
    ----------
    size
        How many windows; None where the library refuses, or none fits.
    padding
        What it pads (before, after).
    numbers
        The formula with the axis' numbers in it.
    notes
        Why it refuses, or what it does otherwise than the formula of this program.
    """

    size: int | None
    padding: Pair | None
    numbers: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Convention(Generic[SomeAxis]):
    """One way to count windows, where it is published, and the function that does it."""

    name: str
    formula: str
    source: str
    rule: Callable[[SomeAxis], Outcome]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A convention and what it makes of an axis; `unused` is below 0 where the last window hangs over."""

    convention: Convention[Any]
    outcome: Outcome
    unused: int | None


def compare(axis: Axis) -> list[Comparison]:
    """Return what every convention makes of an axis.

    Examples
    --------
    >>> found = compare(Axis(6, 3, 1, 1, 2, 1))
    >>> {one.convention.name: one.outcome.size for one in found if one.outcome.size != 3}
    {'ceil': 4, 'TensorFlow VALID': 2, 'PyTorch "same"': None, 'PyTorch ceil_mode': 4, 'Caffe pooling': 4}
    """
    return [
        Comparison(convention, outcome, _unused(axis, outcome))
        for convention in CONVENTIONS
        for outcome in [convention.rule(axis)]
    ]


def _unused(axis: Axis, outcome: Outcome) -> int | None:
    if outcome.size is None or outcome.padding is None:
        return None
    return axis.n + sum(outcome.padding) - (outcome.size - 1) * axis.s - axis.span


def refused(*why: str) -> Outcome:
    """Return what comes of a library that refuses."""
    return Outcome(None, None, "", why)


def _counted(axis: Axis, numbers: str, steps: int, notes: tuple[str, ...] = ()) -> Outcome:
    """Return `steps` + 1 windows with the padding that was asked for."""
    padding = (axis.before, axis.after)
    if axis.room < 0 and steps < 0:
        return Outcome(None, padding, numbers, ("not one window fits", *notes))
    return Outcome(steps + 1, padding, f"{numbers} = {steps + 1}", notes)


def _room_in_numbers(axis: Axis) -> str:
    return f"{axis.n} + {axis.before} + {axis.after} − {axis.d}·({axis.f}−1) − 1"


def _doubled(axis: Axis) -> str:
    return f"{axis.n} + 2·{axis.before}"


def _ceiling(number: int, divisor: int) -> int:
    return -(-number // divisor)


def _floor(axis: Axis) -> Outcome:
    left = axis.room % axis.s
    why = f"the window can move by {axis.room}, no multiple of s = {axis.s}: the last {left} is left out"
    return _counted(
        axis, f"⌊({_room_in_numbers(axis)}) / {axis.s}⌋ + 1", axis.room // axis.s, (why,) if left else ()
    )


def _ceil(axis: Axis) -> Outcome:
    outcome = _pooled(axis, f"⌈({_room_in_numbers(axis)}) / {axis.s}⌉ + 1")
    if not outcome.numbers.endswith(f" − 1 = {outcome.size}"):
        return outcome
    since = "ONNX says so since opset 22; what was made for an older one may count it"
    return replace(outcome, notes=(*outcome.notes, since))


def _tensorflow_same(axis: Axis) -> Outcome:
    size = _ceiling(axis.n, axis.s)
    total = max((size - 1) * axis.s + axis.span - axis.n, 0)
    before, after = total // 2, total - total // 2
    notes = []
    if (before, after) != (axis.before, axis.after):
        odd = ", the odd cell at the end" if before != after else ""
        notes.append(f"takes no p: it pads {before} + {after} by itself, which depends on n and s{odd}")
        floor = axis.room // axis.s + 1
        if size == floor and before != axis.before:
            notes.append(
                f"as many windows as floor, but the first begins at {signed(-before)} and not at "
                f"{signed(-axis.before)}: other numbers come out"
            )
    if axis.s > 1 and axis.d > 1:
        notes.append("Keras refuses stride and dilation above 1 together")
    return Outcome(size, (before, after), f"⌈{axis.n} / {axis.s}⌉ = {size}", tuple(notes))


def _tensorflow_valid(axis: Axis) -> Outcome:
    size = _ceiling(axis.n - axis.span + 1, axis.s)
    numbers = f"⌈({axis.n} − {axis.d}·({axis.f}−1)) / {axis.s}⌉"
    notes = ("takes no p: it never pads",) if axis.before or axis.after else ()
    if size < 1:
        return Outcome(None, (0, 0), numbers, ("not one window fits", *notes))
    return Outcome(size, (0, 0), f"{numbers} = {size}", notes)


def _pytorch(axis: Axis) -> Outcome:
    if not axis.even:
        return refused("takes one p for both sides: pad with torch.nn.functional.pad before")
    numbers = f"⌊({_doubled(axis)} − {axis.d}·({axis.f}−1) − 1) / {axis.s} + 1⌋"
    return _counted(axis, numbers, axis.room // axis.s)


def _pytorch_same(axis: Axis) -> Outcome:
    if axis.s > 1:
        return refused("refuses stride > 1: \"padding='same' is not supported for strided convolutions\"")
    reach = axis.span - 1
    before, after = reach // 2, reach - reach // 2
    odd = ", the odd cell at the end" if before != after else ""
    why = f"takes no p: it pads d(f−1) = {reach} as {before} + {after}{odd}"
    given = (before, after) == (axis.before, axis.after)
    return Outcome(axis.n, (before, after), f"n = {axis.n}", () if given else (why,))


def _pytorch_ceil_mode(axis: Axis) -> Outcome:
    if not axis.even:
        return refused("takes one p for both sides")
    if 2 * axis.before > axis.f:
        return refused(f"refuses p > f / 2: p = {axis.before}, f = {axis.f}")
    numbers = f"⌈({_doubled(axis)} − {axis.d}·({axis.f}−1) − 1) / {axis.s} + 1⌉"
    return _pooled(axis, numbers)


def _pooled(axis: Axis, numbers: str, *, clips: bool = True) -> Outcome:
    """Round up, but drop a last window that would begin in the padding at the end."""
    steps = _ceiling(axis.room, axis.s)
    begins, end = steps * axis.s, axis.n + axis.before
    if steps < 0 or begins < end:
        why = f"rounds up: the last window hangs {-axis.room % axis.s} over the end"
        return _counted(axis, numbers, steps, (why,) if axis.room % axis.s else ())
    if clips:
        why = f"drops a last window that would begin at {begins} ≥ n + p = {end}, behind the image"
        return _counted(axis, f"{numbers} − 1", steps - 1, (why,))
    why = f"keeps a last window that begins at {begins} ≥ n = {end}, behind the image, and holds nothing"
    return _counted(axis, numbers, steps, (why,))


def _caffe_convolution(axis: Axis) -> Outcome:
    if not axis.even:
        return refused("takes one p for both sides")
    numbers = f"⌊({_doubled(axis)} − ({axis.d}·({axis.f}−1) + 1)) / {axis.s}⌋ + 1"
    return _counted(axis, numbers, axis.room // axis.s)


def _caffe_pooling(axis: Axis) -> Outcome:
    if not axis.even:
        return refused("takes one p for both sides")
    if axis.d > 1:
        return refused("has no dilation")
    if axis.before >= axis.f:
        return refused(f"refuses p ≥ f: p = {axis.before}, f = {axis.f}")
    numbers = f"⌈({_doubled(axis)} − {axis.f}) / {axis.s}⌉ + 1"
    outcome = _pooled(axis, numbers, clips=axis.before > 0)
    if axis.room % axis.s == 0:
        return outcome
    return replace(outcome, notes=(*outcome.notes, "Caffe rounds up here, but down in its convolution"))


_TENSORFLOW = "https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2"
_PYTORCH = "https://docs.pytorch.org/docs/stable/generated/torch.nn."
_CAFFE = "https://github.com/BVLC/caffe/blob/master/src/caffe/layers/"

CONVENTIONS = (
    Convention(
        "floor",
        "⌊(n + p_before + p_after − d(f−1) − 1)/s⌋ + 1",
        "https://arxiv.org/abs/1603.07285",
        _floor,
    ),
    Convention(
        "ceil",
        "⌈(n + p_before + p_after − d(f−1) − 1)/s⌉ + 1",
        "https://onnx.ai/onnx/operators/onnx__MaxPool.html",
        _ceil,
    ),
    Convention("TensorFlow SAME", "⌈n / s⌉", _TENSORFLOW, _tensorflow_same),
    Convention("TensorFlow VALID", "⌈(n − d(f−1)) / s⌉", _TENSORFLOW, _tensorflow_valid),
    Convention("PyTorch", "⌊(n + 2p − d(f−1) − 1) / s + 1⌋", f"{_PYTORCH}Conv2d.html", _pytorch),
    Convention('PyTorch "same"', "n", f"{_PYTORCH}Conv2d.html", _pytorch_same),
    Convention(
        "PyTorch ceil_mode",
        "⌈(n + 2p − d(f−1) − 1) / s + 1⌉",
        f"{_PYTORCH}MaxPool2d.html",
        _pytorch_ceil_mode,
    ),
    Convention(
        "Caffe convolution",
        "⌊(n + 2p − (d(f−1) + 1)) / s⌋ + 1",
        f"{_CAFFE}conv_layer.cpp",
        _caffe_convolution,
    ),
    Convention("Caffe pooling", "⌈(n + 2p − f) / s⌉ + 1", f"{_CAFFE}pooling_layer.cpp", _caffe_pooling),
)
