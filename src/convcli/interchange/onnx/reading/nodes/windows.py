"""Nodes that slide windows, or lay them down: convolutions, pools; what resizes planes, and their borders."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Inexpressible, Node
from convcli.interchange.onnx.reading.steps import Border, Ours
from convcli.interchange.onnx.reading.translation import Translation, Value, translates
from convcli.interchange.onnx.reading.views import View, axis
from convcli.nn.layer import Shape
from convcli.shapes import Pair, Sides
from convcli.wording import by

LONGEST = 1 << 20  # cells of a side that is resized


@translates("Conv")
def conv(graph: Translation, node: Node) -> None:
    value = graph.volume(node)
    kernels, bias = _kernels(graph, node), graph.optional(node, 2, "bias")
    size = kernels.shape[2:]
    stride, dilation = _pair_of(node, "strides"), _pair_of(node, "dilations")
    padding = _padding(node, value.view.own_shape[:2], size, stride, dilation)
    table = {
        **_window("conv", kernels.shape[0], size, stride, dilation, padding),
        **_unless("groups", node.integer("group", 1), 1),
    }
    weights = {"W": kernels.transpose(2, 3, 1, 0)}
    graph.name(node, graph.layer(node, value, *_with_bias(table, weights, bias)))


@translates("ConvTranspose")
def transposed_conv(graph: Translation, node: Node) -> None:
    value = graph.volume(node)
    kernels, bias = _kernels(graph, node), graph.optional(node, 2, "bias")
    size, groups = kernels.shape[2:], node.integer("group", 1)
    stride, dilation = _pair_of(node, "strides"), _pair_of(node, "dilations")
    beyond = _pair_of(node, "output_padding", 0)
    plane, wanted = value.view.own_shape[:2], node.integers("output_shape")
    automatic = node.text("auto_pad", "NOTSET")
    sides = _sides(node)
    if wanted is None and automatic.startswith("SAME"):
        wanted = (plane[0] * stride[0], plane[1] * stride[1])
    if wanted is not None:
        if len(wanted) < 2:
            raise InputError(f"{node}: damaged: its output_shape is no plane.")
        sums = [
            s * (n - 1) + more + d * (f - 1) + 1 - out
            for n, f, s, d, more, out in zip(plane, size, stride, dilation, beyond, wanted[-2:], strict=True)
        ]
        beyond = (beyond[0] - min(sums[0], 0), beyond[1] - min(sums[1], 0))
        halves = [max(total, 0) // 2 for total in sums]
        rests = [max(total, 0) - half for total, half in zip(sums, halves, strict=True)]
        upper = automatic == "SAME_UPPER"
        first, last = (halves, rests) if upper else (rests, halves)
        sides = ((first[0], last[0]), (first[1], last[1]))
    table = {
        **_window("transposed_conv", kernels.shape[1] * groups, size, stride, dilation, sides),
        **_unless("groups", groups, 1),
        **_unless("output_padding", _short(beyond), 0),
    }
    weights = {"W": kernels.transpose(2, 3, 1, 0)}
    graph.name(node, graph.layer(node, value, *_with_bias(table, weights, bias)))


def _kernels(graph: Translation, node: Node) -> Array:
    kernels = graph.constant(node, 1, "kernels")
    if kernels.ndim != 4:
        raise Inexpressible(f"its kernels of {by(kernels.shape)} are not those of planes")
    told = node.integers("kernel_shape")
    if (told is not None and told != kernels.shape[2:]) or not kernels.size:
        raise InputError(f"{node}: damaged: kernels of {by(kernels.shape)} are said to be {told}.")
    return kernels


def _with_bias(
    table: dict[str, Any], weights: dict[str, Array], bias: Array | None
) -> tuple[dict[str, Any], dict[str, Array]]:
    if bias is None:
        return {**table, "bias": False}, weights
    return table, {**weights, "b": bias.reshape(-1)}


def _window(
    kind: str, filters: int, size: Pair, stride: Pair, dilation: Pair, padding: Sides
) -> dict[str, Any]:
    return {
        "type": kind,
        "filters": filters,
        "kernel": _short(size),
        **_unless("stride", _short(stride), 1),
        **_unless("padding", short_padding(padding), "valid"),
        **_unless("dilation", _short(dilation), 1),
    }


@translates("MaxPool", "AveragePool")
def pool(graph: Translation, node: Node) -> None:
    value = graph.volume(node)
    plane = value.view.own_shape[:2]
    size = _pair_of(node, "kernel_shape", None)
    stride, dilation = _pair_of(node, "strides"), _pair_of(node, "dilations")
    average = node.op == "AveragePool"
    padding = _padding(node, plane, size, stride, dilation)
    inside = average and padding != ((0, 0), (0, 0)) and not node.integer("count_include_pad", 0)
    table = {
        "type": "avg_pool" if average else "max_pool",
        "size": _short(size),
        **({} if stride == size else {"stride": _short(stride)}),
        **_unless("padding", short_padding(padding), "valid"),
        **_unless("dilation", _short(dilation), 1),
        **_unless("ceil_mode", bool(node.integer("ceil_mode", 0)), False),
        **_unless("count_include_pad", not inside, True),
    }
    graph.name(node, graph.layer(node, value, table))


@translates("GlobalAveragePool", "GlobalMaxPool")
def global_pool(graph: Translation, node: Node) -> None:
    graph.name(node, _whole_plane(graph, node, graph.volume(node), node.op == "GlobalMaxPool"))


@translates("ReduceMean", "ReduceMax")
def reduce(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    view, rank = value.view, len(value.view.axes)
    told = node.integers("axes")
    if (given := graph.optional(node, 1, "axes")) is not None:
        told = tuple(int(number) for number in given.ravel()[: rank + 1])
    if not told:
        if node.integer("noop_with_empty_axes", 0):
            return graph.name(node, value)
        told = tuple(range(rank))
    axes = {number % rank for number in told}
    atoms = {atom for number in axes for atom in view.axes[number]}
    if atoms and (len(view.own) != 3 or atoms != {*view.own[0], *view.own[1]}):
        raise Inexpressible(f"of {by(view.shape)} it takes axes {sorted(axes)}, not all rows and columns")
    kept = bool(node.integer("keepdims", 1))
    left = tuple(
        () if number in axes else one for number, one in enumerate(view.axes) if kept or number not in axes
    )
    if not atoms:
        return graph.name(node, Value(value.step, View(view.own, left, view.batch)))
    whole = _whole_plane(graph, node, value, node.op == "ReduceMax")
    return graph.name(node, Value(whole.step, View(((), (), view.channels), left, view.batch)))


def _whole_plane(graph: Translation, node: Node, value: Value, maximum: bool) -> Value:
    table = {"type": f"adaptive_{'max' if maximum else 'avg'}_pool", "output_size": 1}
    return graph.layer(node, value, table)


@translates("LRN")
def local_response_norm(graph: Translation, node: Node) -> None:
    size = node.integer("size", 0)
    table = {
        "type": "local_response_norm",
        "size": size,
        "alpha": node.number("alpha", 1e-4),
        "beta": node.number("beta", 0.75),
        "k": node.number("bias", 1.0),
    }
    value = graph.value(node)
    if value.view.is_flat:
        value = graph.as_flat(node, value)
    if len(value.view.axes) < 2 or value.view.axes[1] != value.view.channels:
        value = graph.volume(node)
    graph.name(node, graph.same(node, value, Ours(table)))


@translates("Pad")
def pad(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    view, rank = value.view, len(value.view.axes)
    told = node.integers("pads") or node.integers("paddings")
    fill = node.number("value", 0.0)
    if told is None:
        told = tuple(int(number) for number in graph.constant(node, 1, "widths").ravel()[: 2 * rank])
        fill = graph.number(node, 2, "value", 0.0)
    axes = graph.optional(node, 3, "axes")
    chosen = range(rank) if axes is None else [int(number) % rank for number in axes.ravel()[:rank]]
    if len(told) != 2 * len(chosen):
        raise InputError(f"{node}: damaged: it has {len(told)} widths for {len(chosen)} axes.")
    widths = {number: (told[k], told[k + len(chosen)]) for k, number in enumerate(chosen)}
    widths = {number: width for number, width in widths.items() if width != (0, 0)}
    if not widths:
        return graph.name(node, value)
    rows, columns = _plane_axes(view)
    if node.text("mode", "constant") != "constant":
        raise Inexpressible(f"its border is of mode {node.text('mode', '')!r}; paddings here are zeros")
    if not set(widths) <= {rows, columns} or min(map(min, widths.values())) < 0:
        raise Inexpressible("it does not only put rows and columns around planes")
    sides = (widths.get(rows, (0, 0)), widths.get(columns, (0, 0)))
    h, w = (axis(n + sum(side)) for n, side in zip(view.own_shape, sides, strict=False))
    new = {rows: h, columns: w}
    there = tuple(new.get(number, one) for number, one in enumerate(view.axes))
    output = (view.own_shape[0] + sum(sides[0]), view.own_shape[1] + sum(sides[1]), view.own_shape[2])
    step = graph.step(node, Border(sides, fill), value, output=output)
    return graph.name(node, Value(step, View((h, w, view.channels), there, view.batch)))


def _plane_axes(view: View) -> Pair:
    """Return which axes of ONNX are rows and columns."""
    if view.is_volume:
        return 2, 3
    if len(view.own) == 3 and view.axes == (view.batch, *view.own):
        return 1, 2
    raise Inexpressible(f"its input of {by(view.shape)} is no volume")


@translates("Resize", "Upsample")
def resize(graph: Translation, node: Node) -> None:
    value = graph.volume(node)
    plane = value.view.own_shape[:2]
    factors = _factors(graph, node, plane)
    mode = node.text("mode", "nearest")
    older = node.op == "Upsample" or graph.graph.opset < 11
    way = "asymmetric" if older else node.text("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if older else node.text("nearest_mode", "round_prefer_floor")
    if factors == (1, 1):
        return graph.name(node, value)
    if max(n * f for n, f in zip(plane, factors, strict=True)) > LONGEST:
        raise Inexpressible(f"factors of {by(factors)}: a side has at most {LONGEST:,} cells")
    exact = way in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric")
    if mode == "nearest":
        fits = all(_repeats(n, f, way, rounding) for n, f in zip(plane, factors, strict=True))
    else:
        fits = mode in ("linear", "bilinear") and exact
    if not fits or node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Inexpressible(
            f"mode {mode!r} with {way}, {rounding}: upsample repeats cells, or takes half pixels"
        )
    table = {"type": "upsample", "factor": _short(factors), **_unless("mode", _MODES[mode], "nearest")}
    return graph.name(node, graph.layer(node, value, table))


_MODES = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}


def _factors(graph: Translation, node: Node, plane: Shape) -> Pair:
    """Return how many times as large a plane becomes, or raise Inexpressible."""
    scales = node.attributes.get("scales")
    sizes = graph.optional(node, 3, "sizes")
    if scales is None and (sizes is None or not sizes.size):
        scales = graph.constant(node, 1 if len(node.inputs) == 2 else 2, "scales")
    axes = node.integers("axes") or (0, 1, 2, 3)
    told = np.asarray(sizes if scales is None else scales, np.float64).ravel()
    if told.size != len(axes):
        raise Inexpressible("it does not say a factor for each axis")
    whole = dict.fromkeys(range(4), 1.0)
    for number, one in zip(axes, told.tolist(), strict=True):
        at = number % 4
        whole[at] = one if scales is not None else one / {2: plane[0], 3: plane[1]}.get(at, one or 1)
    if whole[0] != 1 or whole[1] != 1:
        raise Inexpressible("it resizes samples or channels")
    if any(not math.isfinite(whole[at]) or whole[at] < 1 or whole[at] % 1 for at in (2, 3)):
        raise Inexpressible(f"factors of {whole[2]:g} and {whole[3]:g}; upsample has whole ones")
    return int(whole[2]), int(whole[3])


def _repeats(cells: int, factor: int, way: str, rounding: str) -> bool:
    """Whether each cell of an axis is repeated `factor` times."""
    i = np.arange(cells * factor, dtype=np.float64)
    places = {
        "asymmetric": i / factor,
        "align_corners": i * (cells - 1) / max(cells * factor - 1, 1),
    }.get(way, (i + 0.5) / factor - 0.5)
    rounded = {
        "floor": np.floor(places),
        "ceil": np.ceil(places),
        "round_prefer_floor": np.ceil(places - 0.5),
        "round_prefer_ceil": np.floor(places + 0.5),
    }.get(rounding)
    return rounded is not None and bool((np.clip(rounded, 0, cells - 1) == i // factor).all())


def _pair_of(node: Node, name: str, usual: int | None = 1) -> Pair:
    told = node.integers(name)
    if told is None and usual is not None:
        return usual, usual
    if told is None or len(told) != 2 or min(told) < (0 if usual == 0 else 1):
        raise InputError(f"{node}: damaged: its attribute {name} is {told}, expected rows and columns.")
    return told[0], told[1]


def _sides(node: Node) -> Sides:
    pads = node.integers("pads") or (0, 0, 0, 0)
    if len(pads) != 4:
        raise InputError(f"{node}: damaged: its attribute pads is {pads}.")
    if min(pads) < 0:
        raise Inexpressible("paddings below 0 cut the plane")
    return (pads[0], pads[2]), (pads[1], pads[3])


def _padding(node: Node, plane: Shape, size: Pair, stride: Pair, dilation: Pair) -> Sides:
    """Return the padding that a node asks for, on a plane of this size."""
    automatic = node.text("auto_pad", "NOTSET")
    if automatic in ("NOTSET", ""):
        return _sides(node)
    if automatic == "VALID":
        return (0, 0), (0, 0)
    sides = []
    for n, f, s, d in zip(plane, size, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (f - 1) + 1 - n, 0)
        half = total // 2
        sides.append((half, total - half) if automatic == "SAME_UPPER" else (total - half, half))
    return sides[0], sides[1]


def short_padding(sides: Sides) -> Any:
    """Return a padding as one would write it."""
    (top, bottom), (left, right) = sides
    if (top, left) != (bottom, right):
        return [[top, bottom], [left, right]]
    return _unless("p", _short((top, left)), 0).get("p", "valid")


def _short(pair: tuple[int, ...]) -> Any:
    return pair[0] if pair[0] == pair[1] else list(pair)


def _unless(name: str, value: Any, usual: Any) -> dict[str, Any]:
    """Return an option, if it is not what it is anyway."""
    return {} if value == usual else {name: value}
