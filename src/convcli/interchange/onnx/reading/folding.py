"""Constants that follow from others are computed: shapes put together by nodes, weights that nodes turn.

ONNX's own reference evaluator does it, for operations whose results are no larger than what goes in, or
whose size is known before. What is filled with one number is a view that takes no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Node
from convcli.nn.places import MOST_NUMBERS
from convcli.wording import shortened

MOST_FOLDED = 1 << 26  # numbers of a constant that is computed; weights that only change shape may be larger

_ODD = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
_VIEWS = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose"}
_SMALLER = {
    *_VIEWS,
    *("Cast", "Slice", "Shape", "Size", "Concat", "Neg", "Sqrt", "Reciprocal", "Abs", "Floor", "Ceil", "Not"),
    *("ReduceProd", "ReduceSum", "ReduceMean", "Exp", "Log", "Round", "Sign"),
}
_BROADCAST = {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mod", "Equal", "Where", "Less", "Greater"}


def folded(
    onnx: Any, node: Node, constants: Mapping[str, Array], opset: int, where: str
) -> dict[str, Array] | None:
    """Return the constants that a node makes; None if it takes others, or is not one that makes constants."""
    given = [constants.get(name) for name in node.inputs if name]
    if any(array is None for array in given) or len([name for name in node.outputs if name]) != 1:
        return None
    arrays: list[Array] = [array for array in given if array is not None]
    compute = _FOLDERS.get(node.op)
    if compute is None:
        return None
    try:
        made = compute(_Task(onnx, node, arrays, opset))
        if made.dtype.kind not in "fiub":
            raise TypeError("it makes no numbers")
    except _ODD as error:
        raise InputError(f"{where}: {node}: cannot be computed ({shortened(str(error))}).") from error
    return {node.outputs[0]: made}


@dataclass(frozen=True, eq=False)
class _Task:
    """A node and the constants that it takes."""

    onnx: Any
    node: Node
    arrays: list[Array]
    opset: int


def _constant(task: _Task) -> Array:
    node = task.node
    if "value" in node.attributes:
        return np.asarray(node.attributes["value"])
    if "value_float" in node.attributes:
        return np.asarray(node.number("value_float", 0.0), np.float32)
    if "value_int" in node.attributes:
        return np.asarray(node.attributes["value_int"], np.int64)
    if "value_ints" in node.attributes:
        return np.asarray(node.attributes["value_ints"], np.int64)
    return np.asarray(node.attributes["value_floats"], np.float32)


def _filled(task: _Task) -> Array:
    """Return what ConstantOfShape makes: one number, seen as an array."""
    value = np.asarray(task.node.attributes.get("value", np.zeros(1, np.float32)))
    return _broadcast(value.reshape(()), task.arrays[0])


def _expanded(task: _Task) -> Array:
    array, told = task.arrays
    shape = np.broadcast_shapes(array.shape, tuple(int(size) for size in told.ravel()))
    return _broadcast(array, np.asarray(shape, np.int64))


def _broadcast(array: Array, shape: Array) -> Array:
    sizes = [int(size) for size in shape.ravel()]
    if len(sizes) > 16 or any(size < 0 for size in sizes) or math.prod(sizes) > MOST_NUMBERS:
        raise ValueError(f"a shape of {shortened(str(sizes))}")
    return np.broadcast_to(array, sizes)


def _small(task: _Task) -> Array:
    """Compute what makes no more than it takes; of what a file holds, views may be as large as it is."""
    if task.node.op not in _VIEWS or any(0 in array.strides for array in task.arrays):
        _check(sum(array.size for array in task.arrays))
    return _evaluated(task)


def _gathered(task: _Task) -> Array:
    data, indices = task.arrays
    _check(indices.size * math.prod(data.shape[1:]) + indices.size * math.prod(data.shape[:-1]))
    return _evaluated(task)


def _together(task: _Task) -> Array:
    _check(math.prod(np.broadcast_shapes(*(array.shape for array in task.arrays))))
    return _evaluated(task)


def _check(numbers: int) -> None:
    if numbers > MOST_FOLDED:
        raise ValueError(f"it would take {numbers:,} numbers")


def _evaluated(task: _Task) -> Array:
    """Return what ONNX's reference evaluator says that a node makes."""
    onnx, node = task.onnx, task.node
    from onnx.reference import ReferenceEvaluator

    names = [f"x{number}" if name else "" for number, name in enumerate(node.inputs)]
    attributes = {name: _as_attribute(onnx, value) for name, value in node.attributes.items()}
    proto = onnx.helper.make_node(node.op, names, ["y"], **attributes)
    inputs = [onnx.helper.make_tensor_value_info(name, 1, None) for name in names if name]
    outputs = [onnx.helper.make_tensor_value_info("y", 1, None)]
    graph = onnx.helper.make_graph([proto], "g", inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", task.opset)])
    filled = dict(zip([name for name in names if name], task.arrays, strict=True))
    with np.errstate(all="ignore"):
        (made,) = ReferenceEvaluator(model).run(None, filled)
    made = np.asarray(made)
    return made.astype(np.float32) if made.dtype.kind == "f" else made


def _as_attribute(onnx: Any, value: Any) -> Any:
    return onnx.numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value


_FOLDERS: Mapping[str, Callable[[_Task], Array]] = {
    **dict.fromkeys(_SMALLER, _small),
    **dict.fromkeys(_BROADCAST, _together),
    "Gather": _gathered,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Expand": _expanded,
}
