"""A dense layer: neurons and connections, z = Wx + b, a = g(z), and dW, db, dx step by step."""

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
from convcli.explaining.elements import Arrow, Explanation, Graph, Grid, Link, Role, Row, Step, exact
from convcli.explaining.notation import cell_name, factor, number, products, total
from convcli.explaining.reading import MOST_SIDE, read_gradient
from convcli.explaining.request import Request
from convcli.explaining.topics import topic
from convcli.nn.activations import Activation
from convcli.nn.layers import ActivationLayer, Dense
from convcli.wording import by, counted

INPUT, BIAS, GRADIENT = "2 1 3", (1.0, -2.0, 1.0), "1 5 -2"
WEIGHTS = ((1, -1, 2, 0), (0, 2, -1, 1), (-1, 1, 1, -2))
MOST_INPUTS = 10  # of a trained layer
MOST_LABELS = 16  # weights that can be read on the lines of one graph


@dataclass(frozen=True, eq=False)
class Neurons:
    """z = Wx + b and a = g(z), in float64.

    Attributes
    ----------
    x, w, b, da
        (n,), (n, m) as layers have it, a column for each neuron, (m,) and (m,).
    inputs, units
        Which of them are shown.
    """

    x: Array
    w: Array
    b: Array
    da: Array
    g: Activation
    biased: bool
    inputs: list[int]
    units: range
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def layer(self) -> Alone:
        """The layer without g."""
        return Alone(Dense(units=len(self.b)), self.x[None], {"W": self.w, "b": self.b})

    @property
    def z(self) -> Array:
        """Wx + b."""
        return np.asarray(self.layer.y[0])

    @cached_property
    def through(self) -> Alone:
        """What g makes of z."""
        return Alone(ActivationLayer(function=self.g), self.z[None])

    @property
    def a(self) -> Array:
        """g(z)."""
        return np.asarray(self.through.y[0])

    @cached_property
    def slope(self) -> Array:
        """g′(z)."""
        return np.asarray(self.through.gradients(np.ones((1, len(self.b))))["x"][0])

    @cached_property
    def dz(self) -> Array:
        """da · g′(z)."""
        return np.asarray(self.through.gradients(self.da[None])["x"][0])

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """dx (n,), dW (n, m) and db (m,)."""
        found = self.layer.gradients(self.dz[None])
        return {"x": found["x"][0], "W": found["W"], "b": found["b"]}

    @cached_property
    def errors(self) -> dict[str, float]:
        """How far each gradient is from central differences, for what is shown.

        The other inputs are a part of b there: they change nothing of these.
        """
        smooth = self.da * ~on_kinks(self.g, self.z)
        dz = self.through.check(smooth[None], {"x": "dz"})
        shown, units = self.inputs, slice(self.units.start, self.units.stop)
        rest = self.z - self.x[shown] @ self.w[shown]
        few = Alone(Dense(units=len(self.b)), self.x[None, shown], {"W": self.w[shown], "b": rest})
        parts = {"W": (slice(None), units), "b": (units,)}
        return dz | few.check(self.dz[None], {"W": "dW", "b": "db", "x": "dx"}, parts)

    def column(
        self, values: Array, name: str, marks: dict[int, Role] | None = None, known: int | None = None
    ) -> Grid:
        """Return a number for each neuron that is shown, or for each input where `name` is x's."""
        of_inputs = name in ("x", "dx")
        shown = self.inputs if of_inputs else list(self.units)
        cells = [(n, 0) for n, k in enumerate(shown) if known is None or k <= known]
        roles = {(shown.index(k), 0): role for k, role in (marks or {}).items()}
        names = tuple(f"{name if name.isalpha() else 'z'}{k + 1}" for k in shown)
        return Grid.of(values[shown][:, None], name, roles, known=cells, row_names=names)

    def matrix(
        self, values: Array, name: str, marks: dict[tuple[int, int], Role], known: int | None = None
    ) -> Grid:
        """Return a row for each neuron that is shown; marks are of (neuron, input)."""
        units = list(self.units)
        rows = values[np.ix_(self.inputs, units)].T
        cells = [
            (n, i)
            for n, k in enumerate(units)
            for i in range(len(self.inputs))
            if known is None or k <= known
        ]
        roles = {(units.index(k), self.inputs.index(i)): role for (k, i), role in marks.items()}
        names = tuple(f"z{k + 1}" for k in units)
        return Grid.of(rows, f"{name}: a row for each neuron", roles, known=cells, row_names=names)


@topic(
    "dense",
    "neurons and connections: z = Wx + b, a = g(z), and dW, db, dx of each, with a numeric check",
    *("input", "kernels", "bias", "activation", "gradient", "model", "layer", "image", "filter"),
)
def dense(ask: Request) -> Explanation:
    """Return the neurons, a step for each, and the way back; `--filter` leaves one neuron.

    A row of `--kernel` has the weights of one neuron. Without `--gradient` da is 1 everywhere, but for the
    example's own.
    """
    layer = _posed(ask) if ask.model is None else _from_run(ask)
    steps = (
        _overview(layer),
        *(_neuron(layer, k) for k in layer.units),
        _through_activation(layer),
        _bias(layer),
        *(_weights(layer, k) for k in layer.units),
        *(_input(layer, i) for i in layer.inputs),
        check_step(layer.errors, *left_out(layer.g, layer.z)),
    )
    units, inputs = len(layer.units), len(layer.inputs)
    return Explanation(
        topic="dense",
        title=f"A dense layer: {counted(len(layer.x), 'input')} → {counted(len(layer.b), 'neuron')}, "
        f"g = {layer.g}",
        steps=steps,
        data={
            **layer.facts,
            "input": exact(layer.x),
            "kernel": exact(layer.w.T),
            "bias": exact(layer.b),
            "activation": str(layer.g),
            "z": exact(layer.z),
            "a": exact(layer.a),
            "da": exact(layer.da),
            "dz": exact(layer.dz),
            "dW": exact(layer.gradients["W"].T),
            "db": exact(layer.gradients["b"]),
            "dx": exact(layer.gradients["x"]),
            "relative_errors": layer.errors,
        },
        still=(0, 1, 1 + units, 2 + 2 * units, 2 + 2 * units + inputs),
        notes=layer.notes,
    )


def _posed(ask: Request) -> Neurons:
    volume = ask.numbers(INPUT).volume
    x = volume.ravel()
    notes: tuple[str, ...] = ()
    if 1 not in volume.shape[:2]:
        notes = (f"the input, {by(volume.shape)}, is laid out as one row of {x.size} numbers.",)
    if x.size > MOST_SIDE:
        raise UsageError(
            f"--input: {x.size} numbers; at most {MOST_SIDE} inputs of a dense layer can be read."
        )
    w = _rows(ask, x.size).T
    own = ask.input is None and not ask.kernels
    b = ask.bias or (BIAS if own else ())
    if b and len(b) != w.shape[1]:
        raise UsageError(
            f"--bias: expected a number for each of {counted(w.shape[1], 'neuron')}, found {len(b)}."
        )
    own = own and ask.bias == ()
    given = GRADIENT if ask.gradient is None and own else ask.gradient
    da = np.ones(w.shape[1]) if given is None else _gradient(given, w.shape[1])
    bias = np.array(b, float) if b else np.zeros(w.shape[1])
    g = activation_of(ask.activation or "relu")
    units = range(w.shape[1]) if ask.filter is None else ask.shown_filters(w.shape[1])
    return Neurons(x, w, bias, da, g, bool(b), list(range(x.size)), units, notes=notes)


def _rows(ask: Request, inputs: int) -> Array:
    """Return W as it is typed, (neurons, inputs): a row for each neuron; made to fit where none is given."""
    from convcli import kernels

    if not ask.kernels:
        return np.resize(np.array(WEIGHTS, float), (3, 4))[:, np.arange(inputs) % 4]
    parts: list[Array] = []
    for given in ask.kernels:
        kernel = kernels.parse(given) if isinstance(given, str) else given
        parts += kernel.parts
    for rows in parts:
        if rows.shape[1] != inputs:
            raise UsageError(
                f"--kernel: expected rows of {counted(inputs, 'weight')}, one for each input, "
                f"found {rows.shape[1]}."
            )
    w = np.concatenate(parts).astype(np.float64)
    if len(w) > MOST_SIDE:
        raise UsageError(f"--kernel: {len(w)} neurons; at most {MOST_SIDE} can be read.")
    return w


def _gradient(given: str | Array, count: int) -> Array:
    """Return da of so many neurons, as a row or a column."""
    if isinstance(given, str) and ";" in given:
        return read_gradient(given, (count, 1, 1)).ravel()
    if not isinstance(given, str) and given.shape[:2] == (count, 1):
        return read_gradient(given, (count, 1, 1)).ravel()
    return read_gradient(given, (1, count, 1)).ravel()


def _from_run(ask: Request) -> Neurons:
    """Return a trained layer; of many inputs those are shown that weigh most in the neuron that is shown."""
    from convcli.explaining.tensors import gradient_at, layer_of, pass_through, read_image

    assert ask.model is not None
    assert ask.image is not None
    at, layer = layer_of(ask.model, ask.layer, (Dense,))
    passage = pass_through(ask.model, read_image(ask.model, ask.image, ask.max_pixels))
    own = ask.model.weights.arrays.at(at)
    x, w = passage.trace.input(at)[0].astype(np.float64), own["W"].astype(np.float64)
    b = own["b"].astype(np.float64) if "b" in own else np.zeros(w.shape[1])
    da, name = gradient_at(passage, at)
    if ask.gradient is not None:
        da = _gradient(ask.gradient, w.shape[1])
    units = ask.shown_filters(w.shape[1])
    weighing = np.argsort(-np.abs(x * w[:, units[0]]), kind="stable")[:MOST_INPUTS]
    facts = {"layer": at, "image": ask.image.name, "loss_of_class": name}
    notes: tuple[str, ...] = (
        f"layer {at}: neuron {units[0] + 1} of {w.shape[1]}; --filter chooses another.",
    )
    if len(x) > MOST_INPUTS:
        notes += (f"{MOST_INPUTS} of {len(x)} inputs are shown, those that weigh most in it; sums have all.",)
    g = activation_of(ask.activation or layer.activation)
    return Neurons(x, w, b, da, g, "b" in own, sorted(weighing.tolist()), units, facts, notes)


def _graph(layer: Neurons, caption: str, *, unit: int | None = None, of: int | None = None) -> Graph:
    """Return the neurons; only the connections of one neuron, or of one input, stand out if it is named."""
    links = []
    labelled = len(layer.inputs) * len(layer.units) <= MOST_LABELS
    for end, k in enumerate(layer.units):
        for start, i in enumerate(layer.inputs):
            strong = unit in (None, k) and of in (None, i)
            told = strong and (labelled or (unit, of) != (None, None))
            links.append(Link(start, end, None, strong, number(layer.w[i, k]) if told else ""))
    inputs, outputs = (
        tuple(f"{name}{k + 1}" for k in shown) for name, shown in (("x", layer.inputs), ("z", layer.units))
    )
    return Graph(inputs, outputs, tuple(links), caption)


def _overview(layer: Neurons) -> Step:
    row: Row = (
        layer.matrix(layer.w, "W", {}),
        Arrow("·"),
        layer.column(layer.x, "x"),
        *((Arrow("+"), layer.column(layer.b, "b")) if layer.biased else ()),
        Arrow("="),
        layer.column(layer.z, "z", dict.fromkeys(layer.units, "done")),
        Arrow("→", f"g = {layer.g}"),
        layer.column(layer.a, "a", dict.fromkeys(layer.units, "done")),
    )
    n, m = layer.w.shape
    biases = f" + {m} of b" if layer.biased else ""
    lines = (
        f"z = W · x{' + b' if layer.biased else ''}, a = g(z), {layer.g.formula}",
        f"connections: {n} · {m} = {n * m}, each with a weight of its own",
        f"parameters: {n * m} of W{biases} = {n * m + m * layer.biased}",
    )
    data = {"z": exact(layer.z), "a": exact(layer.a), "parameters": n * m + m * layer.biased}
    return Step.of(
        "Neurons and connections", ((_graph(layer, "every input feeds every neuron"),), row, *lines), data
    )


def _neuron(layer: Neurons, k: int) -> Step:
    name, value = f"z_{k + 1}", float(layer.z[k])
    marks: dict[tuple[int, int], Role] = {(k, i): "window" for i in layer.inputs}
    row: Row = (
        _graph(layer, f"what feeds z{k + 1}", unit=k),
        layer.matrix(layer.w, "W", marks),
        Arrow("·"),
        layer.column(layer.x, "x", dict.fromkeys(layer.inputs, "window")),
        Arrow("→", f"+ b{k + 1} = {number(layer.b[k])}" if layer.biased else "sum"),
        layer.column(layer.z, "z", {k: "result"}, known=k),
    )
    bias = float(layer.b[k]) if layer.biased else None
    names = total(f"W[{k + 1}, {i + 1}]·x_{i + 1}" for i in range(len(layer.x)))
    lines = (
        f"{name} = {names}{f' + b_{k + 1}' if layer.biased else ''}",
        f"{name} = {products(layer.x, layer.w[:, k], bias)} = {number(value)}",
        f"a_{k + 1} = g({number(value)}) = {number(layer.a[k])}",
    )
    data = {
        "neuron": k + 1,
        "products": exact(layer.x * layer.w[:, k]),
        "z": exact(value),
        "a": exact(layer.a[k]),
    }
    return Step.of(f"Neuron {k + 1}", (row, *lines), data)


def _through_activation(layer: Neurons) -> Step:
    row: Row = (
        layer.column(layer.da, "da"),
        Arrow("·"),
        layer.column(layer.slope, "g′(z)"),
        Arrow("="),
        layer.column(layer.dz, "dz", dict.fromkeys(layer.units, "done")),
    )
    lines = [f"dz = da · g′(z), {layer.g.slope_formula}"]
    lines += [
        f"dz_{k + 1} = {factor(layer.da[k])}·{factor(layer.slope[k])} = {number(layer.dz[k])}"
        for k in layer.units
    ]
    if not layer.dz[list(layer.units)].any():
        lines.append("no gradient comes through: all that follows is 0")
    data = {"da": exact(layer.da), "g_prime": exact(layer.slope), "dz": exact(layer.dz)}
    return Step.of("dz: back through g", (row, *lines), data)


def _bias(layer: Neurons) -> Step:
    row: Row = (
        layer.column(layer.dz, "dz"),
        Arrow("="),
        layer.column(layer.gradients["b"], "db", dict.fromkeys(layer.units, "done")),
    )
    line = "db = dz, for z grows by as much as b does; over a batch the images' db are added"
    return Step.of("db", (row, line), {"db": exact(layer.gradients["b"])})


def _weights(layer: Neurons, k: int) -> Step:
    """Return the step with the gradient of one neuron's weights."""
    dw = layer.gradients["W"]
    marks: dict[tuple[int, int], Role] = {(j, i): "done" for j in layer.units if j < k for i in layer.inputs}
    marks |= {(k, i): "result" for i in layer.inputs}
    row: Row = (
        layer.column(layer.dz, "dz", {k: "window"}),
        Arrow("·", "times each x"),
        layer.column(layer.x, "x", dict.fromkeys(layer.inputs, "window")),
        Arrow("→", f"row {k + 1}"),
        layer.matrix(dw, "dW", marks, known=k),
    )
    lines = ["dW = dz · xᵀ: what a weight was multiplied by, times what comes back"]
    lines += [
        f"{cell_name('dW', (k, i))} = {factor(layer.dz[k])}·{factor(layer.x[i])} = {number(dw[i, k])}"
        for i in layer.inputs
    ]
    return Step.of(
        f"dW: the weights of neuron {k + 1}", (row, *lines), {"neuron": k + 1, "dW": exact(dw[:, k])}
    )


def _input(layer: Neurons, i: int) -> Step:
    """Return the step with the gradient of one input, to which all neurons that it feeds give."""
    dx = layer.gradients["x"]
    marks: dict[tuple[int, int], Role] = {(k, i): "window" for k in layer.units}
    done: dict[int, Role] = {other: "done" for other in layer.inputs if other < i}
    row: Row = (
        _graph(layer, f"what x{i + 1} feeds", of=i),
        layer.matrix(layer.w, "W", marks),
        Arrow("·"),
        layer.column(layer.dz, "dz", dict.fromkeys(layer.units, "window")),
        Arrow("→", "sum"),
        layer.column(dx, "dx", {**done, i: "result"}, known=i),
    )
    line = f"dx_{i + 1} = {products(layer.w[i], layer.dz)} = {number(dx[i])}"
    every = "dx = Wᵀ · dz: each neuron gives back through the weight by which it was fed"
    data = {"input": i + 1, "products": exact(layer.w[i] * layer.dz), "dx": exact(dx[i])}
    return Step.of(f"dx: input {i + 1}", (row, every, line), data)
