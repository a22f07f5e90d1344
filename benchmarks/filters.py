"""`filter2d` and `filter_image` beside the filters of SciPy, OpenCV, scikit-image and Pillow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Measure, Quantity, seconds_per_call
from benchmarks.setting import Setting
from benchmarks.sides import Call, Match, Side

Plane: TypeAlias = NDArray[Any]
Filter: TypeAlias = Callable[[Plane], Plane]

SIGMA = 3.0


@dataclass(frozen=True)
class Kernel:
    """What is laid on the plane.

    Attributes
    ----------
    name
        "random": weights that sum to one and are no outer product, so that nothing can be saved on them;
        "gaussian": of sigma 3, cut at four sigma, which makes 25 × 25;
        "sobel": the magnitude of the gradient.
    size
        Rows and columns.
    """

    name: str
    size: int

    @property
    def weights(self) -> Plane:
        """The weights of a random kernel."""
        weights = np.random.default_rng(self.size).random((self.size, self.size), np.float32)
        weights /= weights.sum()
        return weights


JOBS = {
    "3 × 3": (Kernel("random", 3), "float32"),
    "Sobel magnitude": (Kernel("sobel", 3), "float32"),
    "7 × 7": (Kernel("random", 7), "float32"),
    "25 × 25 Gaussian": (Kernel("gaussian", 25), "float32"),
    "31 × 31": (Kernel("random", 31), "float32"),
    "3 × 3, 8 bits": (Kernel("random", 3), "uint8"),
    "5 × 5, 8 bits": (Kernel("random", 5), "uint8"),
    "25 × 25 Gaussian, 8 bits": (Kernel("gaussian", 25), "uint8"),
}
"""Kernels, and the types of pixels that they are laid on."""


def libraries(setting: Setting) -> Iterator[Match]:
    """Compare the time of one filter on one plane in memory, with all libraries that have it."""
    for name, (kernel, dtype) in JOBS.items():
        peers = [peer for peer, library in LIBRARIES.items() if library.has(kernel, dtype)]
        yield _match(setting, peers, kernel, dtype, setting.sizes.plane, Quantity(name, "ms", "ms"))


def image_sizes(setting: Setting) -> Iterator[Match]:
    """Compare the time of a small and a large kernel as the image grows."""
    for megapixels in setting.sizes.megapixels:
        rows = round(math.sqrt(megapixels * 1e6 * 2 / 3))
        shape = (rows, round(megapixels * 1e6 / rows))
        for size in (3, 31):
            line = f"{size} × {size}"
            quantity = Quantity(f"{line}, {megapixels:g} MP", "ms", "ms", at=megapixels, line=line)
            yield _match(setting, CURVES, Kernel("random", size), "float32", shape, quantity)


def kernel_sizes(setting: Setting) -> Iterator[Match]:
    """Compare the time of random kernels as they grow."""
    for size in setting.sizes.kernel_sizes:
        quantity = Quantity(f"{size} × {size}", "ms", "ms", at=size)
        yield _match(setting, CURVES, Kernel("random", size), "float32", setting.sizes.plane, quantity)


CURVES = ["convcli", "OpenCV"]


def _match(
    setting: Setting,
    sides: list[str],
    kernel: Kernel,
    dtype: str,
    shape: tuple[int, int],
    quantity: Quantity,
) -> Match:
    def side(name: str) -> Side:
        call = Call(partial(filter_side, name, kernel, dtype, shape, setting.threads))
        return Side(name, call, LIBRARIES[name].needs)

    return Match([side(name) for name in sides], [quantity])


# What runs in a side's own process.


def filter_side(library: str, kernel: Kernel, dtype: str, shape: tuple[int, int], threads: int) -> Measure:
    """Set up one library's filter and a plane; a run filters it once or more."""
    if library == "OpenCV":  # the others look at the processors of their process, or use one
        import cv2

        cv2.setNumThreads(threads)
    apply = LIBRARIES[library].filter(kernel)
    plane = random_plane(shape, dtype)
    return lambda: {"ms": 1000 * seconds_per_call(lambda: apply(plane))}


def random_plane(shape: tuple[int, int], dtype: str) -> Plane:
    """Return noise from 0 to 255."""
    rng = np.random.default_rng(0)
    if dtype == "uint8":
        return rng.integers(0, 256, shape, np.uint8)
    return rng.random(shape, np.float32) * np.float32(255)


# One filter in the words of each library, with borders reflected about the edge pixel where one can say.


def convcli(kernel: Kernel) -> Filter:
    import convcli

    if kernel.name == "sobel":
        return lambda plane: convcli.filter_image(plane, "sobel", range="raw")
    gaussian = kernel.name == "gaussian"
    weights = convcli.kernel("gaussian", sigma=SIGMA) if gaussian else kernel.weights
    return lambda plane: (convcli.filter_image if plane.dtype == np.uint8 else convcli.filter2d)(
        plane, weights
    )


def scipy(kernel: Kernel) -> Filter:
    from scipy import ndimage

    if kernel.name == "sobel":
        return lambda plane: np.hypot(
            ndimage.sobel(plane, axis=0, mode="mirror"), ndimage.sobel(plane, axis=1, mode="mirror")
        )
    if kernel.name == "gaussian":
        return lambda plane: ndimage.gaussian_filter(plane, SIGMA, mode="mirror")
    weights = kernel.weights
    return lambda plane: ndimage.correlate(plane, weights, mode="mirror")


def opencv(kernel: Kernel) -> Filter:
    import cv2

    def sobel(plane: Plane) -> Plane:
        gradients = (cv2.Sobel(plane, cv2.CV_32F, *direction) for direction in ((1, 0), (0, 1)))
        magnitude: Plane = cv2.magnitude(*gradients)
        return magnitude

    if kernel.name == "sobel":
        return sobel
    if kernel.name == "gaussian":
        return lambda plane: cv2.GaussianBlur(plane, (kernel.size, kernel.size), SIGMA)
    weights = kernel.weights
    return lambda plane: cv2.filter2D(plane, -1, weights)


def scikit_image(kernel: Kernel) -> Filter:
    from skimage import filters

    if kernel.name == "sobel":  # it divides by the weights' sum and takes a root mean square
        return lambda plane: filters.sobel(plane, mode="mirror")
    return lambda plane: filters.gaussian(plane, SIGMA, mode="mirror", preserve_range=True)


def pillow(kernel: Kernel) -> Filter:
    from PIL import Image, ImageFilter

    if kernel.name == "gaussian":
        chosen: ImageFilter.Filter = ImageFilter.GaussianBlur(SIGMA)
    else:
        chosen = ImageFilter.Kernel((kernel.size, kernel.size), kernel.weights.ravel().tolist(), scale=1)
    return lambda plane: np.asarray(Image.fromarray(plane).filter(chosen))


@dataclass(frozen=True)
class Library:
    """A library in whose words a filter is said: the types and kernels that it is asked for."""

    filter: Callable[[Kernel], Filter]
    needs: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ("float32", "uint8")
    kernels: tuple[str, ...] = ("random", "gaussian", "sobel")

    def has(self, kernel: Kernel, dtype: str) -> bool:
        return dtype in self.dtypes and kernel.name in self.kernels


LIBRARIES = {
    "convcli": Library(convcli),
    "SciPy": Library(scipy, ("scipy",), ("float32",)),
    "OpenCV": Library(opencv, ("cv2",)),
    "scikit-image": Library(scikit_image, ("skimage",), ("float32",), ("gaussian", "sobel")),
    "Pillow": Library(pillow, ("PIL",), ("uint8",)),
}
