"""Pieces of a batch as training sees them."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.augmentation.augmentation import Covering, Rearranging
from convcli.nn.augmentation.draws import Draws
from convcli.nn.augmentation.levels import Levelling
from convcli.nn.augmentation.mixing import Mixing
from convcli.nn.augmentation.options import AugmentationOptions
from convcli.nn.augmentation.rearranging import rearranged
from convcli.nn.augmentation.resampling import Resampling, composed, resampled
from convcli.nn.preprocessing import Preprocessing


class Augmenter:
    """Changes images as [augmentation] says: where their pixels are, their levels, what is covered, mixed.

    Parameters
    ----------
    options, preprocessing
        How, and what the network sees as 0, by which cutout covers.
    classes
        How many outputs the network has.

    Attributes
    ----------
    active
        Whether it changes anything.
    mixes
        Whether a piece needs images of the whole batch.
    """

    def __init__(self, options: AugmentationOptions, preprocessing: Preprocessing, classes: int) -> None:
        active = list(options.active)
        self.active, self.classes = bool(active), classes
        self._rearranging = [one for one in active if isinstance(one, Rearranging)]
        self._resampling = [one for one in active if isinstance(one, Resampling)]
        self._levelling = [one for one in active if isinstance(one, Levelling)]
        self._covering = [one for one in active if isinstance(one, Covering)]
        self._mixing = [one for one in active if isinstance(one, Mixing)]
        self.mixes = bool(self._mixing)
        self._colour = np.rint(255 * np.array(preprocessing.mean))

    def piece(
        self, batch: tuple[Array, Array, Array], chosen: slice, seed: tuple[int, ...]
    ) -> tuple[Array, Array]:
        """Return a piece of a batch as it is learned from in an epoch, and its targets.

        Parameters
        ----------
        batch
            Its images (b, h, w, c), uint8, their labels (b,), and where they lie in the training data (b,).
        chosen
            Which of them the piece is.
        seed
            It begins with the training's seed and the epoch.

        Returns
        -------
        images : (n, h, w, c)
            uint8, or float32 in 0 … 255 where levels between them are computed.
        targets
            labels (n,), or where images are mixed each one's shares of the classes: (n, classes), float32.
        """
        images, labels, places = batch
        draws = Draws.of(seed, places[chosen])
        changed = self.images(images[chosen], draws)
        if not self._mixing:
            return changed, labels[chosen]
        partner, *drawn = draws.uniform("mixing", 3)
        partners = np.floor(partner * len(images)).astype(np.int64)
        others = self.images(images[partners], Draws.of(seed, places[partners]))
        stays = self._mix(changed, others, draws, drawn)
        shares, rows = np.zeros((len(changed), self.classes), np.float32), np.arange(len(changed))
        shares[rows, labels[chosen]] = stays
        shares[rows, labels[partners]] += 1 - stays
        return changed, shares

    def images(self, images: Array, draws: Draws) -> Array:
        """Return images (n, h, w, c), uint8, changed by what is drawn for them, not yet mixed.

        They are left as they are. Returns uint8, or float32 as `piece`.
        """
        count, height, width, _ = images.shape
        changed = images = np.ascontiguousarray(images)
        if self._rearranging:
            rows, columns = (np.tile(np.arange(side), (count, 1)) for side in (height, width))
            for rearranging in self._rearranging:
                rearranging.places(rows, columns, draws)
            changed = rearranged(changed, rows, columns)
        if self._resampling:
            maps = [resampling.maps((height, width), draws) for resampling in self._resampling]
            changed = resampled(changed, composed(maps))
        computed = self._levelling or not all(mixing.exact for mixing in self._mixing)
        if changed is images or (computed and changed.dtype == np.uint8):
            changed = np.array(changed, np.float32 if computed else np.uint8, order="C")
        for levelling in self._levelling:
            levelling.change(changed, draws)
        for covering in self._covering:
            covering.cover(changed, self._colour.astype(changed.dtype), draws)
        return changed

    def _mix(self, images: Array, others: Array, draws: Draws, drawn: list[Array]) -> Array:
        """Mix images with others in their place, each in one way; return the share that stays (n,)."""
        ways, chances = np.floor(drawn[0] * len(self._mixing)), drawn[1]
        stays = np.ones(len(images))
        for number, mixing in enumerate(self._mixing):
            chosen = np.flatnonzero((ways == number) & (chances < mixing.probability))
            mixed = images[chosen]
            stays[chosen] = mixing.mix(mixed, others[chosen], draws.take(chosen))
            images[chosen] = mixed
        return stays
