"""How long a function takes on a larger case, beside plain loops and beside ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.cases import Case, Limits
from convcli.grading.operations import Arrays, Options
from convcli.shapes import output_size
from convcli.wording import counted

SIDE, IMAGES, CHANNELS, FILTERS = 16, 2, 3, 4
REPEATS = 3


@dataclass(frozen=True)
class Speed:
    """Seconds, the shortest of three: the learner's, plain loops', and ours; and what was computed."""

    theirs: float
    loops: float
    ours: float
    what: str


def large_case(operation: str, limits: Limits) -> Case | None:
    """Return a case worth a measurement, if the operation has loops to be measured beside."""
    if operation not in LOOPS:
        return None
    rng = np.random.default_rng(0)
    n, c, k = (
        (IMAGES if limits.batch else 1),
        (CHANNELS if limits.channels else 1),
        (FILTERS if limits.filters else 1),
    )
    f = limits.size or (2 if "pool" in operation else 3)
    s = 1 if "conv" in operation else f
    if not limits.strides:
        s = f if limits.stride == "size" else int(limits.stride)
    p = f // 2 if not limits.paddings and limits.padding == "same" else 0
    out = output_size(SIDE, f, padding=p, stride=s)
    x = rng.normal(size=(n, SIDE, SIDE, c))
    if "pool" in operation:
        return Case(
            operation, {"x": x, "dz": rng.normal(size=(n, out, out, c))}, {"size": f, "stride": s}, "random"
        )
    arrays = {"x": x, "w": rng.normal(size=(f, f, c, k)), "dz": rng.normal(size=(n, out, out, k))}
    if limits.bias:
        arrays["b"] = rng.normal(size=k)
    return Case(operation, arrays, {"stride": s, "padding": p}, "random")


def measured(case: Case, theirs: Callable[[], float]) -> Speed:
    """Return the shortest times of a few runs."""
    reference, loops = case.what.reference, LOOPS[case.operation]

    def timed(function: Callable[[Arrays, Options], object]) -> float:
        begin = time.perf_counter()
        function(case.arrays, case.options)
        return time.perf_counter() - begin

    x, w = case.arrays["x"], case.arrays.get("w")
    what = " × ".join(map(str, x.shape)) + (
        f" with {counted(w.shape[3], 'kernel')} of {w.shape[0]} × {w.shape[1]}" if w is not None else ""
    )
    return Speed(
        min(theirs() for _ in range(REPEATS)),
        min(timed(loops) for _ in range(REPEATS)),
        min(timed(reference) for _ in range(REPEATS)),
        what,
    )


def _padded(arrays: Arrays, options: Options) -> Array:
    p = options.get("padding", 0)
    return np.pad(arrays["x"], ((0, 0), (p, p), (p, p), (0, 0)))


def _conv_forward(arrays: Arrays, options: Options) -> Array:
    x, w, s = _padded(arrays, options), arrays["w"], options["stride"]
    f, k = w.shape[0], w.shape[3]
    n, out_h, out_w = len(x), (x.shape[1] - f) // s + 1, (x.shape[2] - f) // s + 1
    z = np.zeros((n, out_h, out_w, k))
    for image, i, j, c in np.ndindex(n, out_h, out_w, k):
        z[image, i, j, c] = np.sum(x[image, i * s : i * s + f, j * s : j * s + f] * w[..., c])
    return z


def _conv_backward(arrays: Arrays, options: Options) -> tuple[Array, Array]:
    x, w, dz, s = _padded(arrays, options), arrays["w"], arrays["dz"], options["stride"]
    f = w.shape[0]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for image, i, j, c in np.ndindex(*dz.shape):
        window = np.s_[image, i * s : i * s + f, j * s : j * s + f]
        dx[window] += w[..., c] * dz[image, i, j, c]
        dw[..., c] += x[window] * dz[image, i, j, c]
    return dx, dw


def _pool(reduce: Callable[[Array], float]) -> Callable[[Arrays, Options], Array]:
    def pool(arrays: Arrays, options: Options) -> Array:
        x, s, f = arrays["x"], options["stride"], options["size"]
        y = np.zeros(arrays["dz"].shape)
        for image, i, j, c in np.ndindex(*y.shape):
            y[image, i, j, c] = reduce(x[image, i * s : i * s + f, j * s : j * s + f, c])
        return y

    return pool


def _pool_backward(arrays: Arrays, options: Options) -> Array:
    x, s, f, dz = arrays["x"], options["stride"], options["size"], arrays["dz"]
    dx = np.zeros_like(x)
    for image, i, j, c in np.ndindex(*dz.shape):
        window = x[image, i * s : i * s + f, j * s : j * s + f, c]
        a, b = divmod(int(window.argmax()), f)
        dx[image, i * s + a, j * s + b, c] += dz[image, i, j, c]
    return dx


LOOPS: dict[str, Callable[[Arrays, Options], object]] = {
    "conv_forward": _conv_forward,
    "conv_backward": _conv_backward,
    "max_pool": _pool(np.max),
    "avg_pool": _pool(np.mean),
    "max_pool_backward": _pool_backward,
}
