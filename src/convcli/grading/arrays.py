"""A learner's array held against ours: whose result it is, what goes in, and which of its axes is which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convcli.arrays import Given
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.activating import activation_of
from convcli.explaining.layouts import as_filters, as_volume, check_layout
from convcli.grading.cases import Case, Outcome
from convcli.grading.cell import drawn
from convcli.grading.comparison import Comparison
from convcli.grading.mistakes import NOT_ACTIVATED, Diagnosis, agree, diagnose
from convcli.grading.operations import OPERATIONS
from convcli.shapes import Window
from convcli.wording import by, counted

if TYPE_CHECKING:
    from convcli.explaining.elements import Step
    from convcli.nn.activations import Activation


@dataclass(frozen=True)
class Asked:
    """A result that somebody may have computed.

    Attributes
    ----------
    operation, output
        Whose result it is, by the names of `operations`; a pool's is that of the maximum.
    needs, takes
        The arrays that it is made of, and the options that it may have besides.
    """

    operation: str
    output: str
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


_SLID = ("stride", "padding")
RESULTS: Mapping[str, Asked] = {
    "Z": Asked("conv_forward", "z", ("input", "kernel"), ("bias", *_SLID)),
    "A": Asked("conv_forward", "z", ("input", "kernel"), ("bias", *_SLID, "activation")),
    "dZ": Asked("relu_backward", "dx", ("input", "kernel", "gradient"), ("bias", *_SLID, "activation")),
    "dW": Asked("conv_backward", "dw", ("input", "kernel", "gradient"), _SLID),
    "db": Asked("conv_backward", "db", ("input", "kernel", "gradient"), _SLID),
    "dA_prev": Asked("conv_backward", "dx", ("input", "kernel", "gradient"), _SLID),
    "padded": Asked("zero_pad", "y", ("input",), ("padding",)),
    "pool": Asked("max_pool", "y", ("input",), (*_SLID, "size", "pool")),
    "pool-backward": Asked("max_pool_backward", "dx", ("input", "gradient"), (*_SLID, "size", "pool")),
}  # fmt: skip


@dataclass(frozen=True)
class Ours:
    """What somebody computed, and what of; arrays are as they were given.

    Attributes
    ----------
    of
        A name of `RESULTS`.
    mine
        What they have.
    arrays
        `input`, `kernel` and `gradient`, those that are given.
    options
        `bias` (k,), `stride`, `padding`, `size`, `pool` and `activation`, those that are given.
    layout
        As `explain` has it.
    tolerance
        By which part of the largest number a cell may differ.
    """

    of: str
    mine: Given
    arrays: Mapping[str, Given]
    options: Mapping[str, Any] = field(default_factory=dict)
    layout: str | None = None
    tolerance: float = 1e-5


@dataclass(frozen=True, eq=False)
class Judged:
    """What is to be said of it.

    Attributes
    ----------
    comparison
        In the layout of whoever computed it.
    cell
        How the first wrong cell comes about, where one can be pointed at.
    diagnosis
        The usual mistake that it looks like, if it is one.
    notes
        How the arrays were read.
    """

    comparison: Comparison
    cell: Step | None = None
    diagnosis: Diagnosis | None = None
    notes: tuple[str, ...] = ()


def judge_array(ours: Ours) -> Judged:
    """Hold an array against what comes out.

    Raises
    ------
    UsageError
        If something is missing, is not used, or does not fit.
    """
    asked = RESULTS[ours.of]
    _check_given(ours, asked)
    notes: list[str] = list(ours.mine.notes)
    case = _case(ours, asked, notes)
    g = activation_of(ours.options.get("activation", "relu"))
    results = case.expected()
    if ours.of == "A":
        results = {name: _applied(g, array) for name, array in results.items()}
    if ours.of == "dZ":
        case, results = _back_through(g, case, results["z"])
    right = results[asked.output]
    lying = Lying.of(right.shape, _axes(ours, asked), _channels_first(ours.layout), ours.mine.values)
    found = lying.squeezed(ours.mine.values)
    comparison = Comparison(ours.of, lying.laid(right), found, lying.names, ours.tolerance)
    if comparison.right:
        return Judged(comparison, notes=tuple(notes))
    found = lying.canonical(found)
    step = None
    if comparison.first is not None and ours.of != "A" and not (ours.of == "dZ" and g.name() != "relu"):
        at = lying.canonical_index(comparison.first)
        step = drawn(case, asked.output, at, float(right[at]), float(found[at]))
    outcome = Outcome(case, results, {name: found if name == asked.output else None for name in results})
    return Judged(comparison, step, _diagnosis(ours, g, outcome), tuple(notes))


def _diagnosis(ours: Ours, g: Activation, outcome: Outcome) -> Diagnosis | None:
    found = next(array for array in outcome.found.values() if array is not None)
    if ours.of == "A":
        if agree(found, outcome.case.expected()["z"], ours.tolerance):
            return Diagnosis(NOT_ACTIVATED, ("z",))
        known = diagnose([outcome], lambda z: _applied(g, z), tolerance=ours.tolerance)
    elif ours.of == "dZ" and g.name() != "relu":
        return None
    else:
        known = diagnose([outcome], tolerance=ours.tolerance)
    return known[0] if known else None


def _check_given(ours: Ours, asked: Asked) -> None:
    """Raise UsageError for what is missing, and for what would have no say."""
    missing = [name for name in asked.needs if name not in ours.arrays]
    if missing:
        raise UsageError(f"--of {ours.of} needs {' and '.join(f'--{name}' for name in missing)}.")
    allowed = {*asked.needs, *asked.takes}
    idle = [name for name in (*ours.arrays, *ours.options) if name not in allowed]
    if idle:
        verb = "has" if len(idle) == 1 else "have"
        raise UsageError(f"{', '.join(f'--{name}' for name in idle)} {verb} no say in {ours.of}.")
    check_layout(ours.layout)


def _axes(ours: Ours, asked: Asked) -> tuple[str, ...]:
    """Return what the axes of a result count, as it comes out of the engine."""
    return OPERATIONS["conv_forward" if ours.of == "dZ" else asked.operation].axes[
        "z" if ours.of == "dZ" else asked.output
    ]


def _channels_first(layout: str | None) -> bool:
    return layout in ("nchw", "chw")


def _case(ours: Ours, asked: Asked, notes: list[str]) -> Case:
    """Return what is computed; that of Z for dZ."""
    options: dict[str, Any] = {}
    operation = "conv_forward" if ours.of == "dZ" else asked.operation
    x = _batch(ours.arrays["input"], "--input", ours.layout, notes)
    arrays = {"x": x}
    size = ours.options.get("size", (2, 2))
    if "kernel" in ours.arrays:
        w, said = as_filters(ours.arrays["kernel"], "--kernel", ours.layout)
        w, stacked = _fitting(w, x.shape[3])
        arrays["w"], size = w, w.shape[:2]
        notes += stacked or said
    if "bias" in ours.options:
        arrays["b"] = np.asarray(ours.options["bias"], np.float64)
        if arrays["b"].size != arrays["w"].shape[3]:
            raise UsageError(f"--bias has {arrays['b'].size} numbers for {arrays['w'].shape[3]} filter(s).")
    if "padding" in asked.takes:
        options["padding"] = ours.options.get("padding", 0)
    if "stride" in asked.takes:
        options["stride"] = ours.options.get("stride", size if "size" in asked.takes else 1)
    if "size" in asked.takes:
        options["size"] = size
        if ours.options.get("pool") == "mean":
            operation = operation.replace("max", "avg")
    if ours.of == "padded":
        if isinstance(options["padding"], str):
            raise UsageError("--of padded needs --padding in numbers: no window says what a name means.")
        return Case(operation, arrays, options)
    window = Window.of(size, stride=options["stride"], padding=options["padding"])
    options["padding"] = window.padding
    plane = window.output_shape((x.shape[1], x.shape[2]))
    if "gradient" in ours.arrays:
        depth = arrays["w"].shape[3] if "w" in arrays else x.shape[3]
        dz = _batch(ours.arrays["gradient"], "--gradient", ours.layout, notes)
        wanted = (len(x), *plane, depth)
        if dz.shape != wanted:
            raise UsageError(
                f"--gradient: expected {by(wanted)} (images, rows, columns, channels of the output), found "
                f"{by(dz.shape)}."
            )
        arrays["dz"] = dz
    return Case(operation, arrays, options)


def _batch(given: Given, option: str, layout: str | None, notes: list[str]) -> Array:
    """Return (n, h, w, c) of an array of up to four axes."""
    values, several = given.values, given.values.ndim == 4
    one = layout[1:] if layout in ("nhwc", "nchw") else layout
    volumes = [
        as_volume(replace(given, values=picture), option, one)
        for picture in (values if several else [values])
    ]
    volume, said = volumes[0]
    if several:
        shape, order = f"({', '.join(map(str, values.shape))})", "nchw" if _channels_first(layout) else "nhwc"
        name = f"{option.removeprefix('--')}: {given.name or 'an array'} {shape}"
        said = (f"{name} read as {order}: {counted(len(values), 'image')} of {by(volume.shape)}",)
    notes += said
    return np.stack([volume for volume, _ in volumes])


def _fitting(w: Array, channels: int) -> tuple[Array, tuple[str, ...]]:
    """Return filters (f_h, f_w, c, k) and what to say: planes on a single channel are as many filters."""
    if channels == 1 and w.shape[2] > 1 and w.shape[3] == 1:
        return w.transpose(0, 1, 3, 2), (
            f"kernel: taken as {w.shape[2]} filters of one channel, for the input has one",
        )
    if w.shape[2] != channels:
        raise UsageError(f"--kernel has {w.shape[2]} channel(s), the input {channels}: expected as many.")
    return w, ()


def _applied(g: Activation, z: Array) -> Array:
    from convcli.nn.tape import Tape

    a = np.empty_like(z)
    g.apply(z, a, Tape())
    return a


def _back_through(g: Activation, case: Case, z: Array) -> tuple[Case, dict[str, Array]]:
    """Return the case of dZ = dA · g′(Z) and its result."""
    from convcli.nn.tape import Tape

    tape, a, dz = Tape(), np.empty_like(z), case.arrays["dz"].copy()
    g.apply(z, a, tape)
    g.derive(dz, tape)
    return Case("relu_backward", {"x": z, "dz": case.arrays["dz"]}, {}), {"dx": dz}


@dataclass(frozen=True)
class Lying:
    """How a result lies in somebody's array: channels first or last, axes of one cell left out.

    Attributes
    ----------
    order
        Of the engine's axes, as they lie.
    kept
        Which of those are there.
    names
        What they count.
    """

    order: tuple[int, ...]
    kept: tuple[int, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], axes: tuple[str, ...], first: bool, found: Array) -> Lying:
        """Return how a result of a shape lies in an array with as many axes as `found`."""
        order = tuple(range(len(axes)))
        if first and len(axes) == 4:
            order = (0, 3, 1, 2) if axes[0] == "image" else (3, 2, 0, 1)
        kept = list(order)
        for name in ("image", "filter", "channel", "row"):
            axis = axes.index(name) if name in axes else None
            if len(kept) > found.ndim and axis in kept and shape[axis] == 1:
                kept.remove(axis)
        return cls(order, tuple(kept), tuple(axes[axis] for axis in kept))

    def laid(self, right: Array) -> Array:
        """Return a result of the engine's layout as it lies."""
        moved = right.transpose(self.order)
        gone = tuple(n for n, axis in enumerate(self.order) if axis not in self.kept)
        return moved.squeeze(gone)

    def squeezed(self, found: Array) -> Array:
        """Return an array without axes of one cell that the result does not have: db as (1, 1, 1, k)."""
        while found.ndim > len(self.kept) and 1 in found.shape:
            found = found.squeeze(found.shape.index(1))
        return found

    def canonical(self, found: Array) -> Array:
        """Return an array that lies so in the engine's layout, whatever its sizes."""
        if found.ndim != len(self.kept):
            return found
        gone = [n for n, axis in enumerate(self.order) if axis not in self.kept]
        whole = np.expand_dims(found, gone)
        return whole.transpose(np.argsort(self.order))

    def canonical_index(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """Return where a cell is in the engine's layout."""
        at = dict(zip(self.kept, index, strict=True))
        return tuple(at.get(axis, 0) for axis in range(len(self.order)))
