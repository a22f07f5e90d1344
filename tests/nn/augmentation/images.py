"""What the tests of augmentations share: random images, and an augmenter for them."""

from __future__ import annotations

import numpy as np

from convcli.nn.augmentation import AugmentationOptions, Augmenter, Draws
from convcli.nn.preprocessing import Preprocessing


def random_images(count, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)


def options(**augmentations):
    return AugmentationOptions.model_validate(augmentations)


def augmenter(images, **augmentations):
    """Return what changes images, fitted to these, of four classes."""
    chosen = options(**augmentations)
    chosen.check(images.shape[1:])
    return Augmenter(chosen, Preprocessing.fit([images], "standardize"), 4)


def augmented(images, *, seed=0, epoch=1, **augmentations):
    """Return `images` as an epoch shows them."""
    before = images.copy()
    result = augmenter(images, **augmentations).images(images, Draws(seed, epoch, np.arange(len(images))))
    np.testing.assert_array_equal(images, before)  # the training data stay as they are
    return result
