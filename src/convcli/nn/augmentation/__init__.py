"""How training images are changed, so that a network sees more than there are. See `options.py` for all."""

from convcli.nn.augmentation.augmenter import Augmenter
from convcli.nn.augmentation.draws import Draws
from convcli.nn.augmentation.options import AUGMENTATIONS, AugmentationOptions

__all__ = ["AUGMENTATIONS", "AugmentationOptions", "Augmenter", "Draws"]
