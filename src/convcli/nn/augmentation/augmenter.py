"""Pieces of a batch as training sees them."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.augmentation.augmentation import Covering, Rearranging
from convcli.nn.augmentation.draws import Draws
from convcli.nn.augmentation.options import AugmentationOptions
from convcli.nn.augmentation.rearranging import rearranged
from convcli.nn.preprocessing import Preprocessing


class Augmenter:
    """Changes images as [augmentation] says.

    Attributes
    ----------
    active
        Whether it changes anything.
    """

    def __init__(self, options: AugmentationOptions, preprocessing: Preprocessing) -> None:
        active = list(options.active)
        self.active = bool(active)
        self._rearranging = [one for one in active if isinstance(one, Rearranging)]
        self._covering = [one for one in active if isinstance(one, Covering)]
        self._colour = np.rint(255 * np.array(preprocessing.mean))

    def images(self, images: Array, draws: Draws) -> Array:
        """Return images (n, h, w, c), uint8, changed by what is drawn for them; they are left as they are.

        Returns
        -------
        uint8, or float32 in 0 … 255 where levels between them are computed.
        """
        count, height, width, _ = images.shape
        if self._rearranging:
            rows = np.tile(np.arange(height), (count, 1))
            columns = np.tile(np.arange(width), (count, 1))
            for one in self._rearranging:
                one.places(rows, columns, draws)
            images = rearranged(images, rows, columns)
        if self._covering:
            images = images if self._rearranging else images.copy()
            for covering in self._covering:
                covering.cover(images, self._colour.astype(images.dtype), draws)
        return images
