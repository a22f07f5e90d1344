"""Which modules each layer is in PyTorch, where (n, c, h, w) goes through: a function and a line in `FORMS`.

Most are modules of `torch.nn`; what those do not do, such as a padding that differs from side to side, is a
module of its own before or behind, or a class of `parts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from convcli.interchange.torch.modules import Child, Module, Tensor, in_a_row
from convcli.nn import layers
from convcli.nn.activations import Activation
from convcli.nn.layer import Layer, Shape
from convcli.shapes import Pair, Sides
from convcli.shapes.pooling import PoolWindow

EPSILON, MOMENTUM, SLOPE = 1e-5, 0.1, 0.01  # PyTorch's own, which nobody writes down


@dataclass(frozen=True)
class Here:
    """Where a layer stands.

    Attributes
    ----------
    number
        Of the layer, `3.1`: what its arrays' names begin with.
    shape
        (h, w, c) or (features,) of what goes in, as we have it.
    behind
        The layers that follow in its row.
    volume
        The (h, w, c) that its features were, where PyTorch has them in the order (c, h, w): behind
        nn.Flatten.
    """

    number: str
    shape: Shape
    behind: tuple[Layer, ...] = ()
    volume: Shape | None = None

    def tensor(self, name: str, shape: Shape, axes: tuple[int, ...] | None = None) -> Tensor:
        """Return an array of a shape, its axes in another order."""
        order = axes or tuple(range(len(shape)))
        return Tensor(f"{self.number}.{name}", shape, order, tuple(shape[axis] for axis in order))


Form: TypeAlias = Callable[[Any, Here], list[Module]]


def form(layer: Layer, here: Here) -> list[Module]:
    """Return the modules, one after the other, that a layer is; none where it does nothing."""
    return FORMS[layer.name()](layer, here)


def row(inner: Iterable[tuple[Layer, Shape]], number: str = "") -> list[list[Module]]:
    """Return the modules of each of some layers in a row, with what goes into them; `number` holds them."""
    standing, volume, made = list(inner), None, []
    for position, (layer, shape) in enumerate(standing, 1):
        behind = tuple(following for following, _ in standing[position:])
        here = Here(f"{number}.{position}".lstrip("."), shape, behind, volume)
        made.append(form(layer, here))
        if isinstance(layer, layers.Flatten):
            volume = shape if made[-1] == [FLATTEN] and not _keeps_order(shape) else None
        elif not _treats_all_alike(layer):
            volume = None
    return made


def options(**given: tuple[object, object]) -> tuple[str, ...]:
    """Return keywords as text, each from its value and the one that nobody writes down."""
    return tuple(f"{name}={_text(value)}" for name, (value, usual) in given.items() if value != usual)


def _text(value: object) -> str:
    if isinstance(value, tuple) and len(value) == 2 and value[0] == value[1]:
        return repr(value[0])  # rows and columns alike
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _even(padding: Sides) -> Pair | None:
    """Return a padding that is the same before and after; None for another."""
    (top, bottom), (left, right) = padding
    return (top, left) if (top, left) == (bottom, right) else None


def _around(padding: Sides) -> str:
    """Return it as PyTorch's pads have it: (left, right, top, bottom)."""
    return repr((*padding[1], *padding[0]))


# Functions


def activation(function: Activation) -> list[Module]:
    """Return the module of an activation function; none for "none"."""
    made = ACTIVATION_FORMS[function.name()](function)
    return [made] if made is not None else []


ACTIVATION_FORMS: Mapping[str, Callable[[Any], Module | None]] = {
    "none": lambda g: None,
    "relu": lambda g: Module("nn.ReLU"),
    "leaky_relu": lambda g: Module("nn.LeakyReLU", options(negative_slope=(g.slope, SLOPE))),
    "elu": lambda g: Module("nn.ELU", options(alpha=(g.alpha, 1.0))),
    "clip": lambda g: (
        Module("nn.ReLU6")
        if (g.low, g.high) == (0, 6)
        else Module("nn.Hardtanh", (repr(g.low), repr(g.high)))
    ),
    "sigmoid": lambda g: Module("nn.Sigmoid"),
    "tanh": lambda g: Module("nn.Tanh"),
    "softmax": lambda g: Module("nn.Softmax", ("dim=1",)),
    "silu": lambda g: Module("nn.SiLU"),
    "gelu": lambda g: Module("nn.GELU", options(approximate=(g.approximate, "none"))),
}


# Convolutions and dense layers


def conv(layer: layers.Conv, here: Here) -> list[Module]:
    window, depth = layer.window(here.shape), here.shape[2]
    weight = (*layer.kernel, depth // layer.groups, layer.filters)
    tensors = {"weight": here.tensor("W", weight, (3, 2, 0, 1))} | _bias(layer, here, layer.filters)
    before, padding = _padded(window.padding)
    more = options(
        stride=(window.stride, (1, 1)),
        padding=(padding, (0, 0)),
        dilation=(window.dilation, (1, 1)),
        groups=(layer.groups, 1),
        bias=(layer.bias, True),
    )
    own = (str(depth), str(layer.filters), _text(layer.kernel), *more)
    return [*before, Module("nn.Conv2d", own, tensors=tensors), *activation(layer.activation)]


def _bias(layer: Any, here: Here, count: int) -> dict[str, Tensor]:
    return {"bias": here.tensor("b", (count,))} if layer.bias else {}


def _padded(padding: Sides) -> tuple[list[Module], Pair]:
    """Return what pads first, and the padding that is left to the convolution."""
    even = _even(padding)
    return ([], even) if even is not None else ([Module("nn.ZeroPad2d", (_around(padding),))], (0, 0))


def separable_conv(layer: layers.SeparableConv, here: Here) -> list[Module]:
    window, depth = layer.window(here.shape), here.shape[2]
    between = depth * layer.depth_multiplier
    before, padding = _padded(window.padding)
    more = options(
        stride=(window.stride, (1, 1)), padding=(padding, (0, 0)), dilation=(window.dilation, (1, 1))
    )
    own = (str(depth), str(between), _text(layer.kernel), *more, *options(groups=(depth, 1)), "bias=False")
    each = {"weight": here.tensor("W", (*layer.kernel, 1, between), (3, 2, 0, 1))}
    mixing = {"weight": here.tensor("P", (1, 1, between, layer.filters), (3, 2, 0, 1))}
    mixing |= _bias(layer, here, layer.filters)
    point = (str(between), str(layer.filters), "1", *options(bias=(layer.bias, True)))
    return [
        *before,
        Module("nn.Conv2d", own, tensors=each),
        Module("nn.Conv2d", point, tensors=mixing),
        *activation(layer.activation),
    ]


def transposed_conv(layer: layers.TransposedConv, here: Here) -> list[Module]:
    """What differs from side to side is cropped behind it: a padding below 0."""
    window, depth = layer.transposed(here.shape).window, here.shape[2]
    least = tuple(min(sides) for sides in window.padding)
    rest = [tuple(few - many for many in sides) for sides, few in zip(window.padding, least, strict=True)]
    weight = (*layer.kernel, layer.filters // layer.groups, depth)
    tensors = {"weight": here.tensor("W", weight, (3, 2, 0, 1))} | _bias(layer, here, layer.filters)
    more = options(
        stride=(window.stride, (1, 1)),
        padding=(least, (0, 0)),
        output_padding=(layer.output_padding, (0, 0)),
        groups=(layer.groups, 1),
        bias=(layer.bias, True),
        dilation=(window.dilation, (1, 1)),
    )
    own = (str(depth), str(layer.filters), _text(layer.kernel), *more)
    crop = [Module("nn.ZeroPad2d", (repr((*rest[1], *rest[0])),))] if any(map(any, rest)) else []
    return [Module("nn.ConvTranspose2d", own, tensors=tensors), *crop, *activation(layer.activation)]


FLATTEN = Module("nn.Flatten")


def flatten(layer: layers.Flatten, here: Here) -> list[Module]:
    """nn.Flatten where a dense layer follows, whose weights are put in its order; else in our order."""
    if _keeps_order(here.shape) or _reaches_dense(here.behind):
        return [FLATTEN]
    return [Module("FlattenCells")]


def _keeps_order(shape: Shape) -> bool:
    """Whether (h, w, c) and (c, h, w) are one order."""
    return len(shape) == 1 or shape[2] == 1 or shape[:2] == (1, 1)


def _reaches_dense(behind: tuple[Layer, ...]) -> bool:
    for layer in behind:
        if isinstance(layer, layers.Dense):
            return True
        if not _treats_all_alike(layer):
            return False
    return False


def _treats_all_alike(layer: Layer) -> bool:
    """Whether it does the same to each number, wherever that stands."""
    if isinstance(layer, layers.ActivationLayer):
        return layer.function.elementwise
    return isinstance(layer, layers.Dropout | layers.Scale)


def dense(layer: layers.Dense, here: Here) -> list[Module]:
    features, (units,) = here.shape[0], layer.output_shape(here.shape)
    weight = here.tensor("W", (features, units), (1, 0))
    if here.volume is not None:
        weight = Tensor(weight.name, (*here.volume, units), (3, 2, 0, 1), (units, features))
    own = (str(features), str(units), *options(bias=(layer.bias, True)))
    tensors = {"weight": weight} | _bias(layer, here, units)
    return [Module("nn.Linear", own, tensors=tensors), *activation(layer.activation)]


# Pools


def max_pool(layer: layers.MaxPool, here: Here) -> list[Module]:
    window, padding = layer.windows(here.shape), _even(layer.windows(here.shape).padding)
    if padding is not None and all(2 * p <= span for p, span in zip(padding, window.span, strict=True)):
        more = _pool_options(window, padding) + options(
            dilation=(window.dilation, (1, 1)), ceil_mode=(window.ceil_mode, False)
        )
        return [Module("nn.MaxPool2d", (_text(window.size), *more))]
    plane = here.shape[0], here.shape[1]
    sides = [
        (before, max(0, _needed(window, plane, axis))) for axis, (before, _) in enumerate(window.padding)
    ]
    around = Module("nn.ConstantPad2d", (_around((sides[0], sides[1])), "-torch.inf"))
    more = _pool_options(window, (0, 0)) + options(dilation=(window.dilation, (1, 1)))
    return [around, Module("nn.MaxPool2d", (_text(window.size), *more))]


def avg_pool(layer: layers.AvgPool, here: Here) -> list[Module]:
    window, padding = layer.windows(here.shape), _even(layer.windows(here.shape).padding)
    fits = padding is not None and all(2 * p <= f for p, f in zip(padding, window.size, strict=True))
    if fits and padding is not None and window.dilation == (1, 1):
        more = _pool_options(window, padding) + options(
            ceil_mode=(window.ceil_mode, False), count_include_pad=(layer.count_include_pad, True)
        )
        return [Module("nn.AvgPool2d", (_text(window.size), *more))]
    plane, counted, others = (here.shape[0], here.shape[1]), [], []
    for axis, (before, after) in enumerate(window.padding):
        needed = max(0, _needed(window, plane, axis))
        own = (before, min(after, needed)) if layer.count_include_pad else (0, 0)
        counted.append(own)
        others.append((before - own[0], needed - own[1]))
    around = (_around((counted[0], counted[1])), _around((others[0], others[1])))
    sizes = (repr(window.size), repr(window.stride), repr(window.dilation))
    return [Module("AvgPool", (*sizes, *around))]


def _pool_options(window: PoolWindow, padding: Pair) -> tuple[str, ...]:
    return options(stride=(window.stride, window.size), padding=(padding, (0, 0)))


def _needed(window: PoolWindow, plane: Pair, axis: int) -> int:
    """Return how far the last window reaches beyond the plane; below 0 where it ends before."""
    last = (window.output_shape(plane)[axis] - 1) * window.stride[axis] + window.span[axis]
    return last - plane[axis] - window.padding[axis][0]


def _adaptive(call: str) -> Form:
    return lambda layer, here: [Module(call, (_text(layer.output_size),))]


def _of_all(call: str) -> Form:
    return lambda layer, here: [Module(call, ("1",)), FLATTEN]


def upsample(layer: layers.Upsample, here: Here) -> list[Module]:
    # Other factors may be rounded so that "nearest" takes the cell beside.
    exact = all(factor & (factor - 1) == 0 for factor in layer.factor)
    mode = "bilinear" if layer.mode == "bilinear" else "nearest" if exact else "nearest-exact"
    more = options(scale_factor=(layer.factor, None), mode=(mode, "nearest"))
    return [Module("nn.Upsample", more)]


# Normalisation, and what is done to each number


def batch_norm(layer: layers.BatchNorm, here: Here) -> list[Module]:
    momentum = round(1 - layer.momentum, 12)  # of what comes in, not of what stays
    more = options(eps=(layer.epsilon, EPSILON), momentum=(momentum, MOMENTUM))
    names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    return [_channelwise("nn.BatchNorm2d", "nn.BatchNorm1d", here, (), more, names)]


NORM = {"weight": "gamma", "bias": "beta"}


def group_norm(layer: layers.GroupNorm, here: Here) -> list[Module]:
    more = options(eps=(layer.epsilon, EPSILON))
    return [_channelwise("nn.GroupNorm", "nn.GroupNorm", here, (str(layer.groups),), more, NORM)]


def layer_norm(layer: layers.LayerNorm, here: Here) -> list[Module]:
    more = options(eps=(layer.epsilon, EPSILON))
    if layer.over == "channels" or len(here.shape) == 1:
        return [_channelwise("LayerNorm2d", "nn.LayerNorm", here, (), more, NORM)]
    rows, columns, depth = here.shape
    tensors = {name: here.tensor(ours, here.shape, (2, 0, 1)) for name, ours in NORM.items()}
    return [Module("nn.LayerNorm", (repr((depth, rows, columns)), *more), tensors=tensors)]


def prelu(layer: layers.Prelu, here: Here) -> list[Module]:
    count = 1 if layer.shared else here.shape[-1]
    tensors = {"weight": here.tensor("slope", (count,))}
    return [Module("nn.PReLU", () if count == 1 else (str(count),), tensors=tensors)]


def local_response_norm(layer: layers.LocalResponseNorm, here: Here) -> list[Module]:
    more = options(alpha=(layer.alpha, 1e-4), beta=(layer.beta, 0.75), k=(layer.k, 1.0))
    call = "nn.LocalResponseNorm" if layer.size % 2 else "LocalResponseNorm"
    return _as_volume(Module(call, (str(layer.size), *more)), here)


def channel_shuffle(layer: layers.ChannelShuffle, here: Here) -> list[Module]:
    return _as_volume(Module("nn.ChannelShuffle", (str(layer.groups),)), here)


def _as_volume(module: Module, here: Here) -> list[Module]:
    """Return a module that takes no rows of features with what makes planes of them, and rows again."""
    if len(here.shape) == 3:
        return [module]
    return [Module("nn.Unflatten", ("1", f"({here.shape[0]}, 1, 1)")), module, FLATTEN]


def _channelwise(
    of_volumes: str,
    of_features: str,
    here: Here,
    before: tuple[str, ...],
    more: tuple[str, ...],
    names: Mapping[str, str],
) -> Module:
    """Return a module whose tensors have a number for each channel."""
    channels = here.shape[-1]
    tensors = {name: here.tensor(ours, (channels,)) for name, ours in names.items()}
    call = of_volumes if len(here.shape) == 3 else of_features
    return Module(call, (*before, str(channels), *more), tensors=tensors)


def dropout(layer: layers.Dropout, here: Here) -> list[Module]:
    return [Module("nn.Dropout2d" if layer.spatial else "nn.Dropout", (repr(layer.rate),))]


# Layers that hold others


def sequence(layer: layers.Sequence, here: Here) -> list[Module]:
    """One copy after the other reads as one, and how often."""
    made = row(layer.inside(here.shape), here.number)
    copies = len(layer.children) > 1 and len(set(map(repr, layer.children))) == 1
    if copies and len(made[0]) > 1:
        return [in_a_row([in_a_row(modules) for modules in made])]
    return [in_a_row([module for modules in made for module in modules])]


def residual(layer: layers.Residual, here: Here) -> list[Module]:
    inside = [module for modules in row(layer.inside(here.shape), here.number) for module in modules]
    if layer.drop:
        inside.append(Module("StochasticDepth", (repr(layer.drop),)))
    children = [Child("layers", in_a_row(inside))]
    if (shortcut := layer.shortcut_conv(here.shape)) is not None:
        children.append(Child("shortcut", in_a_row(conv(shortcut, here)), "shortcut"))
    children += [Child("activation", g, "activation") for g in activation(layer.activation)]
    return [Module("Residual", children=tuple(children))]


def parallel(layer: layers.Parallel, here: Here) -> list[Module]:
    call = "Sum" if layer.combine == "add" else "Concatenate"
    made = [
        form(branch, Here(f"{here.number}.{n}", shape))
        for n, (branch, shape) in enumerate(layer.inside(here.shape), 1)
    ]
    return [Module(call, children=tuple(Child(f"branches.{n}", in_a_row(m)) for n, m in enumerate(made)))]


FORMS: Mapping[str, Form] = {
    "conv": conv,
    "separable_conv": separable_conv,
    "transposed_conv": transposed_conv,
    "dense": dense,
    "flatten": flatten,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "adaptive_max_pool": _adaptive("nn.AdaptiveMaxPool2d"),
    "adaptive_avg_pool": _adaptive("nn.AdaptiveAvgPool2d"),
    "global_max_pool": _of_all("nn.AdaptiveMaxPool2d"),
    "global_avg_pool": _of_all("nn.AdaptiveAvgPool2d"),
    "upsample": upsample,
    "batch_norm": batch_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "local_response_norm": local_response_norm,
    "channel_shuffle": channel_shuffle,
    "prelu": prelu,
    "scale": lambda layer, here: [Module("Scale", (repr(layer.factor),))],
    "dropout": dropout,
    "activation": lambda layer, here: activation(layer.function),
    "sequence": sequence,
    "residual": residual,
    "parallel": parallel,
}
