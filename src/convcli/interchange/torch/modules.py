"""PyTorch's modules as one writes them down, and where in them each array of ours lies, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.layer import Shape

WIDTH = 88  # of a line, as formatters have it that nobody has told otherwise
INDENT = "    "


@dataclass(frozen=True)
class Tensor:
    """One of our arrays as PyTorch has it: its axes split, put in another order, and joined again.

    Attributes
    ----------
    name
        Our name of it, `1.W`.
    split
        Its shape once its axes are split: that of the array, where they stay as they are.
    axes
        The order that they are put in.
    shape
        PyTorch's shape.
    """

    name: str
    split: Shape
    axes: tuple[int, ...]
    shape: Shape

    def of(self, array: Array) -> Array:
        """Return our array as PyTorch has it, contiguous."""
        return np.ascontiguousarray(array.reshape(self.split).transpose(self.axes).reshape(self.shape))

    def back(self, tensor: Array, shape: Shape) -> Array:
        """Return PyTorch's tensor as our array of `shape`."""
        moved = tensor.reshape([self.split[axis] for axis in self.axes])
        return np.ascontiguousarray(moved.transpose(np.argsort(self.axes)).reshape(shape))


class Child(NamedTuple):
    """A module in another: under which attribute, by which keyword if by one."""

    attribute: str
    module: Module
    keyword: str = ""


Tensors: TypeAlias = dict[str, Tensor]


@dataclass(frozen=True)
class Module:
    """A call that makes a module: `nn.Conv2d(1, 8, 3, padding=1)`.

    Attributes
    ----------
    call
        What is called: of `nn`, or a class of `parts.py`.
    arguments
        As text, keywords too.
    children
        The modules among its arguments, which come first unless they have a keyword.
    tensors
        What arrays its own parameters and buffers are, by their names.
    """

    call: str
    arguments: tuple[str, ...] = ()
    children: tuple[Child, ...] = ()
    tensors: Tensors = field(default_factory=dict)

    def named(self, prefix: str) -> Iterator[tuple[str, Tensor]]:
        """Yield its tensors, and those of the modules in it, by their names in a state_dict."""
        for name, tensor in self.tensors.items():
            yield f"{prefix}.{name}", tensor
        for child in self.children:
            yield from child.module.named(f"{prefix}.{child.attribute}")

    def calls(self) -> Iterator[str]:
        """Yield what is called, in it too."""
        yield self.call
        for child in self.children:
            yield from child.module.calls()

    def text(self, before: str = "", after: str = "") -> str:
        """Return it as one would write it, on as many lines as it takes; the first begins with `before`."""
        indent = before[: len(before) - len(before.lstrip())]
        inner = indent + INDENT
        if (times := self._times) > 1:
            one = self.children[0].module
            copies = f"*({one.text()} for _ in range({times}))"
            if _fits(line := f"{before}{self.call}({copies}){after}"):
                return line
            if not _fits(inner + copies):
                deeper = inner + INDENT
                copies = f"*(\n{one.text(deeper)}\n{deeper}for _ in range({times})\n{inner})"
            return f"{before}{self.call}(\n{inner}{copies}\n{indent}){after}"
        if not self._in_lines:
            first = [child.module.text() for child in self.children if not child.keyword]
            last = [f"{child.keyword}={child.module.text()}" for child in self.children if child.keyword]
            line = f"{before}{self.call}({', '.join([*first, *self.arguments, *last])}){after}"
            if _fits(line):
                return line
        first = [child.module.text(inner, ",") for child in self.children if not child.keyword]
        own = [f"{inner}{argument}," for argument in self.arguments]
        keyed = [child for child in self.children if child.keyword]
        last = [child.module.text(f"{inner}{child.keyword}=", ",") for child in keyed]
        return "\n".join([f"{before}{self.call}(", *first, *own, *last, f"{indent}){after}"])

    @property
    def _in_lines(self) -> bool:
        """Whether each module in it has a line of its own, though one would do."""
        return len([child for child in self.children if not child.keyword]) > 1

    @property
    def _times(self) -> int:
        """How often it has the same module in a row, and nothing else."""
        if self.call != SEQUENTIAL or len(self.children) < 2:
            return 1
        texts = {child.module.text() for child in self.children}
        return len(self.children) if len(texts) == 1 else 1


def _fits(line: str) -> bool:
    return "\n" not in line and len(line) <= WIDTH


SEQUENTIAL = "nn.Sequential"


def in_a_row(modules: list[Module]) -> Module:
    """Return modules one after the other as one."""
    if not modules:
        return Module("nn.Identity")
    if len(modules) == 1:
        return modules[0]
    return Module(SEQUENTIAL, children=tuple(Child(str(n), module) for n, module in enumerate(modules)))
