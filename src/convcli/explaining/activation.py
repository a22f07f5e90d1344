"""An activation on given numbers: its values, curve and slope, and the way back, dZ = dA · g′(Z)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.activating import activation_of, left_out, on_kinks
from convcli.explaining.alone import Alone
from convcli.explaining.checking import check_step
from convcli.explaining.curve import curve
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Role, Row, Step, every, exact
from convcli.explaining.notation import cell_name, factor, number
from convcli.explaining.reading import MOST_SIDE, read_gradient
from convcli.explaining.request import RUN, Request, chosen_index
from convcli.explaining.topics import topic
from convcli.nn.activations import ACTIVATIONS, Activation, Identity
from convcli.nn.layer import Layer
from convcli.nn.layers import ActivationLayer, Conv, Dense
from convcli.wording import by

EXAMPLE = "-3 -2 -1 0 1 2 3"
GRADIENT = "1 2 3 -1 2 -2 1"
MOST_TOLD = 8  # cells whose arithmetic is written out


@dataclass(frozen=True, eq=False)
class Passed:
    """A = g(Z) of a plane of numbers (rows, columns), and dA that comes back to it."""

    g: Activation
    z: Array
    da: Array
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def layer(self) -> Alone:
        """The plane as a batch of one image of one channel."""
        return Alone(ActivationLayer(function=self.g), self.z[None, :, :, None])

    @cached_property
    def a(self) -> Array:
        """A = g(Z)."""
        return self.layer.y[0, :, :, 0]

    def back(self, da: Array) -> Array:
        """Return dA · g′(Z)."""
        return self.layer.gradients(da[None, :, :, None])["x"][0, :, :, 0]

    @cached_property
    def slope(self) -> Array:
        """g′(Z)."""
        return self.back(np.ones(self.z.shape))

    @cached_property
    def dz(self) -> Array:
        """dZ = dA · g′(Z)."""
        return self.back(self.da)

    @property
    def kinks(self) -> list[Cell]:
        """The cells in which g has no derivative."""
        found = on_kinks(self.g, self.z)
        return [cell for cell in every(self.z) if found[cell]]

    @cached_property
    def errors(self) -> dict[str, float]:
        """How far dZ is from central differences of Σ dA · g(Z), where g has a derivative."""
        smooth = self.da * ~on_kinks(self.g, self.z)
        return self.layer.check(smooth[None, :, :, None], {"x": "dZ"})


@topic(
    "activation",
    "any activation: its values, curve and slope, and the way back, dZ = dA · g′(Z), with a numeric check",
    *("input", "activation", "gradient", *RUN, "channel"),
)
def activation(ask: Request) -> Explanation:
    """Return the values, the slope, the way back and its check, and what other activations make of it.

    Without `--gradient` dA is 1 everywhere, but for the example's own.
    """
    passed = _posed(ask) if ask.model is None else _from_run(ask)
    shape = by(passed.z.shape)
    steps = (_values(passed), _slope(passed), _back(passed), _checked(passed), _others(passed))
    return Explanation(
        topic="activation",
        title=f"Activation {passed.g}: Z {shape} → A {shape}, and dA → dZ",
        steps=steps,
        data={
            **passed.facts,
            "activation": str(passed.g),
            "Z": exact(passed.z),
            "A": exact(passed.a),
            "g_prime": exact(passed.slope),
            "dA": exact(passed.da),
            "dZ": exact(passed.dz),
            "relative_errors": passed.errors,
        },
        still=(0, 1, 2),
        notes=passed.notes,
    )


def _posed(ask: Request) -> Passed:
    g = activation_of(ask.activation or "relu")
    z = ask.numbers(EXAMPLE, channels=1).volume[:, :, 0]
    given = GRADIENT if ask.gradient is None and ask.input is None else ask.gradient
    da = np.ones(z.shape) if given is None else read_gradient(given, (*z.shape, 1))[:, :, 0]
    return Passed(g, z, da)


def _from_run(ask: Request) -> Passed:
    """Return what a layer of a trained network applies g to: a channel, or the first numbers of a row."""
    from convcli.explaining.tensors import cropped, gradient_at, layer_of, pass_through, read_image

    assert ask.model is not None
    assert ask.image is not None
    number_, layer = layer_of(ask.model, ask.layer or _first(ask), (ActivationLayer, Conv, Dense))
    passage = pass_through(ask.model, read_image(ask.model, ask.image, ask.max_pixels))
    x = passage.trace.input(number_).astype(np.float64)
    g = activation_of(ask.activation or _function(layer))
    if isinstance(layer, ActivationLayer):
        z = x[0]
    else:
        own = ask.model.weights.arrays.at(number_).items()
        weights = {name: array.astype(np.float64) for name, array in own}
        z = Alone(layer.model_copy(update={"activation": Identity()}), x, weights).y[0]
    da, name = gradient_at(passage, number_)
    facts = {"layer": number_, "image": ask.image.name, "loss_of_class": name}
    notes: tuple[str, ...] = ()
    if z.ndim == 1:
        if ask.crop is not None or ask.channel is not None:
            raise UsageError(f"--layer {number_} gives {z.size} numbers without rows, columns or channels.")
        if z.size > MOST_SIDE:
            notes = (f"layer {number_}: the first {MOST_SIDE} of {z.size} numbers are shown.",)
        z, da = z[None, :MOST_SIDE], da[None, :MOST_SIDE]
    else:
        channel = chosen_index(ask.channel, z.shape[2], "--channel")
        facts["channel"] = channel + 1
        z, da = (cropped(volume, ask.crop, number_)[:, :, channel] for volume in (z, da))
    if ask.gradient is not None:
        da = read_gradient(ask.gradient, (*z.shape, 1))[:, :, 0]
    return Passed(g, z, da, facts, notes)


def _function(layer: Layer) -> Activation:
    """Return the g of a layer that has one."""
    found: Activation = getattr(layer, str(layer.function_option))
    return found


def _first(ask: Request) -> str | None:
    """Return the number of the first layer that does something to its Z, if any does."""
    assert ask.model is not None
    for place in ask.model.network.places:
        if isinstance(place.layer, ActivationLayer | Conv | Dense):
            g = _function(place.layer)
            if g.elementwise and not isinstance(g, Identity):
                return str(place.number)
    return None


def _beside(*parts: Grid | Arrow) -> Row:
    """Return planes with what happens between them; single rows under each other, column under column."""
    grids = [part for part in parts if isinstance(part, Grid)]
    if any(grid.shape[0] > 1 for grid in grids):
        return parts
    cells = tuple(grid.cells[0] for grid in grids)
    marks = {(n, j): role for n, grid in enumerate(grids) for (_, j), role in grid.marks.items()}
    return (Grid(cells, marks=marks, row_names=tuple(grid.caption for grid in grids)),)


def _values(passed: Passed) -> Step:
    row = _beside(
        Grid.of(passed.z, "Z", "window"), Arrow("→", f"g = {passed.g}"), Grid.of(passed.a, "A = g(Z)", "done")
    )
    told = [
        f"g({number(z)}) = {number(a)}"
        for z, a in zip(passed.z.ravel()[:MOST_TOLD], passed.a.ravel()[:MOST_TOLD], strict=True)
    ]
    lines = (passed.g.formula, ", ".join(told))
    data = {"Z": exact(passed.z), "A": exact(passed.a)}
    return Step.of("Forward: A = g(Z)", (row, (curve(passed.g, passed.z),), *lines), data)


def _slope(passed: Passed) -> Step:
    chosen: dict[Cell, Role] = dict.fromkeys(passed.kinks, "chosen")
    row = _beside(
        Grid.of(passed.z, "Z", chosen), Arrow("→", "slope there"), Grid.of(passed.slope, "g′(Z)", chosen)
    )
    lines = [passed.g.slope_formula]
    for kink in passed.g.kinks:
        taken = {float(passed.slope[cell]) for cell in passed.kinks if abs(passed.z[cell] - kink) < 1}
        here = f"; there {number(taken.pop())} is taken" if taken else ""
        lines.append(f"no derivative at z = {number(kink)}, where the curve has a kink{here}")
    if not passed.slope.any():
        lines.append("the slope is 0 everywhere here: nothing comes through on the way back")
    data = {"g_prime": exact(passed.slope), "kinks": [list(cell) for cell in passed.kinks]}
    return Step.of("The slope: g′(Z)", (row, *lines), data)


def _back(passed: Passed) -> Step:
    row = _beside(
        Grid.of(passed.da, "dA"),
        Arrow("·", "cell by cell"),
        Grid.of(passed.slope, "g′(Z)"),
        Arrow("="),
        Grid.of(passed.dz, "dZ", "done"),
    )
    lines = ["dZ = dA · g′(Z)"]
    for cell in every(passed.z)[:MOST_TOLD]:
        product = f"{factor(passed.da[cell])}·{factor(passed.slope[cell])}"
        lines.append(f"{cell_name('dZ', cell)} = {product} = {number(passed.dz[cell])}")
    return Step.of(
        "Backward: dZ = dA · g′(Z)", (row, *lines), {"dA": exact(passed.da), "dZ": exact(passed.dz)}
    )


def _checked(passed: Passed) -> Step:
    return check_step(passed.errors, *left_out(passed.g, passed.z))


def _others(passed: Passed) -> Step:
    """Return what each activation, with its usual options, makes of the first numbers."""
    z = passed.z.ravel()[None, :MOST_TOLD]
    usual = [g for kind in ACTIVATIONS.values() if (g := kind()).elementwise]
    table = np.concatenate([z, *(Passed(g, z, z).a for g in usual)])
    names = ("z", *map(str, usual))
    marks: dict[Cell, Role] = {}
    if str(passed.g) in names:
        own = names.index(str(passed.g))
        marks = dict.fromkeys([(own, j) for j in range(z.size)], "done")
    values = {name: exact(row) for name, row in zip(names, table, strict=True)}
    return Step.of(
        "Beside the others", ((Grid.of(table, "g(z)", marks, row_names=names),),), {"values": values}
    )
