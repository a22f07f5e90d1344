"""Which axis is which in somebody else's arrays, as letters; ours are `nhwc`, `ijck`, `nhwk`, `k`.

n images, h rows, w columns, c channels, k filters, i and j rows and columns of a kernel; of dense layers n
examples, d inputs, u units. An axis that a layout lacks has one entry in ours; `1` is an axis of one entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.program import Function


@dataclass(frozen=True)
class Layout:
    """The axes of inputs, weights, outputs and biases; `flipped` kernels are given turned by 180°."""

    name: str
    x: str
    w: str = ""
    y: str = ""
    b: str = ""
    flipped: bool = False

    def axes(self, array: str) -> str:
        """Return the axes of an array by its canonical name."""
        return {"w": self.w, "dw": self.w, "b": self.b, "db": self.b, "x": self.x, "dx": self.x}.get(
            array, self.y or self.x
        )

    def words(self) -> str:
        """Return it as people write it."""

        def told(axes: str) -> str:
            return (
                "("
                + ", ".join(_WORDS.get(axis, axis) for axis in axes)
                + ("," if len(axes) == 1 else "")
                + ")"
            )

        return told(self.x) + (f", weights {told(self.w)}" if self.w else "")


_WORDS = {"i": "f_h", "j": "f_w"}

CONVOLUTIONS = (
    Layout("nhwc", "nhwc", "ijck", "nhwk", "k"),
    Layout("nchw", "nchw", "kcij", "nkhw", "k"),
    Layout("hw", "hw", "ij", "hw", ""),
    Layout("hwc", "hwc", "ijck", "hwk", "k"),
    Layout("chw", "chw", "kcij", "khw", "k"),
    Layout("nhwc", "nhwc", "kijc", "nhwk", "k"),
    Layout("hwc", "hwc", "kijc", "hwk", "k"),
    Layout("hwc", "hwc", "ijc", "hw", ""),
    Layout("chw", "chw", "cij", "hw", ""),
    Layout("hw", "hw", "kij", "hwk", "k"),
    Layout("hw", "hw", "kij", "khw", "k"),
)
VOLUMES = tuple(Layout(axes, axes, y=axes) for axes in ("nhwc", "nchw", "hw", "hwc", "chw"))
DENSE = (
    Layout("rows", "nd", "du", "nu", "u"),
    Layout("rows", "nd", "ud", "nu", "u"),
    Layout("columns", "dn", "ud", "un", "u1"),
    Layout("vector", "d", "du", "u", "u"),
    Layout("vector", "d", "ud", "u", "u"),
)
ROWS = (Layout("rows", "nd", y="nd"),)
SCORES = (Layout("rows", "nd", y="nd"), Layout("columns", "dn", y="dn"), Layout("vector", "d", y="d"))
WINDOW = (
    Layout("hwc", "ijc", "ijc", "", ""),
    Layout("chw", "cij", "cij", "", ""),
    Layout("hw", "ij", "ij", "", ""),
)
PLANE = (Layout("hw", "ij", y="ij"),)

BY_OPERATION = {
    "conv_forward": CONVOLUTIONS,
    "conv_single_step": WINDOW,
    "zero_pad": VOLUMES,
    "max_pool": VOLUMES,
    "avg_pool": VOLUMES,
    "create_mask_from_window": PLANE,
    "distribute_value": PLANE,
    "dense": DENSE,
    "dense_softmax": DENSE,
    "relu": ROWS,
    "softmax": SCORES,
    "softmax_loss": ROWS,
    "cross_entropy": ROWS,
}
NAMES = ("nhwc", "nchw", "hwc", "chw", "hw", "rows", "columns", "vector")


def canonical(operation: str, array: str) -> str:
    """Return the axes of one of our arrays."""
    family = operation.removesuffix("_backward")
    if family == "conv_forward" or operation == "conv_backward":
        return _CONVOLUTION.get(array, "nhwk")
    if family in ("zero_pad", "max_pool", "avg_pool"):
        return "nhwc"
    if family in ("dense", "dense_softmax"):
        return _DENSE.get(array, "nu")
    if family == "conv_single_step":
        return "ijc" if array in ("x", "w") else ""
    if family == "create_mask_from_window":
        return "ij"
    if family == "distribute_value":
        return "ij" if array == "dx" else ""
    if array in ("loss", "labels"):
        return "" if array == "loss" else "n"
    return "nd"


_CONVOLUTION = {"x": "nhwc", "dx": "nhwc", "w": "ijck", "dw": "ijck", "b": "k", "db": "k"}
_DENSE = {"x": "nd", "dx": "nd", "w": "du", "dw": "du", "b": "u", "db": "u"}


def laid(array: Array, ours: str, theirs: str) -> Array:
    """Return our array with their axes."""
    kept = [axis for axis in theirs if axis != "1"]
    gone = tuple(n for n, axis in enumerate(ours) if axis not in kept)
    left = [axis for axis in ours if axis in kept]
    moved = np.squeeze(array, gone).transpose([left.index(axis) for axis in kept])
    sizes = iter(moved.shape)
    return np.array(moved.reshape([1 if axis == "1" else next(sizes) for axis in theirs]), order="C")


def unlaid(array: Array, ours: str, theirs: str) -> Array:
    """Return their array with our axes; one of another number of axes stays as it is."""
    if array.ndim != len(theirs):
        return array
    if any(axis == "1" and size != 1 for axis, size in zip(theirs, array.shape, strict=True)):
        return array
    array = array.reshape([size for size, axis in zip(array.shape, theirs, strict=True) if axis != "1"])
    kept = [axis for axis in theirs if axis != "1"]
    left = [axis for axis in ours if axis in kept]
    moved = array.transpose([kept.index(axis) for axis in left])
    sizes = iter(moved.shape)
    return moved.reshape([next(sizes) if axis in kept else 1 for axis in ours])


CHANNEL = re.compile(
    r"^(n_?)?(c|ch|chan|channels?|depth|d|in_?c\w*|c_?(in|prev)|num_channels|in_depth)(_?(prev|in))?$"
)
IMAGES = re.compile(r"^(n|m|b|bs|batch\w*|samples?|num_\w*|examples)$")


def hinted(function: Function, parameter: str) -> str | None:
    """Return the layout that a function's own text gives its input: names of axes, or its docstring."""
    names = function.shapes.get(parameter)
    if names and (found := _by_names(names)):
        return found
    for names in _tuples(function.doc):
        if found := _by_names(names):
            return found
    return None


def _tuples(doc: str) -> Iterator[tuple[str, ...]]:
    """Yield what stands in brackets, parted by commas."""
    for text in re.findall(r"\(([^()]{3,60})\)", doc):
        parts = tuple(part.strip() for part in text.split(","))
        if len(parts) in (3, 4) and all(re.fullmatch(r"[A-Za-z_]\w*", part) for part in parts):
            yield parts


def _by_names(names: tuple[str, ...]) -> str | None:
    lower = [name.lower() for name in names]
    channels = [bool(CHANNEL.match(name)) for name in lower]
    if len(names) == 4 and channels[1] != channels[3]:
        return "nchw" if channels[1] else "nhwc"
    if len(names) == 4 and channels[3]:
        return "nhwc"
    if len(names) == 3 and not IMAGES.match(lower[0]):
        return "chw" if channels[0] and not channels[2] else "hwc"
    return "hw" if len(names) == 2 else None


def turned(layout: Layout) -> Layout:
    """Return a layout whose kernels are given turned by 180°, as those of a true convolution."""
    return replace(layout, flipped=True)


def turn(array: Array) -> Array:
    """Return weights (f_h, f_w, …) turned by 180°."""
    return np.ascontiguousarray(array[::-1, ::-1])
