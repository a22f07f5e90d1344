"""First filters from the training images: the principal directions of their patches, equally strong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from convcli.engine.blas import one_thread_each
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.layer import Images, Initial, Shape
from convcli.shapes import Pair, Window
from convcli.wording import by

EPSILON = 5e-4  # added to a direction's variance, so that what hardly varies is not blown up to noise
MOST_IMAGES = 5000
MOST_NUMBERS = 1 << 26  # in all patches together
BLOCK_NUMBERS = 1 << 20  # in those that are looked at at a time
NOISE = 64  # patches of noise for each of their numbers


@dataclass(frozen=True, eq=False)
class Whitened(Initial):
    """Weights (f_h, f_w, c, filters) whose outputs for the training images vary by 1 and have no correlation.

    Half of the filters are eigenvectors v of the covariance of all patches that the layer's window cuts from
    the images, those with the largest eigenvalues λ first, each as v / √(λ + ε) with ε = 5e-4; the others are
    the same with the other sign, in the same order. So a rectifier behind them loses nothing.

    The images are at most 5,000, evenly spread over the training images, as the network sees them. Without
    images, as in a check of gradients, patches of noise stand for theirs.
    Sources: Coates and Ng, 2012, "Learning feature representations with k-means"; Page, 2018, "How to train
    your ResNet 8"; Jordan, 2024, arXiv:2404.00498, section 3.2.

    Attributes
    ----------
    image
        The shape of an image.
    dilation
        Of the window.
    """

    from_images: ClassVar[bool] = True

    image: Shape = ()
    dilation: Pair = (1, 1)

    @classmethod
    def of(cls, shape: Shape, image: Shape, dilation: Pair) -> Whitened:
        """Return weights of `shape` that begin so and stay so, or raise ShapeError if there are none."""
        rows, columns, depth, filters = shape
        most = 2 * rows * columns * depth
        if filters % 2 or filters > most:
            patch = f"{rows} × {columns} × {depth}"
            raise ShapeError(
                f'init = "whiten" gives a pair of filters for each direction of {patch} patches, the '
                f"strongest first: set filters = {most}, or an even number below it."
            )
        span = Window.of((rows, columns), dilation=dilation).span
        if any(cells > side for cells, side in zip(span, image, strict=False)):
            raise ShapeError(f'init = "whiten" needs images of at least {by(span)}, the size of its window.')
        return cls(shape, "whiten", kind="frozen", image=image, dilation=dilation)

    def draw(self, rng: np.random.Generator, images: Images | None = None) -> Array:
        rows, columns, depth, filters = self.shape
        size = rows * columns * depth
        if images is None:
            blocks: Iterator[Array] = iter([rng.standard_normal((NOISE * size, size))])
        else:
            window = Window.of((rows, columns), dilation=self.dilation)
            each = math.prod(window.output_shape((self.image[0], self.image[1]))) * size
            blocks = self._patches(images(max(1, min(MOST_IMAGES, MOST_NUMBERS // each))))
        with one_thread_each():  # which would add up in another order
            variances, directions = np.linalg.eigh(_covariance(blocks, size))
        strongest = slice(None, -filters // 2 - 1, -1)
        scaled = _with_a_sign(directions.T[strongest]) / np.sqrt(variances[strongest, None] + EPSILON)
        both = np.concatenate([scaled, -scaled])
        return np.ascontiguousarray(both.T.reshape(self.shape))

    def _patches(self, images: Array) -> Iterator[Array]:
        """Yield the patches of some images after the other, each as a row of (f_h, f_w, c)."""
        rows, columns, depth, _ = self.shape
        (down, across), (d_h, d_w) = Window.of((rows, columns), dilation=self.dilation).span, self.dilation
        views = np.lib.stride_tricks.sliding_window_view(images, (down, across), (1, 2))[..., ::d_h, ::d_w]
        together = max(1, BLOCK_NUMBERS // max(1, views[:1].size))
        for start in range(0, len(views), together):
            block = views[start : start + together].transpose(0, 1, 2, 4, 5, 3)
            yield np.ascontiguousarray(block, np.float64).reshape(-1, rows * columns * depth)


def _covariance(blocks: Iterator[Array], size: int) -> Array:
    """Return the covariance (size, size) of all rows."""
    count, total, products = 0, np.zeros(size), np.zeros((size, size))
    for rows in blocks:
        count += len(rows)
        total += np.ones(len(rows)) @ rows
        products += rows.T @ rows
    mean = total / count
    covariance: Array = products / count - np.outer(mean, mean)
    return covariance


def _with_a_sign(vectors: Array) -> Array:
    """Return rows turned so that the first of their largest numbers is above 0: either is an eigenvector."""
    sizes = np.abs(vectors)
    first = np.argmax(sizes > 0.999 * sizes.max(1, keepdims=True), axis=1)
    signed: Array = vectors * np.sign(np.take_along_axis(vectors, first[:, None], 1))
    return signed
