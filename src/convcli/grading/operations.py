"""What a learner writes, one operation a line: what goes in, what comes out, and what comes out of ours.

All of it is canonical: float64, activations (n, h, w, c), weights (f_h, f_w, c, k). How somebody else lays
it out is in `conventions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from convcli.engine.batch.conv import conv2d, conv2d_backward
from convcli.engine.batch.pool import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from convcli.engine.workspace import Array
from convcli.proof.differences import numeric_gradient
from convcli.shapes import Window

Arrays: TypeAlias = Mapping[str, Array]
Options: TypeAlias = Mapping[str, Any]
Results: TypeAlias = dict[str, Array]


@dataclass(frozen=True)
class Operation:
    """One step of a network's mathematics, forward or backward.

    Attributes
    ----------
    does
        What it is, in a few words.
    takes, options
        The names of the arrays and of the options; a bias `b` may be left out.
    gives
        The names of the results, in the order in which they are usually returned.
    reference
        What comes out, by the engine.
    axes
        What each axis of a result counts.
    forward
        Of a gradient: the operation whose gradient it is, in the arrays that `along` names by result.
    """

    name: str
    does: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    reference: Callable[[Arrays, Options], Results]
    options: tuple[str, ...] = ()
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forward: str | None = None
    along: Mapping[str, str] = field(default_factory=dict)

    @property
    def backward(self) -> bool:
        """Whether it is a gradient."""
        return self.forward is not None

    def numeric(self, arrays: Arrays, options: Options) -> Results:
        """Return the same gradients by central differences of the forward pass, without our backward pass."""
        assert self.forward is not None
        forward = OPERATIONS[self.forward]
        moved = {name: array.astype(np.float64) for name, array in arrays.items()}
        after = moved.get("dz", np.ones(()))

        def objective() -> float:
            made = forward.reference({name: moved[name] for name in forward.takes if name in moved}, options)
            return float((made[forward.gives[0]] * after).sum())

        return {
            name: numeric_gradient(objective, moved[of]) for name, of in self.along.items() if of in moved
        }


OPERATIONS: dict[str, Operation] = {}
"""All of them by name."""

NOTATION = {
    "x": "A_prev",
    "w": "W",
    "dz": "dZ",
    "z": "Z",
    "y": "A",
    "dx": "dA_prev",
    "dw": "dW",
}
"""How people call the arrays; the others have their own names."""

VOLUME = ("image", "row", "column", "channel")
MAPS = ("image", "row", "column", "filter")
WEIGHTS = ("row", "column", "channel", "filter")
ROWS = ("example", "unit")


def _enter(operation: Operation) -> None:
    OPERATIONS[operation.name] = operation


def _window(options: Options) -> dict[str, Any]:
    return {"stride": options.get("stride", 1), "padding": options.get("padding", 0)}


def _conv_forward(arrays: Arrays, options: Options) -> Results:
    return {"z": conv2d(arrays["x"], arrays["w"], arrays.get("b"), **_window(options))}


def _conv_backward(arrays: Arrays, options: Options) -> Results:
    gradients = conv2d_backward(arrays["dz"], arrays["x"], arrays["w"], **_window(options))
    return dict(zip(("dx", "dw", "db"), gradients, strict=True))


def _pool(function: Callable[..., Array]) -> Callable[[Arrays, Options], Results]:
    return lambda arrays, options: {"y": function(arrays["x"], options["size"], **_window(options))}


def _pool_backward(function: Callable[..., Array]) -> Callable[[Arrays, Options], Results]:
    return lambda arrays, options: {
        "dx": function(arrays["dz"], arrays["x"], options["size"], **_window(options))
    }


def _zero_pad(arrays: Arrays, options: Options) -> Results:
    sides = Window.of(1, padding=options["padding"]).padding
    return {"y": np.pad(arrays["x"], ((0, 0), *sides, (0, 0)))}


def _single_step(arrays: Arrays, _: Options) -> Results:
    window, kernel = arrays["x"][None], arrays["w"][..., None]
    return {"z": conv2d(window, kernel, arrays["b"].reshape(1))[0, 0, 0, 0]}


def _mask(arrays: Arrays, _: Options) -> Results:
    window = arrays["x"][None, :, :, None]
    return {"mask": max_pool2d_backward(np.ones((1, 1, 1, 1)), window, window.shape[1:3])[0, :, :, 0]}


def _distribute(arrays: Arrays, options: Options) -> Results:
    rows, columns = options["shape"]
    gradient = arrays["dz"].reshape(1, 1, 1, 1)
    return {"dx": avg_pool2d_backward(gradient, np.zeros((1, rows, columns, 1)), (rows, columns))[0, :, :, 0]}


def _dense(arrays: Arrays, _: Options) -> Results:
    z = arrays["x"] @ arrays["w"]
    return {"z": z if "b" not in arrays else z + arrays["b"]}


def _dense_backward(arrays: Arrays, _: Options) -> Results:
    x, w, dz = arrays["x"], arrays["w"], arrays["dz"]
    return {"dx": dz @ w.T, "dw": x.T @ dz, "db": dz.sum(0)}


def _relu(arrays: Arrays, _: Options) -> Results:
    return {"y": np.maximum(arrays["x"], 0.0)}


def _relu_backward(arrays: Arrays, _: Options) -> Results:
    return {"dx": arrays["dz"] * (arrays["x"] > 0)}


def _softmax(arrays: Arrays, _: Options) -> Results:
    powers = np.exp(arrays["x"] - arrays["x"].max(-1, keepdims=True))
    return {"y": powers / powers.sum(-1, keepdims=True)}


def _dense_softmax(arrays: Arrays, options: Options) -> Results:
    return _softmax({"x": _dense(arrays, options)["z"]}, options)


def _dense_softmax_backward(arrays: Arrays, options: Options) -> Results:
    y, dy = _dense_softmax(arrays, options)["y"], arrays["dz"]
    return _dense_backward({**arrays, "dz": y * (dy - (dy * y).sum(-1, keepdims=True))}, options)


def _cross_entropy(arrays: Arrays, _: Options) -> Results:
    scores, labels = arrays["x"], arrays["labels"].astype(int)
    top = scores.max(-1)
    logs = np.log(np.exp(scores - top[:, None]).sum(-1)) + top
    return {"loss": (logs - scores[np.arange(len(scores)), labels]).mean()[None].reshape(())}


def _softmax_loss(arrays: Arrays, options: Options) -> Results:
    labels = arrays["labels"].astype(int)
    dx = _softmax(arrays, options)["y"]
    dx[np.arange(len(dx)), labels] -= 1
    return {**_cross_entropy(arrays, options), "dx": dx / len(dx)}


_GRADIENTS = {"dx": VOLUME, "dw": WEIGHTS, "db": ("filter",)}
_DENSE_GRADIENTS = {"dx": ("example", "input"), "dw": ("input", "unit"), "db": ("unit",)}
_ALONG = {"dx": "x", "dw": "w", "db": "b"}

for _operation in (
    Operation("zero_pad", "zeros around each image", ("x",), ("y",), _zero_pad, ("padding",), {"y": VOLUME}),
    Operation(
        "conv_single_step", "one window times one kernel, summed", ("x", "w", "b"), ("z",), _single_step
    ),
    Operation(
        "conv_forward",
        "convolution",
        ("x", "w", "b"),
        ("z",),
        _conv_forward,
        ("stride", "padding"),
        {"z": MAPS},
    ),
    Operation(
        "conv_backward",
        "the gradients of a convolution",
        ("dz", "x", "w", "b"),
        ("dx", "dw", "db"),
        _conv_backward,
        ("stride", "padding"),
        _GRADIENTS,
        "conv_forward",
        _ALONG,
    ),
    *(
        operation
        for kind, forward, backward in (
            ("max", max_pool2d, max_pool2d_backward),
            ("avg", avg_pool2d, avg_pool2d_backward),
        )
        for operation in (
            Operation(
                f"{kind}_pool",
                f"{kind} pooling",
                ("x",),
                ("y",),
                _pool(forward),
                ("size", "stride"),
                {"y": VOLUME},
            ),
            Operation(
                f"{kind}_pool_backward",
                f"the gradient of {kind} pooling",
                ("dz", "x"),
                ("dx",),
                _pool_backward(backward),
                ("size", "stride"),
                {"dx": VOLUME},
                f"{kind}_pool",
                {"dx": "x"},
            ),
        )
    ),
    Operation(
        "create_mask_from_window",
        "where a window has its maximum",
        ("x",),
        ("mask",),
        _mask,
        axes={"mask": ("row", "column")},
    ),
    Operation(
        "distribute_value",
        "the shares of a mean's gradient",
        ("dz",),
        ("dx",),
        _distribute,
        ("shape",),
        {"dx": ("row", "column")},
    ),
    Operation("dense", "a dense layer", ("x", "w", "b"), ("z",), _dense, axes={"z": ROWS}),
    Operation(
        "dense_backward",
        "the gradients of a dense layer",
        ("dz", "x", "w", "b"),
        ("dx", "dw", "db"),
        _dense_backward,
        axes=_DENSE_GRADIENTS,
        forward="dense",
        along=_ALONG,
    ),
    Operation("relu", "relu", ("x",), ("y",), _relu, axes={"y": ROWS}),
    Operation(
        "relu_backward",
        "the gradient of relu",
        ("dz", "x"),
        ("dx",),
        _relu_backward,
        axes={"dx": ROWS},
        forward="relu",
        along={"dx": "x"},
    ),
    Operation("softmax", "softmax of each row", ("x",), ("y",), _softmax, axes={"y": ROWS}),
    Operation(
        "cross_entropy",
        "the mean cross-entropy of scores",
        ("x", "labels"),
        ("loss",),
        _cross_entropy,
    ),
    Operation(
        "softmax_loss",
        "the mean cross-entropy of scores, and its gradient",
        ("x", "labels"),
        ("loss", "dx"),
        _softmax_loss,
        axes={"dx": ROWS},
        forward="cross_entropy",
        along={"dx": "x"},
    ),
    Operation(
        "dense_softmax",
        "a dense layer and its softmax",
        ("x", "w", "b"),
        ("y",),
        _dense_softmax,
        axes={"y": ROWS},
    ),
    Operation(
        "dense_softmax_backward",
        "the gradients of a dense layer through its softmax",
        ("dz", "x", "w", "b"),
        ("dx", "dw", "db"),
        _dense_softmax_backward,
        axes=_DENSE_GRADIENTS,
        forward="dense_softmax",
        along=_ALONG,
    ),
):
    _enter(_operation)
