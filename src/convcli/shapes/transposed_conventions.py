"""How libraries size a transposed convolution: each one's published formula, in numbers, and what it crops.

The windows lie s apart and make (n − 1)s + d(f−1) + 1 together; a convention says what it crops of that.
"""

from __future__ import annotations

from dataclasses import dataclass

from convcli.shapes.conventions import Axis, Comparison, Convention, Outcome, axes, refused
from convcli.shapes.window import Pair, Window


@dataclass(frozen=True, slots=True)
class TransposedAxis(Axis):
    """An axis, and the output padding that was asked for, if it was."""

    output_padding: int | None = None

    @property
    def extra(self) -> int:
        """Cells added at the end."""
        return self.output_padding or 0

    @property
    def grown(self) -> int:
        """What all windows make together, before anything is cropped or added."""
        return (self.n - 1) * self.s + self.span


def transposed_axes(
    plane: Pair, window: Window, output_padding: Pair | None
) -> tuple[TransposedAxis, TransposedAxis]:
    """Return the rows' axis and the columns' axis of a window used backwards on a plane."""
    rows, columns = (
        TransposedAxis(one.n, one.f, one.before, one.after, one.s, one.d, extra)
        for one, extra in zip(axes(plane, window), output_padding or (None, None), strict=True)
    )
    return rows, columns


def compare_transposed(axis: TransposedAxis) -> list[Comparison]:
    """Return what every convention makes of an axis.

    Examples
    --------
    >>> found = compare_transposed(TransposedAxis(4, 3, 1, 1, 2, 1))
    >>> {one.convention.name: one.outcome.size for one in found}
    {'formula': 7, 'PyTorch': 7, 'Keras same': 8, 'Keras valid': 9, 'ONNX': 7, 'ONNX SAME_UPPER': 8}
    """
    return [Comparison(convention, convention.rule(axis), None) for convention in TRANSPOSED_CONVENTIONS]


def _by_formula(axis: TransposedAxis) -> Outcome:
    """Return the size with the padding that was asked for."""
    if axis.extra >= max(axis.s, axis.d):
        return refused(f"refuses output padding {axis.extra}, which reaches s = {axis.s} and d = {axis.d}")
    size = axis.grown - axis.before - axis.after + axis.extra
    numbers = (
        f"({axis.n} − 1)·{axis.s} − {axis.before} − {axis.after} + {axis.d}·({axis.f}−1) + {axis.extra} + 1"
    )
    padding = (axis.before, axis.after)
    if size < 1:
        return Outcome(None, padding, numbers, ("the padding crops everything",))
    return Outcome(size, padding, f"{numbers} = {size}")


def _pytorch(axis: TransposedAxis) -> Outcome:
    if not axis.even:
        return refused("takes one p for both sides: crop the result instead")
    return _by_formula(axis)


def _keras_same(axis: TransposedAxis) -> Outcome:
    if why := _keras_refuses(axis):
        return refused(why)
    if axis.output_padding is None:
        size, numbers = axis.n * axis.s, f"{axis.n}·{axis.s}"
    else:
        size = (axis.n - 1) * axis.s + axis.span % 2 + axis.extra
        numbers = f"({axis.n} − 1)·{axis.s} + {axis.span} mod 2 + {axis.extra}"
    if size < 1:
        return Outcome(None, None, numbers, ("nothing is left",))
    crop = axis.grown - size
    kept = axis.span - 1
    before = kept - min((2 * kept - crop + 1) // 2, kept)
    notes = [_no_padding(axis, (before, crop - before), "same")]
    notes += [f"adds {before - crop} of zeros at the end"] if crop < before else []
    return Outcome(size, (before, max(crop - before, 0)), f"{numbers} = {size}", tuple(filter(None, notes)))


def _keras_valid(axis: TransposedAxis) -> Outcome:
    if why := _keras_refuses(axis):
        return refused(why)
    if axis.output_padding is None:
        size = axis.n * axis.s + max(axis.span - axis.s, 0)
        numbers = f"{axis.n}·{axis.s} + max({axis.span} − {axis.s}, 0)"
    else:
        size = axis.grown + axis.extra
        numbers = f"({axis.n} − 1)·{axis.s} + {axis.span} + {axis.extra}"
    return Outcome(
        size, (0, 0), f"{numbers} = {size}", tuple(filter(None, [_no_padding(axis, (0, 0), "valid")]))
    )


def _keras_refuses(axis: TransposedAxis) -> str:
    if axis.s > 1 and axis.d > 1:
        return "refuses stride and dilation above 1 together"
    return f"refuses output padding {axis.extra} ≥ s = {axis.s}" if axis.extra >= axis.s else ""


def _no_padding(axis: TransposedAxis, crops: Pair, name: str) -> str:
    if crops == (axis.before, axis.after):
        return ""
    return f"takes no p: {name} crops {crops[0]} + {max(crops[1], 0)} by itself"


def _onnx_same_upper(axis: TransposedAxis) -> Outcome:
    size = (axis.n - 1) * axis.s + min(axis.span, axis.s) + axis.extra
    total = max(axis.span - axis.s, 0)
    crops = (total // 2, total - total // 2)
    notes = [] if crops == (axis.before, axis.after) else [f"takes no p: it crops {crops[0]} + {crops[1]}"]
    if size != axis.n * axis.s:
        notes.append(f"its text says n·s = {axis.n * axis.s}, its shape inference {size}")
    numbers = f"({axis.n} − 1)·{axis.s} + min({axis.span}, {axis.s}) + {axis.extra} = {size}"
    return Outcome(size, crops, numbers, tuple(notes))


_FORMULA = "(n−1)s − p_before − p_after + d(f−1) + output_padding + 1"
_KERAS = "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/"
_ONNX = "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html"

TRANSPOSED_CONVENTIONS = (
    Convention("formula", _FORMULA, "https://arxiv.org/abs/1603.07285", _by_formula),
    Convention(
        "PyTorch",
        "(n−1)s − 2p + d(f−1) + output_padding + 1",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html",
        _pytorch,
    ),
    Convention(
        "Keras same", "n·s; with output_padding (n−1)s + span mod 2 + output_padding", _KERAS, _keras_same
    ),
    Convention(
        "Keras valid",
        "n·s + max(span − s, 0); with output_padding (n−1)s + span + output_padding",
        _KERAS,
        _keras_valid,
    ),
    Convention("ONNX", _FORMULA, _ONNX, _by_formula),
    Convention("ONNX SAME_UPPER", "(n−1)s + min(span, s) + output_padding", _ONNX, _onnx_same_upper),
)
