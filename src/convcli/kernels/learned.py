"""Kernels that a network has learned: each as a kernel for photos, and the named kernel it is most like."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convcli.kernels.definition import KERNELS, named
from convcli.kernels.smoothing import SMOOTHING
from convcli.kernels.weights import MAX_SIDE, Kernel, Weights, centred, checked_weights

DRAWS = 1000


def learned(
    weights: NDArray[np.floating],
    filter: int,  # noqa: A002  (the field's word)
    channel: int | None,
    *,
    name: str,
    source: str,
) -> Kernel:
    """Return one kernel of a layer's `weights` (f_h, f_w, c, filters); both numbers count from 0.

    Without a channel it is of all: with several, a part for each channel of an image.
    """
    depth = range(weights.shape[2]) if channel is None else [channel]
    parts = tuple(checked_weights(weights[:, :, c, filter], name) for c in depth)
    return Kernel(name, parts, "volume" if len(parts) > 1 else "single", source=source)


@dataclass(frozen=True, eq=False)
class Match:
    """A named kernel, laid in a window of the compared kernel's size, and the cosine between the two.

    The cosine is that of the angle between them as vectors of numbers: 1 where one is a multiple of the
    other, −1 where it is a negative one.
    """

    kernel: Kernel
    cosine: float


def fitting(size: tuple[int, int]) -> list[Kernel]:
    """Return the named kernels that fit a window, smaller ones in its middle.

    A kernel that takes a size gets the window's. Kernels of several parts are left out: their parts have
    names of their own.
    """
    kernels = []
    for name, definition in KERNELS.items():
        if definition.combine == "single":
            sized = definition.group == SMOOTHING and "size" in definition.defaults
            own = {"size": min(*size, MAX_SIDE)} if sized else {}
            kernel = named(name, **own)
            if all(cells <= side for cells, side in zip(kernel.shape, size, strict=True)):
                kernels.append(replace(kernel, parts=(centred(kernel.parts[0], size),)))
    return kernels


def nearest(weights: NDArray[np.floating]) -> list[Match]:
    """Return for each of `weights` (m, f_h, f_w) the named kernel with the largest cosine, sign left aside.

    With channels, (m, f_h, f_w, c), a named kernel is laid on each of them alike. Of kernels that are equally
    near, the first that `convcli kernels` lists.

    >>> match = nearest(np.array([[[2.0, 0.0, -2.0], [4.0, 0.0, -4.0], [2.0, 0.0, -2.0]]]))[0]
    >>> match.kernel.name, round(match.cosine, 9)
    ('sobel-x', -1.0)
    """
    known = fitting((weights.shape[1], weights.shape[2]))
    planes = np.stack([kernel.parts[0] for kernel in known])
    if weights.ndim == 4:
        planes = np.repeat(planes[..., None], weights.shape[3], axis=3)
    cosines = _directions(weights) @ _directions(planes).T
    best = np.abs(cosines).round(9).argmax(axis=1)  # kernels that are alike differ by rounding
    return [Match(known[k], float(row[k])) for row, k in zip(cosines, best.tolist(), strict=True)]


def chance(size: tuple[int, ...]) -> float:
    """Return how large the nearest kernel's cosine is on average for kernels of random numbers.

    `size` is (f_h, f_w), or (f_h, f_w, c) of kernels with channels. There are so many named kernels that some
    one of them is always rather near.
    """
    drawn = np.random.default_rng(0).standard_normal((DRAWS, *size))
    return float(np.mean([abs(match.cosine) for match in nearest(drawn)]))


def _directions(weights: NDArray[np.floating]) -> Weights:
    """Return each kernel as a row of length 1; one of zeros stays so."""
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
