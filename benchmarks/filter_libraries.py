"""One filter in the words of each library, with borders reflected about the edge pixel where one can say.

Each function takes a `Kernel` and returns the filter, ready to be applied to planes of float32 or uint8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
        return weights / weights.sum()


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
        return cv2.magnitude(*gradients)

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


def use_threads(threads: int) -> None:
    """Tell OpenCV; the others look at the processors of their process, or use one."""
    import cv2

    cv2.setNumThreads(threads)


LIBRARIES = {
    "convcli": convcli,
    "SciPy": scipy,
    "OpenCV": opencv,
    "scikit-image": scikit_image,
    "Pillow": pillow,
}
