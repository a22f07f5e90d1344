"""Cutout: a square of the mean, its centre on any pixel."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import ConfigError
from nn.augmentation.images import augmented, options, random_images

COLOUR = (3, 250, 77)  # of none of the images


@pytest.fixture
def images():
    images = random_images(3000, 9, 7, 3) // 2 + 60
    return images.astype(np.uint8)


def holes(images, after):
    """Return which pixels are covered (n, h, w)."""
    colour = np.rint(images.reshape(-1, 3).mean(0))
    covered = (after == colour).all(3)
    np.testing.assert_array_equal(after[~covered], images[~covered])
    return covered


@pytest.mark.parametrize("size", [3, 4])
def test_a_square_is_covered_by_the_mean_and_its_centre_is_any_pixel(images, size):
    covered = holes(images, augmented(images, cutout=size))
    expected = np.zeros((9, 7))
    for row in range(9):
        for column in range(7):
            top, left = row - size // 2, column - size // 2
            expected[max(top, 0) : top + size, max(left, 0) : left + size] += 1
    np.testing.assert_allclose(covered.mean(0), expected / 63, atol=0.035)
    for hole in covered[:200]:
        rows, columns = hole.any(1).sum(), hole.any(0).sum()
        assert hole.sum() == rows * columns
        assert 1 <= min(rows, columns) <= max(rows, columns) <= size


def test_it_covers_as_many_images_as_probability_says(images):
    covered = holes(images, augmented(images, cutout={"size": 3, "probability": 0.3}))
    assert abs(covered.any((1, 2)).mean() - 0.3) < 0.03


def test_a_share_is_of_the_shorter_side(images):
    np.testing.assert_array_equal(augmented(images, cutout=0.45), augmented(images, cutout=3))


@pytest.mark.parametrize("size", [0, 0.0])
def test_none_is_0(images, size):
    np.testing.assert_array_equal(augmented(images, cutout=size), images)


def test_one_that_would_cover_a_whole_image_is_refused_by_name():
    options(cutout=8).check((9, 7, 3))
    with pytest.raises(ConfigError, match=r"augmentation.cutout = 9: images of 9 × 7 .* at most 8 pixels"):
        options(cutout=9).check((9, 7, 3))
    with pytest.raises(ConfigError, match="at most 0"):
        options(cutout=0.5).check((1, 1, 1))
