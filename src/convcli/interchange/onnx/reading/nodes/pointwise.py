"""Nodes that change each number by itself, or each channel: activations, arithmetic with constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Inexpressible, Node
from convcli.interchange.onnx.reading.steps import Formula, LogSoftmax, Ours
from convcli.interchange.onnx.reading.translation import Translation, Value, translates
from convcli.wording import by

FURTHEST = 1e6  # of the limits of a clip, and of a slope of an elu

_erf = np.vectorize(math.erf, otypes=[np.float64])


@translates("Relu", "Sigmoid", "Tanh")
def plain(graph: Translation, node: Node) -> None:
    graph.name(node, graph.activation(node, graph.value(node), node.op.lower()))


@translates("LeakyRelu")
def leaky_relu(graph: Translation, node: Node) -> None:
    slope = node.number("alpha", 0.01)
    value = graph.value(node)
    if 0 <= slope <= 1:
        table = {"type": "leaky_relu", **({} if slope == 0.01 else {"slope": slope})}
        return graph.name(node, graph.activation(node, value, table))
    return graph.name(node, graph.same(node, value, Formula(lambda z: np.where(z > 0, z, slope * z))))


@translates("Elu")
def elu(graph: Translation, node: Node) -> None:
    alpha = node.number("alpha", 1.0)
    value = graph.value(node)
    if 0 < alpha <= FURTHEST:
        table = {"type": "elu", **({} if alpha == 1 else {"alpha": alpha})}
        return graph.name(node, graph.activation(node, value, table))
    return graph.name(
        node, graph.same(node, value, Formula(lambda z: np.where(z > 0, z, alpha * np.expm1(z))))
    )


@translates("Gelu")
def gelu(graph: Translation, node: Node) -> None:
    way = node.text("approximate", "none")
    function = {"type": "gelu", **({} if way == "none" else {"approximate": way})}
    graph.name(node, graph.activation(node, graph.value(node), function))


@translates("Swish")
def swish(graph: Translation, node: Node) -> None:
    beta = node.number("alpha", 1.0)
    made = Formula(lambda z: z / (1 + np.exp(-beta * z)))
    graph.name(node, graph.same(node, graph.value(node), made))


@translates("Clip")
def clip(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    low, high = (
        _limit(graph, node, position, name, usual)
        for position, name, usual in ((1, "min", -math.inf), (2, "max", math.inf))
    )
    if (low, high) == (0, math.inf):
        return graph.name(node, graph.activation(node, value, "relu"))
    if -FURTHEST <= low < high <= FURTHEST:
        limits = {name: one for name, one, usual in (("low", low, 0), ("high", high, 6)) if one != usual}
        return graph.name(node, graph.activation(node, value, {"type": "clip", **limits}))
    return graph.name(node, graph.same(node, value, Formula(lambda z: np.minimum(np.maximum(z, low), high))))


def _limit(graph: Translation, node: Node, position: int, name: str, usual: float) -> float:
    if name in node.attributes:
        return node.number(name, usual)
    limit = graph.number(node, position, name, usual)
    return limit if abs(limit) < 3e38 else math.copysign(math.inf, limit)


@translates("PRelu")
def prelu(graph: Translation, node: Node) -> None:
    why = "its slopes differ from cell to cell; prelu has one for each channel"
    value, (along,) = graph.along(node, graph.value(node), [graph.constant(node, 1, "slope")], why)
    table = {"type": "prelu", **({} if along.ndim else {"shared": True})}
    graph.name(node, graph.same(node, value, Ours(table, {"slope": along.reshape(-1)})))


@translates("Softmax", "LogSoftmax")
def softmax(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    rank, older = len(value.view.axes), graph.graph.opset < 13
    first = node.integer("axis", 1 if older else -1)
    if not -rank <= first < rank:
        raise InputError(f"{node}: damaged: there is no axis {first} of {by(value.view.shape)}.")
    over = value.view.axes[first % rank :] if older else value.view.axes[first % rank :][:1]
    atoms = {atom for one in over for atom in one}
    if atoms != {*value.view.channels} and value.view.is_flat:
        value = graph.as_flat(node, value)
    if atoms != {*value.view.channels}:
        raise Inexpressible(f"of {by(value.view.shape)} it does not take the channels of each cell")
    if node.op == "Softmax":
        return graph.name(node, graph.activation(node, value, "softmax"))
    return graph.name(node, graph.same(node, value, LogSoftmax()))


@translates("Dropout")
def dropout(graph: Translation, node: Node) -> None:
    value, training = graph.value(node), graph.optional(node, 2, "training mode")
    rate = graph.number(node, 1, "rate", node.number("ratio", 0.5))
    if training is not None and training.any() and rate:
        raise Inexpressible("it drops numbers while predicting")
    if not 0 < rate < 1:
        return graph.name(node, value)
    table = {"type": "dropout", "rate": rate}
    return graph.name(node, graph.same(node, value, Ours(table)))


@translates("Cast", "CastLike")
def cast(graph: Translation, node: Node) -> None:
    kinds = graph.onnx.TensorProto
    floats = {
        kinds.FLOAT: "float32",
        kinds.DOUBLE: "float64",
        kinds.FLOAT16: "float16",
        kinds.BFLOAT16: "bfloat16",
    }
    to = node.integer("to", 0)
    if to not in floats:
        raise Inexpressible("it makes other numbers than floats of an image's")
    if floats[to] != "float32":
        graph.notes.append(f"{node}: its {floats[to]} is float32 here")
    graph.name(node, graph.value(node))


@translates("Add", "Sub", "Mul", "Div", "Sum", "Max", "Min", "Pow")
def arithmetic(graph: Translation, node: Node) -> None:
    """Of two values or more, branches that meet; of one and constants, a factor and a term, or a formula."""
    from convcli.interchange.onnx.reading.nodes.meetings import meet

    names = [name for name in node.inputs if name]
    if node.op == "Sum" or (node.op in ("Max", "Min") and len(names) != 2):
        constants = [name for name in names if name in graph.constants]
        if len(names) == 1:
            return graph.name(node, graph.value(node))
        if constants or node.op != "Sum":
            raise Inexpressible("it takes several values and constants together")
    elif len(names) != 2:
        raise InputError(f"{node}: damaged: it takes {len(names)} values.")
    if not any(name in graph.constants for name in names):
        return graph.name(node, meet(graph, node, [graph.values[name] for name in names]))
    behind = names[1] in graph.constants
    value = graph.values[names[0] if behind else names[1]]
    constant = _placed(graph, node, value, graph.constants[names[1] if behind else names[0]])
    return graph.name(node, _with_constant(graph, node, value, constant, behind=behind))


def _placed(graph: Translation, node: Node, value: Value, constant: Array) -> Array:
    """Return a constant as NumPy would broadcast it; before opset 7 a node says from which axis on."""
    if graph.graph.opset < 7 and "axis" in node.attributes and constant.ndim:
        behind = len(value.view.axes) - node.integer("axis", 0) - constant.ndim
        return constant.reshape(*constant.shape, *[1] * max(behind, 0))
    return constant


def _with_constant(graph: Translation, node: Node, value: Value, constant: Array, *, behind: bool) -> Value:
    one, zero, op = np.ones((), np.float32), np.zeros((), np.float32), node.op
    if op in ("Add", "Sub"):
        signs = (
            -one if op == "Sub" and not behind else one,
            -constant if op == "Sub" and behind else constant,
        )
        return graph.affine(node, value, *signs)
    if op == "Mul":
        return graph.affine(node, value, constant, zero)
    if op == "Div" and behind:
        if not constant.all():
            raise Inexpressible("it divides by 0")
        return graph.affine(node, value, 1 / constant.astype(np.float64), zero)
    if constant.size != 1:
        raise Inexpressible(f"with a constant of {by(constant.shape)}")
    number = float(constant.ravel()[0])
    if op == "Pow" and behind and number == 1:
        return value
    formulas: Mapping[str, Callable[[Array], Array]] = {
        "Div": lambda z: number / z,
        "Pow": (lambda z: z**number) if behind else (lambda z: number**z),
        "Max": lambda z: np.maximum(z, number),
        "Min": lambda z: np.minimum(z, number),
    }
    return graph.same(node, value, Formula(formulas[op]))


@translates("Neg")
def negative(graph: Translation, node: Node) -> None:
    graph.name(
        node, graph.affine(node, graph.value(node), -np.ones((), np.float32), np.zeros((), np.float32))
    )


def _formula(*ops: str, of: Callable[[Node, Array], Array]) -> None:
    """Register a function that is no activation of ours, but may be a part of one."""

    def translate(graph: Translation, node: Node) -> None:
        graph.name(node, graph.same(node, graph.value(node), Formula(lambda z: of(node, z))))

    translates(*ops)(translate)


def _selu(node: Node, z: Array) -> Array:
    alpha, gamma = node.number("alpha", 1.6732632), node.number("gamma", 1.0507010)
    return gamma * np.where(z > 0, z, alpha * np.expm1(z))


def _celu(node: Node, z: Array) -> Array:
    alpha = node.number("alpha", 1.0)
    return np.maximum(z, 0) + np.minimum(0, alpha * np.expm1(z / alpha))


def _hard_sigmoid(node: Node, z: Array) -> Array:
    return np.clip(node.number("alpha", 0.2) * z + node.number("beta", 0.5), 0, 1)


_ALONE: dict[str, Callable[[Any, Array], Array]] = {
    "Erf": lambda _, z: _erf(z),
    "Exp": lambda _, z: np.exp(z),
    "Log": lambda _, z: np.log(z),
    "Sqrt": lambda _, z: np.sqrt(z),
    "Abs": lambda _, z: np.abs(z),
    "Reciprocal": lambda _, z: 1 / z,
    "Softplus": lambda _, z: np.logaddexp(0, z),
    "Softsign": lambda _, z: z / (1 + np.abs(z)),
    "Selu": _selu,
    "Celu": _celu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda _, z: z * np.clip(z / 6 + 0.5, 0, 1),
    "Mish": lambda _, z: z * np.tanh(np.logaddexp(0, z)),
    "ThresholdedRelu": lambda node, z: np.where(z > node.number("alpha", 1.0), z, 0),
}
for _op, _function in _ALONE.items():
    _formula(_op, of=_function)
