"""Whatever [augmentation] may ask works on images of any shape, or is refused by name; it never warns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from convcli.errors import ConfigError
from convcli.nn.augmentation import AUGMENTATIONS
from nn.augmentation.images import augmenter, options, random_images

SHAPES = [(1, 1, 1), (1, 1, 3), (1, 9, 1), (9, 1, 3), (2, 2, 1), (2, 3, 5), (13, 7, 3)]
VALUES = [
    *(0, 1, 2, 12, 2**62, 0.0, 5e-324, 1e-9, 0.01, 0.5, 0.999, 1.0, 45.0, 89.999, 179.0, 1e308),
    *("both", "none", [0.1, 0.1], [0.01, 1], [1, 10], [10, 10], [0, 0], [], True, None, {}),
]


def refusal(shape, **augmentation):
    """Return what is said against an augmentation; nothing if it may be had."""
    try:
        options(**augmentation).check(shape)
    except (ConfigError, ValidationError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_value_works_or_is_refused(name):
    worked = 0
    for value, shape in itertools.product(VALUES, SHAPES):
        if told := refusal(shape, **{name: value}):
            assert name in told
            continue
        images = random_images(5, *shape)
        batch = images, np.arange(5) % 4, np.arange(5)
        after, targets = augmenter(images, **{name: value}).piece(batch, slice(1, 5), (3, 1, 0))
        assert after.shape == (4, *shape)
        assert after.dtype in (np.uint8, np.float32)
        assert np.isfinite(after).all()
        assert 0 <= after.min() <= after.max() <= 255
        assert targets.ndim == 1 or np.allclose(targets.sum(1), 1)
        worked += 1
    assert worked > len(SHAPES)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("policy", ["light", "strong"])
def test_policies_suit_images_of_every_shape(policy, shape):
    images = random_images(6, *shape)
    off = {"cutout": 0} if shape[:2] == (1, 1) else {}  # it would cover all there is
    batch = images, np.arange(6) % 4, np.arange(6)
    after, _ = augmenter(images, policy=policy, **off).piece(batch, slice(0, 6), (0, 1, 0))
    assert np.isfinite(after).all()
