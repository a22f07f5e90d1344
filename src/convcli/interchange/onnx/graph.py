"""A graph of ONNX while it is put together: nodes, the arrays that go into them, and their opset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.extras import extra
from convcli.nn.layer import Shape

LEAST = 9
"""The opset that came with IR version 4, the first whose files may have weights that are no inputs."""

MOST = 17
"""From 18 on ReduceMean and ReduceMax are told their axes in another way."""


@dataclass(frozen=True)
class Value:
    """What goes from one node to others: its name, and the shape of one sample as layers have it.

    Of (h, w, c) it is (n, c, h, w) in the graph, of (features,) it is (n, features).
    """

    name: str
    shape: Shape

    @property
    def is_volume(self) -> bool:
        """Whether it is (n, c, h, w)."""
        return len(self.shape) == 3


class Graph:
    """Nodes in their order, and the arrays that go into them.

    Operators change from opset to opset. Each node here says since which it is what it is, and is written so
    that it means the same in all from there to `MOST`: so the newest that one of them asks for has them all.

    Attributes
    ----------
    opset
        The oldest that has all nodes so far.
    because_of
        The operators that ask for it; none where it is the one that there is at least.
    """

    def __init__(self, least: int = LEAST) -> None:
        self._onnx = extra("onnx", "onnx", "export --to onnx")
        self.opset = least
        self.because_of: list[str] = []
        self._nodes: list[Any] = []
        self._arrays: list[Any] = []
        self._place: tuple[str, ...] = ()
        self._names: set[str] = set()

    @property
    def float_type(self) -> int:
        """The number of float32 among ONNX's types."""
        return int(self._onnx.TensorProto.FLOAT)

    @contextmanager
    def within(self, part: str) -> Iterator[None]:
        """Name what is added after a part of the network: the number of a layer, within that of another."""
        before = self._place
        self._place = (*before, part)
        yield
        self._place = before

    @property
    def place(self) -> str:
        """The part that is being added, such as 3.1."""
        return ".".join(self._place)

    def node(
        self, operator: str, *inputs: str, since: int = LEAST, unused: int = 0, **attributes: Any
    ) -> str:
        """Add a node, and return the name of its output, the first if there are `unused` ones behind it.

        The node means what it is to from the opset `since` on.
        """
        if since > self.opset:
            self.opset, self.because_of = since, []
        if since == self.opset > LEAST and operator not in self.because_of:
            self.because_of.append(operator)
        name = self._unique(f"{self.place}/{operator}")
        outputs = [name, *(self._unique(f"{name}_unused") for _ in range(unused))]
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, outputs, name, **attributes))
        return name

    def floats(self, name: str, array: Array | float) -> str:
        """Add an array of float32, and return its name."""
        return self._array(name, np.asarray(array, np.float32))

    def of_channels(self, name: str, array: Array, x: Value) -> str:
        """Add an array that has a number for each channel of x, or one for all, and return its name."""
        return self.floats(name, array.reshape(-1, 1, 1) if x.is_volume and array.size > 1 else array)

    def integers(self, name: str, array: Array | Sequence[int]) -> str:
        """Add an array of int64, such as sizes and indices, and return its name."""
        return self._array(name, np.asarray(array, np.int64))

    def _array(self, name: str, array: Array) -> str:
        name = self._unique(f"{self.place}.{name}")
        self._arrays.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._names:
            number += 1
            found = f"{name}_{number}"
        self._names.add(found)
        return found

    def call(self, name: str, to: str) -> None:
        """Give the output of a node another name, under which it leaves the graph."""
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [to if each == name else each for each in names]

    def proto(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
        """Return it as a GraphProto with these inputs and outputs."""
        return self._onnx.helper.make_graph(self._nodes, name, inputs, outputs, self._arrays)
