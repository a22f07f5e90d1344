"""The engine against slow loops, on the machine it runs on: a table of cases that takes every way through it.

A case is one line of `CONVOLUTIONS`, `BANDED`, `ALONE`, `POOLS`, `ADAPTIVE` or `FILTERS`; each runs in
float64 and in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import convcli.nn.layers  # noqa: F401 - registers the layers
from convcli.engine.batch import conv, pool
from convcli.engine.batch.convolution import convolution
from convcli.engine.plane.filter import filter2d
from convcli.engine.volumes import batch
from convcli.engine.workspace import Array, Workspace
from convcli.nn.layer import LAYERS
from convcli.nn.tape import Tape, Weights
from convcli.proof import reference
from convcli.shapes import IntOrPair, Window
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow

Shape4 = tuple[int, int, int, int]

# Relative to the largest number of the result. Rounding grows with the length of the sums, a thousand at
# most here; a wrong cell is wrong by tenths.
TOLERANCES = {"float64": 1e-12, "float32": 1e-5}


@dataclass(frozen=True)
class Convolution:
    """A volume (n, h, w, c_in), kernels (f_h, f_w, c_in / groups, c_out), and conv2d's options.

    `unit` is how many rows of outputs whoever takes them in bands wants together.
    """

    x: Shape4
    w: Shape4
    options: Mapping[str, Any] = field(default_factory=dict)
    unit: int = 1

    @property
    def laid(self) -> tuple[Window, int]:
        """The window and the groups."""
        options = dict(self.options)
        groups = options.pop("groups", 1)
        return Window.of(self.w[:2], **options), groups


@dataclass(frozen=True)
class Pool:
    """A volume, the window's size, and the options that both pools take; `counted` is the mean's own."""

    x: Shape4
    size: IntOrPair
    stride: IntOrPair | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    counted: bool = True


@dataclass(frozen=True)
class Adaptive:
    """A volume, and the rows and columns that come out."""

    x: Shape4
    output: IntOrPair


@dataclass(frozen=True)
class Alone:
    """A layer by its type and options, and the shape of a sample."""

    type: str
    shape: tuple[int, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Filter:
    """A plane, a kernel's shape and kind, and filter2d's options.

    `kind` is "any" (random weights), "outer" (a column times a row), "columns" (two columns, repeated) or
    "diagonal".
    """

    plane: tuple[int, int]
    kernel: tuple[int, int]
    kind: str = "any"
    options: Mapping[str, Any] = field(default_factory=dict)


CONVOLUTIONS = {
    "valid": Convolution((2, 6, 7, 3), (3, 3, 3, 4)),
    "1×1": Convolution((2, 5, 6, 3), (1, 1, 3, 4)),
    "1×1, stride 2": Convolution((2, 5, 6, 3), (1, 1, 3, 4), {"stride": 2}),
    "same": Convolution((2, 6, 7, 2), (3, 3, 2, 4), {"padding": "same"}),
    "same, even kernel": Convolution((1, 6, 5, 2), (2, 4, 2, 3), {"padding": "same"}),
    "full": Convolution((2, 5, 4, 2), (3, 2, 2, 3), {"padding": "full"}),
    "padding per side": Convolution((2, 5, 6, 2), (3, 3, 2, 3), {"padding": ((0, 2), (1, 0))}),
    "padding beyond the kernel": Convolution((1, 4, 4, 2), (2, 2, 2, 2), {"padding": 3}),
    "stride 2": Convolution((2, 7, 9, 2), (3, 3, 2, 3), {"stride": 2}),
    "stride 2×3 with remainder": Convolution((2, 8, 9, 2), (3, 3, 2, 3), {"stride": (2, 3), "padding": 1}),
    "stride beyond the kernel": Convolution((1, 9, 9, 2), (2, 2, 2, 2), {"stride": 4}),
    "dilation 2": Convolution((2, 8, 9, 2), (3, 3, 2, 3), {"dilation": 2}),
    "dilation and stride": Convolution(
        (1, 9, 9, 2), (3, 3, 2, 2), {"dilation": (2, 1), "stride": 2, "padding": 1}
    ),
    "rectangular kernel": Convolution((2, 5, 9, 2), (1, 5, 2, 3), {"padding": "same"}),
    "two groups": Convolution((2, 6, 5, 4), (3, 3, 2, 6), {"groups": 2, "padding": "same"}),
    "two groups, stride 2": Convolution((2, 6, 7, 4), (3, 3, 2, 6), {"groups": 2, "stride": 2}),
    "depthwise": Convolution((2, 6, 5, 3), (3, 3, 1, 6), {"groups": 3, "padding": "same"}),
    "depthwise, a kernel each": Convolution((2, 6, 5, 3), (3, 2, 1, 3), {"groups": 3, "padding": "same"}),
    "depthwise, stride 2×3": Convolution(
        (2, 7, 9, 5), (3, 3, 1, 5), {"groups": 5, "stride": (2, 3), "padding": ((1, 0), (0, 2))}
    ),
    "depthwise, dilation 2": Convolution((1, 7, 8, 4), (3, 3, 1, 4), {"groups": 4, "dilation": 2}),
    "depthwise, bands of one image": Convolution(
        (1, 90, 80, 24), (3, 3, 1, 24), {"groups": 24, "padding": "same"}
    ),
    "depthwise, runs shorter than a row": Convolution(
        (1, 9, 80, 60), (9, 9, 1, 60), {"groups": 60, "padding": "same"}
    ),
    "many channels in": Convolution((2, 5, 5, 20), (3, 3, 20, 4), {"padding": "same"}),
    "many channels, dilated groups": Convolution(
        (1, 7, 7, 40), (3, 3, 20, 4), {"groups": 2, "dilation": 2, "padding": "same"}
    ),
    "bands of one image": Convolution((1, 56, 60, 5), (3, 3, 5, 3), {"padding": "same"}),
    "Winograd": Convolution((2, 4, 6, 32), (3, 3, 32, 34), {"padding": "same"}),
    "Winograd, odd plane": Convolution((1, 5, 7, 33), (3, 3, 33, 32)),
    "Winograd, full": Convolution((1, 4, 5, 32), (3, 3, 32, 32), {"padding": "full"}),
    "Winograd, padding per side": Convolution((1, 6, 5, 32), (3, 3, 32, 32), {"padding": ((2, 0), (0, 1))}),
    "Winograd, bands of one image": Convolution((1, 16, 17, 480), (3, 3, 480, 32), {"padding": "same"}),
}

BANDED = {
    "pairs of rows": Convolution((2, 6, 8, 3), (3, 3, 3, 4), {"padding": "same"}, 2),
    "threes, with remainder": Convolution((2, 10, 9, 2), (3, 3, 2, 3), unit=3),
    "stride and groups": Convolution(
        (2, 13, 9, 4), (3, 3, 2, 6), {"stride": (2, 1), "groups": 2, "padding": 1}, 3
    ),
    "depthwise": Convolution((2, 7, 6, 4), (3, 2, 1, 4), {"groups": 4}, 2),
    "Winograd": Convolution((2, 9, 6, 32), (3, 3, 32, 34), {"padding": "same"}, 2),
    "Winograd, threes, with remainder": Convolution((1, 16, 5, 33), (3, 3, 33, 32), unit=3),
}

ALONE = {
    "separable, stride 2": Alone("separable_conv", (7, 8, 3), {"filters": 4, "stride": 2, "padding": "same"}),
    "separable, two kernels a channel": Alone(
        "separable_conv", (5, 6, 3), {"filters": 4, "depth_multiplier": 2}
    ),
    "transposed": Alone("transposed_conv", (4, 5, 3), {"filters": 4, "padding": 1}),
    "transposed, stride 2": Alone(
        "transposed_conv", (4, 5, 3), {"filters": 4, "stride": 2, "padding": "same", "output_padding": 1}
    ),
    "transposed, groups, dilation 2": Alone(
        "transposed_conv",
        (4, 5, 4),
        {"filters": 6, "groups": 2, "dilation": 2, "padding": [[0, 2], [1, 0]], "output_padding": 1},
    ),
    "transposed, Winograd": Alone("transposed_conv", (4, 6, 32), {"filters": 32, "padding": "same"}),
    "bilinear 2×3": Alone("upsample", (4, 5, 3), {"factor": [2, 3], "mode": "bilinear"}),
}

POOLS = {
    "touching": Pool((2, 6, 8, 3), 2),
    "remainder": Pool((2, 7, 5, 2), 2),
    "overlapping": Pool((1, 7, 9, 2), 3, 2),
    "overlapping, stride 1": Pool((1, 5, 6, 2), 2, 1),
    "gaps": Pool((1, 8, 8, 2), 2, 3),
    "rectangular": Pool((2, 6, 8, 2), (2, 3), (1, 2)),
    "whole plane": Pool((2, 4, 3, 2), (4, 3)),
    "large window": Pool((1, 20, 20, 1), 17, 1),
    "padding": Pool((2, 7, 8, 2), 3, 2, {"padding": 1}),
    "stride 1, same": Pool((2, 5, 6, 3), 3, 1, {"padding": "same"}),
    "stride 1, same, even window": Pool((1, 5, 6, 2), (2, 4), 1, {"padding": "same"}),
    "padding per side, not counted": Pool((1, 6, 7, 2), 3, 2, {"padding": ((0, 2), (1, 0))}, False),
    "dilation": Pool((1, 8, 9, 2), 3, 1, {"dilation": (2, 1), "padding": 1}),
    "rounded up": Pool((2, 7, 8, 2), 3, 2, {"ceil_mode": True}),
    "rounded up, touching": Pool((1, 5, 7, 2), 2, None, {"ceil_mode": True}),
    "rounded up, padded": Pool((1, 7, 6, 2), (3, 4), (2, 3), {"padding": 1, "ceil_mode": True}),
    "large window, padded": Pool((1, 9, 8, 2), 7, 2, {"padding": 3}),
}

ADAPTIVE = {
    "even": Adaptive((2, 6, 8, 2), (3, 2)),
    "uneven": Adaptive((2, 5, 7, 2), 3),
    "one": Adaptive((1, 4, 5, 3), 1),
    "larger than the plane": Adaptive((1, 3, 2, 1), (5, 4)),
    "with something in common": Adaptive((1, 8, 9, 1), 6),
}

FILTERS = {
    "3×3": Filter((23, 31), (3, 3)),
    "even kernel": Filter((23, 31), (4, 2)),
    "valid, stride 2×3": Filter((24, 31), (3, 5), options={"padding": "valid", "stride": (2, 3)}),
    "full, dilation 2": Filter((20, 21), (3, 3), options={"padding": "full", "dilation": 2}),
    "outer product 9×9": Filter((40, 50), (9, 9), "outer"),
    "outer product, stride 2": Filter((40, 51), (7, 5), "outer", {"stride": 2}),
    "outer product 21×1": Filter((50, 40), (21, 1), "outer"),
    "repeated columns 7×7": Filter((40, 50), (7, 7), "columns"),
    "11×11": Filter((40, 50), (11, 11)),
    "diagonal 5×5": Filter((23, 31), (5, 5), "diagonal"),
    "diagonal 4×4, stride 2": Filter((23, 31), (4, 4), "diagonal", {"stride": 2}),
    "33×35, Fourier": Filter((90, 80), (33, 35)),
    "33×35, Fourier, several blocks": Filter((150, 140), (33, 35), options={"stride": 2}),
    "several blocks": Filter((520, 520), (3, 2), options={"stride": 4}),
    **{
        f"border {border}": Filter((5, 6), (9, 4), options={"border": border, "fill": 0.7})
        for border in ("reflect", "zero", "edge", "symmetric", "wrap", "constant")
    },
    "convolve": Filter((12, 13), (3, 4), options={"op": "convolve", "padding": "valid"}),
}


@dataclass(frozen=True)
class Verdict:
    """How far each result of a case (y, dx, dw, db) is from the slow loops', relative to its largest one."""

    operation: str
    case: str
    dtype: str
    errors: dict[str, float]

    @property
    def error(self) -> float:
        """The largest of them."""
        return max(self.errors.values())

    @property
    def failed(self) -> dict[str, float]:
        """Those that are not below the tolerance of the dtype."""
        return {name: error for name, error in self.errors.items() if not error < TOLERANCES[self.dtype]}


Results = dict[str, tuple[Array, Array]]


def verify(seed: int = 0) -> Iterator[Verdict]:
    """Yield the verdict on every case in both dtypes, in the order of the tables."""
    for operation, cases, run in _OPERATIONS:
        for number, (name, case) in enumerate(cases.items()):
            for dtype in TOLERANCES:
                rng = np.random.default_rng((seed, number))
                results = run(case, np.dtype(dtype), rng)
                errors = {what: _error(*pair, dtype) for what, pair in results.items()}
                yield Verdict(operation, name, dtype, errors)


def _error(fast: Array, slow: Array, dtype: str) -> float:
    """Return the largest difference, relative to the largest number; infinite for another shape or dtype."""
    if fast.shape != slow.shape or fast.dtype != dtype:
        return float("inf")
    largest, difference = np.abs(slow).max(initial=0), np.abs(fast - slow).max(initial=0)
    error = float(difference / largest) if largest else float(difference)
    return error if error == error else float("inf")  # NaN holds nowhere


def _convolution(case: Convolution, dtype: np.dtype[Any], rng: np.random.Generator) -> Results:
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in (case.x, case.w, case.w[3:]))
    window, groups = case.laid
    y, slow = conv.conv2d(x, w, b, **case.options), reference.conv2d(x, w, b, window, groups)
    dy = rng.standard_normal(slow.shape).astype(dtype)
    fast_gradients = conv.conv2d_backward(dy, x, w, **case.options)
    gradients = zip(fast_gradients, reference.conv2d_backward(dy, x, w, window, groups), strict=True)
    return {"y": (y, slow), **dict(zip(("dx", "dw", "db"), gradients, strict=True))}


def _banded(case: Convolution, dtype: np.dtype[Any], rng: np.random.Generator) -> Results:
    window, groups = case.laid
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (case.x, case.w))
    slow = reference.conv2d(x, w, np.zeros(w.shape[3]), window, groups)
    y, fast = np.full(slow.shape, np.nan, dtype), convolution(x.shape[1:], w.shape[3], window, groups)
    for rows, z in fast.bands(x, w, Workspace(), case.unit, 0):
        y[:, rows] = batch(z)
    return {"y": (y, slow)}


def _pooling(kind: str, case: Pool, dtype: np.dtype[Any], rng: np.random.Generator) -> Results:
    window = PoolWindow.of(case.size, stride=case.stride, **case.options)
    counted = {} if kind == "max" else {"count_include_pad": case.counted}
    options = {**case.options, **counted}
    fast = (
        partial(getattr(pool, f"{kind}_pool2d{way}"), size=case.size, stride=case.stride, **options)
        for way in ("", "_backward")
    )
    slow = (
        partial(getattr(reference, f"{kind}_pool2d{way}"), window=window, **counted)
        for way in ("", "_backward")
    )
    return _pooled_both_ways(kind, case.x, dtype, rng, *fast, *slow)


def _adaptive(kind: str, case: Adaptive, dtype: np.dtype[Any], rng: np.random.Generator) -> Results:
    window = AdaptiveWindow.of(case.output)
    fast = (
        partial(getattr(pool, f"adaptive_{kind}_pool2d{way}"), output_size=case.output)
        for way in ("", "_backward")
    )
    slow = (partial(getattr(reference, f"{kind}_pool2d{way}"), window=window) for way in ("", "_backward"))
    return _pooled_both_ways(kind, case.x, dtype, rng, *fast, *slow)


def _pooled_both_ways(
    kind: str, shape: Shape4, dtype: np.dtype[Any], rng: np.random.Generator, *functions: Callable[..., Array]
) -> Results:
    """Return y and dx of a pool and its gradient, as computed fast and slowly."""
    fast, fast_backward, slow, slow_backward = functions
    # Of few values for a maximum, so that many windows tie.
    x = (rng.integers(0, 4, shape) if kind == "max" else rng.standard_normal(shape)).astype(dtype)
    y = slow(x)
    dy = rng.standard_normal(y.shape).astype(dtype)
    return {"y": (fast(x), y), "dx": (fast_backward(dy, x), slow_backward(dy, x))}


def filter_kernel(case: Filter, rng: np.random.Generator) -> Array:
    """Return the weights of a case."""
    rows, columns = case.kernel
    if case.kind == "outer":
        return np.outer(rng.standard_normal(rows), rng.standard_normal(columns))
    if case.kind == "columns":
        pair = rng.standard_normal((rows, 2))
        return pair[:, np.arange(columns) % 2] * (1.0 + np.arange(columns) // 2)
    if case.kind == "diagonal":
        return np.diag(rng.standard_normal(rows))
    return rng.standard_normal(case.kernel)


def _filter(case: Filter, dtype: np.dtype[Any], rng: np.random.Generator) -> Results:
    plane, kernel = rng.standard_normal(case.plane).astype(dtype), filter_kernel(case, rng)
    options = {"padding": "same", "border": "reflect", "fill": 0.0, "op": "correlate", **case.options}
    fast = filter2d(plane, kernel, **options)
    border, fill, op = (options.pop(name) for name in ("border", "fill", "op"))
    laid = kernel[::-1, ::-1] if op == "convolve" else kernel
    return {"y": (fast, reference.filter2d(plane, laid, Window.of(case.kernel, **options), border, fill))}


def _layer(case: Alone, dtype: np.dtype[Any], rng: np.random.Generator) -> Results:
    layer = LAYERS[case.type](**case.options)
    x = rng.standard_normal((2, *case.shape)).astype(dtype)
    initial = layer.initial_weights(case.shape)
    weights = Weights({name: rng.standard_normal(one.shape).astype(dtype) for name, one in initial.items()})
    return {"y": (layer.forward(x, weights, Tape()), _SLOWLY[case.type](x, weights, layer))}


def _separable(x: Array, weights: Weights, layer: Any) -> Array:
    w, p = weights["W"], weights["P"]
    mid = reference.conv2d(x, w, np.zeros(w.shape[3]), layer.window(()), x.shape[3])
    return reference.conv2d(mid, p, weights["b"], Window.of(1))


_SLOWLY: dict[str, Callable[[Array, Weights, Any], Array]] = {
    "separable_conv": _separable,
    "transposed_conv": lambda x, weights, layer: reference.transposed_conv2d(
        x, weights["W"], weights["b"], layer.transposed(()), layer.groups
    ),
    "upsample": lambda x, _, layer: reference.bilinear(x, layer.factor),
}

_OPERATIONS: tuple[tuple[str, Mapping[str, Any], Callable[..., Results]], ...] = (
    ("conv2d", CONVOLUTIONS, _convolution),
    ("conv2d in bands", BANDED, _banded),
    ("layer", ALONE, _layer),
    ("max_pool2d", POOLS, partial(_pooling, "max")),
    ("avg_pool2d", POOLS, partial(_pooling, "avg")),
    ("adaptive_max_pool2d", ADAPTIVE, partial(_adaptive, "max")),
    ("adaptive_avg_pool2d", ADAPTIVE, partial(_adaptive, "avg")),
    ("filter2d", FILTERS, _filter),
)
