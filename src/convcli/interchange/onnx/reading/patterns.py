"""Several nodes that are one operator: a normalisation written out, as before opset 17 it had to be.

What is normalised may have lost its mean beforehand, as what was written here has: that changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from convcli.engine.workspace import Array
from convcli.interchange.onnx.reading.graph import Graph, Node


class _Normal(NamedTuple):
    """(x − mean) / √(variance + epsilon), over some axes."""

    x: str
    axes: tuple[int, ...]
    epsilon: float


def simplified(graph: Graph) -> Graph:
    """Return the graph with a LayerNormalization wherever its parts stand; `axes` are an attribute there."""
    return replace(graph, nodes=tuple(_Patterns(graph).nodes()))


class _Patterns:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers: dict[str, Node] = {name: node for node in graph.nodes for name in node.outputs}
        self.takers: Mapping[str, list[Node]] = defaultdict(list)
        for node in graph.nodes:
            for name in node.inputs:
                self.takers[name].append(node)

    def nodes(self) -> list[Node]:
        """Return the nodes; what a pattern has made superfluous nobody takes any more."""
        placed: dict[Node, Node] = {}
        for node in self.graph.nodes:
            whole = node.op in ("Div", "Mul") and len(node.inputs) == 2
            normal = self._normal(node) if whole else None
            if normal is not None:
                end, scale, shift = self._scaled(node)
                attributes = {"axes": list(normal.axes), "epsilon": normal.epsilon}
                inputs = (normal.x, scale, shift)
                placed[end] = Node("LayerNormalization", node.name, inputs, end.outputs[:1], attributes)
            elif node.op == "InstanceNormalization" and (rows := self._rows(node.inputs[0])):
                placed[node] = replace(node, inputs=(rows, *node.inputs[1:]))
        return [placed.get(node, node) for node in self.graph.nodes]

    def _rows(self, name: str) -> str | None:
        """Return x (n, channels, …), made by a Reshape to three axes, of x − mean(x) over the last one."""
        found = self._mean_apart(name)
        shaped = None if found is None or found[1] != (2,) else self._made(found[0], "Reshape")
        sizes = None if shaped is None else self._constant(shaped.input(1))
        return found[0] if found is not None and sizes is not None and sizes.size == 3 else None

    def _scaled(self, node: Node) -> tuple[Node, str, str]:
        """Return the last node of a normalisation that ends with a factor and a term, and their names."""
        factor = self._next(node, "Mul")
        if factor is None:
            return node, "", ""
        term = self._next(factor[0], "Add")
        return (factor[0], factor[1], "") if term is None else (term[0], factor[1], term[1])

    def _next(self, node: Node, op: str) -> tuple[Node, str] | None:
        """Return the only node behind one, if it is of this operator, and its other input, a constant."""
        takers = self.takers[node.outputs[0]]
        if len(takers) != 1 or takers[0].op != op or node.outputs[0] == self.graph.output:
            return None
        others = [name for name in takers[0].inputs if name != node.outputs[0]]
        constant = len(others) == 1 and self._constant(others[0]) is not None
        return (takers[0], others[0]) if constant else None

    def _normal(self, node: Node) -> _Normal | None:
        """Return what a quotient normalises, or a product with the reciprocal; None if it does not."""
        for apart, root in (node.inputs, node.inputs[::-1]) if node.op == "Mul" else (node.inputs,):
            inside = self._root(root) if node.op == "Div" else self._reciprocal(root)
            mean = self._mean_apart(apart)
            if inside is None or mean is None:
                continue
            x, axes = mean
            spread = self._spread(inside)
            if spread is not None and spread[0] == x and spread[1] == axes:
                return _Normal(x, axes, spread[2])
        return None

    def _root(self, name: str) -> str | None:
        node = self._made(name, "Sqrt")
        if node is not None:
            return node.inputs[0]
        power = self._made(name, "Pow")
        return power.inputs[0] if power is not None and self._number(power.inputs[1]) == 0.5 else None

    def _reciprocal(self, name: str) -> str | None:
        node = self._made(name, "Reciprocal")
        if node is not None:
            return self._root(node.inputs[0])
        quotient = self._made(name, "Div")
        if quotient is not None and self._number(quotient.inputs[0]) == 1:
            return self._root(quotient.inputs[1])
        power = self._made(name, "Pow")
        return power.inputs[0] if power is not None and self._number(power.inputs[1]) == -0.5 else None

    def _spread(self, name: str) -> tuple[str, tuple[int, ...], float] | None:
        """Return (x, axes, epsilon) of a variance with its epsilon."""
        node = self._made(name, "Add")
        if node is None:
            return None
        for variance, added in (node.inputs, node.inputs[::-1]):
            epsilon, mean = self._number(added), self._made(variance, "ReduceMean")
            if epsilon is None or mean is None or (axes := self._axes(mean)) is None:
                continue
            apart = self._squared(mean.inputs[0])
            found = None if apart is None else self._mean_apart(apart)
            if found is not None and found[1] == axes:
                return found[0], axes, epsilon
        return None

    def _squared(self, name: str) -> str | None:
        product = self._made(name, "Mul")
        if product is not None and product.inputs[0] == product.inputs[1]:
            return product.inputs[0]
        power = self._made(name, "Pow")
        return power.inputs[0] if power is not None and self._number(power.inputs[1]) == 2 else None

    def _mean_apart(self, name: str) -> tuple[str, tuple[int, ...]] | None:
        """Return (x, axes) of x − mean(x), or of the same done twice."""
        found = self._once_apart(name)
        before = None if found is None else self._once_apart(found[0])
        return before if before is not None and found is not None and before[1] == found[1] else found

    def _once_apart(self, name: str) -> tuple[str, tuple[int, ...]] | None:
        difference = self._made(name, "Sub")
        mean = None if difference is None else self._made(difference.inputs[1], "ReduceMean")
        if difference is None or mean is None or mean.inputs[0] != difference.inputs[0]:
            return None
        axes = self._axes(mean)
        return None if axes is None else (difference.inputs[0], axes)

    def _made(self, name: str, op: str) -> Node | None:
        node = self.makers.get(name)
        usual = {"Mul": 2, "Add": 2, "Sub": 2, "Div": 2, "Pow": 2}.get(op, 1)
        return node if node is not None and node.op == op and len(node.inputs) >= usual else None

    def _axes(self, node: Node) -> tuple[int, ...] | None:
        """Return the axes of a mean that keeps them."""
        given = self._constant(node.input(1)) if node.input(1) else None
        told = node.integers("axes") if given is None else tuple(int(number) for number in given.ravel()[:8])
        return told if told and node.integer("keepdims", 1) else None

    def _number(self, name: str) -> float | None:
        found = self._constant(name)
        return float(found.ravel()[0]) if found is not None and found.size == 1 else None

    def _constant(self, name: str) -> Array | None:
        found = self.graph.constants.get(name)
        maker = self.makers.get(name)
        if found is None and maker is not None and maker.op == "Constant" and "value" in maker.attributes:
            found = maker.attributes["value"]
        return found if isinstance(found, np.ndarray) else None
