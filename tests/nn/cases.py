"""What every layer is held to: an entry a layer, which tests of layers and of the gradient check go over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layers import Conv


class Case(NamedTuple):
    shape: tuple[int, ...]
    options: dict = {}  # noqa: RUF012


class Facts(NamedTuple):
    """What is known of a layer.

    Attributes
    ----------
    torch
        What PyTorch makes of its input, (n, c, h, w) or (n, features); called with torch, the layer, that,
        its weights by name, and whether it is training.
    cases
        What it is tried on.
    multiply_adds
        Of the first case, for one sample, counted by hand.
    words
        Options, and how they are said in short.
    large
        Options on maps of `LARGE_SHAPE`.
    """

    torch: Callable[..., Any]
    cases: dict[str, Case]
    words: tuple[dict, str]
    large: dict = {}  # noqa: RUF012
    multiply_adds: int = 0


LARGE_SHAPE = (24, 24, 24)
"""Of maps that are checked mostly along directions."""


ACTIVATED = {
    **{name: name for name in ACTIVATIONS},
    "leaky_relu, slope": {"type": "leaky_relu", "slope": 0.25},
    "elu, alpha": {"type": "elu", "alpha": 0.5},
    "clip, limits": {"type": "clip", "low": -0.25, "high": 0.75},
    "gelu, tanh": {"type": "gelu", "approximate": "tanh"},
}
"""What an activation may be, as TOML has it: each as it comes, and with options."""


def activation_of(option):
    """Return what an entry of `ACTIVATED` stands for."""
    return Conv(filters=1, activation=option).activation


def activated(torch, g, z):
    """Return A = g(Z) by PyTorch, whose channels are axis 1."""
    nn = torch.nn.functional
    return {
        "none": lambda: z * 1,
        "relu": lambda: nn.relu(z),
        "leaky_relu": lambda: nn.leaky_relu(z, g.slope),
        "elu": lambda: nn.elu(z, g.alpha),
        "clip": lambda: nn.hardtanh(z, g.low, g.high),
        "sigmoid": lambda: torch.sigmoid(z),
        "tanh": lambda: torch.tanh(z),
        "softmax": lambda: torch.softmax(z, min(1, z.ndim - 1)),
        "silu": lambda: nn.silu(z),
        "gelu": lambda: nn.gelu(z, approximate=g.approximate),
    }[g.name()]()


def conv(torch, layer, x, weights, _training):
    nn, window = torch.nn.functional, layer.window(())
    (top, bottom), (left, right) = window.padding
    y = nn.conv2d(
        nn.pad(x, (left, right, top, bottom)),
        weights["W"].permute(3, 2, 0, 1),
        weights.get("b"),
        window.stride,
        0,
        window.dilation,
        layer.groups,
    )
    return activated(torch, layer.activation, y)


def separable_conv(torch, layer, x, weights, _training):
    nn, window = torch.nn.functional, layer.window(())
    (top, bottom), (left, right) = window.padding
    padded, kernels = nn.pad(x, (left, right, top, bottom)), weights["W"].permute(3, 2, 0, 1)
    y = nn.conv2d(padded, kernels, None, window.stride, 0, window.dilation, groups=x.shape[1])
    y = nn.conv2d(y, weights["P"].permute(3, 2, 0, 1), weights.get("b"))
    return activated(torch, layer.activation, y)


def transposed_conv(torch, layer, x, weights, _training):
    nn, window = torch.nn.functional, layer.transposed(()).window
    rows, columns = layer.output_shape((*x.shape[2:], x.shape[1]))[:2]
    kernels, bias = weights["W"].permute(3, 2, 0, 1).contiguous(), weights.get("b")
    options = {"groups": layer.groups, "dilation": window.dilation}
    (top, bottom), (left, right) = window.padding
    if (top, left) == (bottom, right):
        y = nn.conv_transpose2d(x, kernels, bias, window.stride, (top, left), layer.output_padding, **options)
    else:  # PyTorch has one padding for both ends
        y = nn.conv_transpose2d(x, kernels, None, window.stride, **options)
        y = nn.pad(y, (0, layer.output_padding[1], 0, layer.output_padding[0]))
        y = y[:, :, top : top + rows, left : left + columns]
        y = y if bias is None else y + bias[:, None, None]
    return activated(torch, layer.activation, y)


def dense(torch, layer, x, weights, _training):
    y = torch.nn.functional.linear(x, weights["W"].T, weights.get("b"))
    return activated(torch, layer.activation, y)


def layer_norm(torch, layer, x, weights, _training):
    last = x.movedim(1, -1)
    size = weights["gamma"].shape
    y = torch.nn.functional.layer_norm(last, size, weights["gamma"], weights["beta"], layer.epsilon)
    return y.movedim(-1, 1)


def batch_norm(torch, layer, x, weights, training):
    """In groups each begins with the running figures that there were, and what they become is averaged."""
    group = layer.group if training and layer.group else len(x)
    results, kept = [], []
    for part in torch.tensor_split(x, max(len(x) // group, 1)):
        kept.append([weights[name].clone() for name in ("mean", "variance")])
        results.append(
            torch.nn.functional.batch_norm(
                part,
                *kept[-1],
                weights["gamma"],
                weights["beta"],
                training,
                1 - layer.momentum,
                layer.epsilon,
            )
        )
    for name, figures in zip(("mean", "variance"), zip(*kept, strict=True), strict=True):
        weights[name].copy_(torch.stack(figures).mean(0))
    return torch.cat(results)


def inner(torch, layer, x, weights, training, number):
    """Return what the layer of a number in another makes of x."""
    own = {k.partition(".")[2]: w for k, w in weights.items() if k.startswith(f"{number}.")}
    child = layer.children[number - 1]
    return FACTS[child.name()].torch(torch, child, x, own, training)


def sequence(torch, layer, x, weights, training):
    for number in range(1, len(layer.children) + 1):
        x = inner(torch, layer, x, weights, training, number)
    return x


def parallel(torch, layer, x, weights, training):
    numbers = range(1, len(layer.children) + 1)
    made = [inner(torch, layer, x, weights, training, number) for number in numbers]
    return sum(made) if layer.combine == "add" else torch.cat(made, dim=1)


def residual(torch, layer, x, weights, training):
    y = sequence(torch, layer, x, weights, training)
    if "W" in weights:
        stride = [-(-whole // left) for whole, left in zip(x.shape[2:], y.shape[2:], strict=True)]
        x = torch.nn.functional.conv2d(x, weights["W"].permute(3, 2, 0, 1), stride=stride)
    return activated(torch, layer.activation, x + y)


KEPT = {"type": "dropout", "rate": 0}
INNER = [
    {"type": "conv", "filters": 2, "padding": "same", "activation": "relu"},
    {"type": "batch_norm"},
    {"type": "conv", "filters": 2, "padding": "same", "bias": False},
]


def pooled(kind):
    """Return what PyTorch makes of a pool: −∞ stands around its maxima, as it pads both sides alike."""

    def pool(torch, layer, x, *_):
        (top, bottom), (left, right) = layer.window(x.shape[1:]).padding
        if kind == "max":
            around = torch.nn.functional.pad(x, (left, right, top, bottom), value=-torch.inf)
            options = {"dilation": layer.dilation, "ceil_mode": layer.ceil_mode}
            return torch.nn.functional.max_pool2d(around, layer.size, layer.stride, **options)
        options = {"ceil_mode": layer.ceil_mode, "count_include_pad": layer.count_include_pad}
        return torch.nn.functional.avg_pool2d(x, layer.size, layer.stride, (top, left), **options)

    return pool


POOLED = {
    "as it comes": Case((4, 6, 2)),
    "remainder": Case((5, 7, 2)),
    "overlap": Case((5, 6, 2), {"size": 3, "stride": 1}),
    "gaps": Case((7, 7, 1), {"size": 2, "stride": 3}),
    "rectangle": Case((4, 6, 2), {"size": [1, 3], "stride": [1, 2]}),
    "padding": Case((5, 6, 2), {"size": 3, "stride": 2, "padding": 1}),
    "same": Case((4, 5, 2), {"size": 3, "stride": 1, "padding": "same"}),
    "rounded up": Case((6, 8, 2), {"size": 3, "stride": 2, "ceil_mode": True}),
    "large": Case((6, 7, 1), {"size": [6, 5], "stride": 1, "padding": [2, 1]}),
}
ADAPTIVE = {
    "even": Case((4, 6, 2), {"output_size": [2, 3]}),
    "uneven": Case((5, 7, 2), {"output_size": 3}),
    "one": Case((3, 4, 2), {"output_size": 1}),
    "larger": Case((2, 3, 1), {"output_size": [4, 2]}),
}

FACTS = {
    "conv": Facts(
        conv,
        cases={
            "as it comes": Case((5, 6, 2), {"filters": 3}),
            "one by one": Case((3, 4, 3), {"filters": 2, "kernel": 1}),
            "same": Case((4, 5, 2), {"filters": 2, "padding": "same"}),
            "full": Case((3, 3, 2), {"filters": 2, "kernel": 2, "padding": "full"}),
            "padding per side": Case((4, 4, 1), {"filters": 2, "padding": [[0, 2], [1, 0]]}),
            "stride": Case((6, 7, 2), {"filters": 2, "stride": [2, 3], "padding": 1}),
            "dilation": Case((7, 6, 1), {"filters": 2, "dilation": [2, 1]}),
            "rectangular kernel": Case((4, 6, 2), {"filters": 2, "kernel": [1, 4]}),
            "groups": Case((4, 4, 4), {"filters": 6, "groups": 2}),
            "depthwise": Case((4, 4, 3), {"filters": 3, "groups": 3, "padding": "same"}),
            "3×3, many channels": Case((3, 4, 32), {"filters": 32, "padding": "same"}),
            "no bias": Case((4, 4, 2), {"filters": 2, "bias": False}),
            "dirac": Case((4, 5, 2), {"filters": 3, "padding": "same", "init": "dirac"}),
            "whitened": Case((4, 5, 2), {"filters": 8, "kernel": 2, "init": "whiten"}),
            **{
                f"with {label}": Case((4, 4, 2), {"filters": 3, "activation": option})
                for label, option in ACTIVATED.items()
                if option != "none"
            },
        },
        words=(
            {
                "filters": 8,
                "kernel": [3, 5],
                "stride": 2,
                "dilation": [1, 2],
                "groups": 2,
                "activation": "relu",
            },
            "8 × 3×5, p=valid, s=2, d=(1,2), groups=2, relu",
        ),
        large={"filters": 8, "activation": "relu", "padding": "same"},
        multiply_adds=(3 * 4) * 3 * (3 * 3 * 2),
    ),
    "separable_conv": Facts(
        separable_conv,
        cases={
            "as it comes": Case((5, 6, 3), {"filters": 4}),
            "several kernels a channel": Case(
                (4, 5, 2), {"filters": 3, "depth_multiplier": 3, "padding": "same", "activation": "relu"}
            ),
            "stride": Case((6, 7, 2), {"filters": 2, "stride": [2, 3], "padding": 1, "bias": False}),
            "dilation": Case((7, 6, 3), {"filters": 2, "dilation": [2, 1], "kernel": [3, 2]}),
            "one channel": Case((4, 4, 1), {"filters": 2, "activation": "tanh"}),
        },
        words=(
            {"filters": 8, "depth_multiplier": 2, "stride": 2, "activation": "relu", "frozen": True},
            "8 × 3×3, p=valid, s=2, m=2, relu, frozen",
        ),
        large={"filters": 8, "activation": "relu", "padding": "same"},
        multiply_adds=(3 * 4) * (3 * 3 * 3 + 3 * 4),
    ),
    "transposed_conv": Facts(
        transposed_conv,
        cases={
            "as it comes": Case((3, 4, 2), {"filters": 3}),
            "twice as large": Case(
                (3, 4, 2),
                {"filters": 3, "padding": "same", "stride": 2, "output_padding": 1, "activation": "relu"},
            ),
            "touching": Case((3, 2, 3), {"filters": 2, "kernel": 2, "stride": 2, "bias": False}),
            "gaps": Case((3, 2, 1), {"filters": 2, "kernel": [1, 2], "stride": 3}),
            "padding beyond the kernel": Case((6, 7, 2), {"filters": 2, "padding": 3}),
            "padding per side": Case(
                (3, 4, 2),
                {"filters": 2, "padding": [[0, 2], [1, 0]], "stride": [2, 1], "output_padding": [1, 0]},
            ),
            "output padding beyond padding": Case(
                (3, 3, 1), {"filters": 1, "padding": [[2, 0], [0, 1]], "stride": 3, "output_padding": 2}
            ),
            "output padding that reaches the stride": Case(
                (4, 3, 2),
                {"filters": 2, "padding": 2, "stride": [1, 2], "dilation": 3, "output_padding": [2, 2]},
            ),
            "groups": Case((3, 3, 4), {"filters": 6, "groups": 2, "stride": 2, "activation": "tanh"}),
            "depthwise": Case((3, 4, 3), {"filters": 3, "groups": 3, "stride": 2, "padding": 1}),
            "many channels": Case((3, 4, 32), {"filters": 32, "padding": "same"}),
        },
        words=(
            {"filters": 8, "kernel": [3, 5], "stride": 2, "output_padding": [1, 0], "activation": "relu"},
            "8 × 3×5, p=valid, s=2, output p=(1,0), relu",
        ),
        large={"filters": 8, "kernel": 2, "stride": 2, "activation": "relu"},
        multiply_adds=(3 * 4) * 3 * (3 * 3 * 2),
    ),
    "max_pool": Facts(
        pooled("max"),
        cases={
            **POOLED,
            "even, same": Case((4, 5, 2), {"size": 2, "stride": 1, "padding": "same"}),
            "padding per side": Case((5, 4, 2), {"size": 3, "stride": 2, "padding": [[0, 2], [1, 0]]}),
            "dilation": Case((7, 6, 1), {"dilation": [2, 1], "stride": 1, "padding": 1}),
        },
        words=(
            {"size": 3, "stride": 2, "padding": "same", "dilation": 2, "ceil_mode": True},
            "3×3, s=2×2, p=same, d=2, ceil",
        ),
        large={"size": 3, "stride": 2},
    ),
    "avg_pool": Facts(
        pooled("avg"),
        cases={
            **POOLED,
            "padding that does not count": Case(
                (5, 6, 2), {"size": 3, "stride": 2, "padding": 1, "count_include_pad": False}
            ),
        },
        words=({"padding": [1, 0], "count_include_pad": False}, "2×2, p=(1,0), without padding"),
        large={"size": 2},
    ),
    "global_avg_pool": Facts(
        lambda torch, layer, x, *_: x.mean((2, 3)),
        cases={"rectangle": Case((3, 5, 4))},
        words=({}, ""),
    ),
    "global_max_pool": Facts(
        lambda torch, layer, x, *_: x.amax((2, 3)),
        cases={"rectangle": Case((3, 5, 4)), "large": Case((7, 6, 2))},
        words=({}, ""),
    ),
    "adaptive_max_pool": Facts(
        lambda torch, layer, x, *_: torch.nn.functional.adaptive_max_pool2d(x, layer.output_size),
        cases=ADAPTIVE,
        words=({"output_size": [2, 3]}, "to 2×3"),
        large={"output_size": 10},
    ),
    "adaptive_avg_pool": Facts(
        lambda torch, layer, x, *_: torch.nn.functional.adaptive_avg_pool2d(x, layer.output_size),
        cases=ADAPTIVE,
        words=({"output_size": 2}, "to 2×2"),
        large={"output_size": 7},
    ),
    "flatten": Facts(
        lambda torch, layer, x, *_: x.movedim(1, -1).flatten(1),
        cases={"volume": Case((2, 3, 4)), "flat already": Case((5,))},
        words=({}, ""),
    ),
    "dense": Facts(
        dense,
        cases={
            "as it comes": Case((7,), {"units": 4}),
            "no bias": Case((7,), {"units": 4, "bias": False}),
            **{
                f"with {label}": Case((5,), {"units": 3, "activation": option})
                for label, option in ACTIVATED.items()
                if option != "none"
            },
        },
        words=({"units": 10, "activation": "tanh"}, "10, tanh"),
        large={"units": 16, "activation": "relu"},
        multiply_adds=7 * 4,
    ),
    "dropout": Facts(
        lambda torch, layer, x, *_: torch.nn.functional.dropout(x, 0),
        cases={
            "volume": Case((3, 4, 2), {"rate": 0.4}),
            "flat": Case((9,), {"rate": 0.5}),
            "rate 0": Case((9,), {"rate": 0}),
            "spatial": Case((3, 4, 5), {"rate": 0.4, "spatial": True}),
        },
        words=({"rate": 0.25, "spatial": True}, "rate=0.25, spatial"),
        large={"rate": 0.3},
    ),
    "group_norm": Facts(
        lambda torch, layer, x, weights, _: torch.nn.functional.group_norm(
            x, layer.groups, weights["gamma"], weights["beta"], layer.epsilon
        ),
        cases={
            "volume": Case((3, 4, 6), {"groups": 2}),
            "instance normalisation": Case((3, 4, 3), {"groups": 3}),
            "one group": Case((2, 3, 4), {"groups": 1}),
            "flat": Case((8,), {"groups": 2}),
            "other epsilon": Case((2, 2, 4), {"groups": 2, "epsilon": 0.1}),
        },
        words=({"groups": 4}, "groups=4"),
        large={"groups": 3},
    ),
    "layer_norm": Facts(
        layer_norm,
        cases={
            "channels": Case((3, 4, 5)),
            "sample": Case((3, 2, 2), {"over": "sample"}),
            "flat": Case((7,)),
            "flat sample": Case((7,), {"over": "sample", "epsilon": 0.1}),
        },
        words=({}, "over=channels"),
        large={"over": "sample"},
    ),
    "local_response_norm": Facts(
        lambda torch, layer, x, *_: torch.nn.functional.local_response_norm(
            x if x.ndim > 2 else x[:, :, None], layer.size, layer.alpha, layer.beta, layer.k
        ).reshape(x.shape),
        cases={
            "as it comes": Case((3, 4, 6)),
            "strong": Case((3, 4, 6), {"size": 3, "alpha": 2.0, "beta": 1.5, "k": 0.5}),
            "more than there are": Case((2, 3, 4), {"size": 11, "alpha": 1.0}),
            "one": Case((2, 3, 4), {"size": 1, "alpha": 1.0}),
            "flat": Case((7,), {"alpha": 1.0}),
        },
        words=({"size": 3, "k": 2.0}, "3 channels, alpha=0.0001, beta=0.75, k=2"),
        large={"alpha": 1.0},
    ),
    "channel_shuffle": Facts(
        lambda torch, layer, x, *_: torch.nn.functional.channel_shuffle(
            x if x.ndim > 2 else x[:, :, None], layer.groups
        ).reshape(x.shape),
        cases={
            "volume": Case((3, 4, 6), {"groups": 2}),
            "other groups": Case((3, 4, 6), {"groups": 3}),
            "one group": Case((2, 2, 4), {"groups": 1}),
            "flat": Case((6,), {"groups": 2}),
        },
        words=({"groups": 3}, "groups=3"),
        large={"groups": 4},
    ),
    "prelu": Facts(
        lambda torch, layer, x, weights, _: torch.nn.functional.prelu(x, weights["slope"]),
        cases={
            "volume": Case((3, 4, 3)),
            "shared": Case((3, 4, 3), {"shared": True}),
            "flat": Case((5,)),
        },
        words=({"shared": True}, "shared"),
    ),
    "scale": Facts(
        lambda torch, layer, x, *_: x * layer.factor,
        cases={"volume": Case((2, 3, 2), {"factor": 0.125}), "flat": Case((4,), {"factor": -3.0})},
        words=({"factor": 0.5}, "0.5"),
        large={"factor": 0.5},
    ),
    "batch_norm": Facts(
        batch_norm,
        cases={
            "volume": Case((3, 4, 2)),
            "flat": Case((5,)),
            "other options": Case((2, 2, 3), {"momentum": 0.5, "epsilon": 0.1}),
            "groups": Case((3, 4, 2), {"group": 1}),
            "groups, flat": Case((5,), {"group": 2}),
        },
        words=({"group": 32}, "momentum=0.9, group=32"),
    ),
    "activation": Facts(
        lambda torch, layer, x, *_: activated(torch, layer.function, x),
        cases={label: Case((3, 3, 2), {"function": option}) for label, option in ACTIVATED.items()},
        words=({"function": "sigmoid"}, "sigmoid"),
        large={"function": "leaky_relu"},
    ),
    "sequence": Facts(
        sequence,
        cases={
            "two": Case(
                (6, 6, 2), {"layers": [{"type": "conv", "filters": 3}, {"type": "conv", "filters": 4}]}
            ),
            "one": Case((4, 4, 2), {"layers": [{"type": "conv", "filters": 3, "activation": "tanh"}]}),
            "conv and pool as one": Case(
                (6, 6, 2),
                {
                    "layers": [
                        {"type": "conv", "filters": 3, "padding": "same", "activation": "relu"},
                        {"type": "max_pool"},
                        {"type": "batch_norm"},
                    ]
                },
            ),
            "repeated": Case((4, 4, 2), {"layers": [{**INNER[0], "repeat": 2}, {"type": "batch_norm"}]}),
            "repeats in a repeat": Case(
                (5, 6, 2),
                {"layers": [{"type": "residual", "repeat": 2, "layers": [{**INNER[0], "repeat": 2}]}]},
            ),
            "one within one": Case(
                (3, 4, 2),
                {
                    "layers": [
                        {"type": "batch_norm"},
                        {"type": "sequence", "layers": [{"type": "flatten"}, {"type": "dense", "units": 5}]},
                        {"type": "activation", "function": "tanh"},
                    ]
                },
            ),
        },
        words=({"layers": [{"type": "flatten"}, {"type": "dropout"}]}, "2 layers"),
        large={"layers": [{"type": "conv", "filters": 4, "padding": "same"}, {"type": "batch_norm"}]},
        multiply_adds=(4 * 4) * 3 * (3 * 3 * 2) + (2 * 2) * 4 * (3 * 3 * 3),
    ),
    "upsample": Facts(
        lambda torch, layer, x, *_: torch.nn.functional.interpolate(
            x, scale_factor=layer.factor, mode="bilinear" if layer.mode == "bilinear" else "nearest-exact"
        ),
        cases={
            "as it comes": Case((3, 4, 2)),
            "rows alone": Case((2, 3, 1), {"factor": [3, 1]}),
            "by one": Case((2, 3, 2), {"factor": 1}),
            "bilinear": Case((3, 4, 2), {"mode": "bilinear"}),
            "bilinear, another factor for rows": Case((2, 5, 3), {"factor": [3, 4], "mode": "bilinear"}),
            "bilinear, of one row": Case((1, 2, 1), {"factor": [2, 1], "mode": "bilinear"}),
        },
        words=({"factor": [2, 3], "mode": "bilinear"}, "2×3, bilinear"),
    ),
    "residual": Facts(
        residual,
        cases={
            "as it comes": Case((4, 5, 2), {"layers": INNER}),
            "with relu": Case((4, 5, 2), {"layers": INNER, "activation": "relu"}),
            "with tanh, of flat numbers": Case(
                (5,), {"layers": [{"type": "dense", "units": 5, "activation": "tanh"}], "activation": "tanh"}
            ),
            "nothing but the shortcut": Case((3, 3, 2), {"layers": [{"type": "dropout", "rate": 0}]}),
            "more channels": Case((4, 5, 3), {"layers": INNER, "activation": "relu"}),
            "smaller": Case(
                (6, 7, 2), {"layers": [*INNER[:2], {**INNER[2], "stride": 2}, {"type": "dropout", "rate": 0}]}
            ),
            "a stride for rows, another for columns": Case(
                (5, 6, 2),
                {"layers": [{**INNER[0], "stride": [2, 1]}, {**INNER[0], "filters": 3, "stride": [1, 3]}]},
            ),
            "a convolution beside what keeps the shape": Case(
                (3, 4, 2), {"layers": INNER, "shortcut": "conv"}
            ),
            "down and up again": Case(
                (4, 6, 2),
                {
                    "layers": [
                        {"type": "avg_pool"},
                        {"type": "residual", "layers": INNER},
                        {"type": "upsample"},
                    ]
                },
            ),
        },
        words=(
            {"layers": INNER, "activation": "relu", "shortcut": "conv", "drop": 0.1},
            "3 layers, shortcut=conv, relu, drop=0.1",
        ),
        large={
            "layers": [{"type": "conv", "filters": 8, "padding": "same"}, {"type": "dropout", "rate": 0.2}],
            "drop": 0.2,
        },
        multiply_adds=2 * (4 * 5) * 2 * (3 * 3 * 2),
    ),
    "parallel": Facts(
        parallel,
        cases={
            "as it comes": Case(
                (4, 5, 2),
                {"branches": [{"layers": INNER}, {"type": "conv", "filters": 3, "padding": "same"}]},
            ),
            "one": Case((4, 5, 2), {"branches": [INNER[0]]}),
            "added": Case(
                (4, 4, 2),
                {
                    "combine": "add",
                    "branches": [{"layers": INNER}, {"type": "batch_norm"}, {"type": "dropout", "rate": 0}],
                },
            ),
            "without weights, of flat numbers": Case(
                (5,), {"branches": [{"type": "dropout", "rate": 0}, {"type": "activation"}]}
            ),
            "one in another, smaller": Case(
                (4, 6, 2),
                {
                    "branches": [
                        {"type": "max_pool"},
                        {
                            "layers": [
                                {"type": "parallel", "branches": [INNER[0], INNER[1]]},
                                {"type": "avg_pool"},
                            ]
                        },
                        {"type": "residual", "layers": [{**INNER[0], "stride": 2, "filters": 1}]},
                    ]
                },
            ),
            "repeated": Case((4, 5, 2), {"branches": [{**INNER[0], "repeat": 2}, {**INNER[0], "repeat": 2}]}),
        },
        words=({"branches": [{"layers": INNER}, INNER[0]], "combine": "add"}, "2 branches, added"),
        large={
            "branches": [{**INNER[0], "filters": 4}, {"layers": [INNER[0], {"type": "dropout", "rate": 0.2}]}]
        },
        multiply_adds=(4 * 5) * (2 * 2 * 2 + 3 * 2) * (3 * 3),
    ),
}
