"""Brightness, contrast, saturation, noise: as Pillow changes levels, by factors within what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import stats

from convcli.nn.augmentation import Draws
from convcli.nn.augmentation.levels import normal_table
from nn.augmentation.images import augmented, options, random_images

PILLOWS = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
}


def factors_of(name, count, amount):
    (drawn,) = Draws(0, 1, np.arange(count)).uniform(name, 1)
    return max(0, 1 - amount) + drawn * (1 + amount - max(0, 1 - amount))


@pytest.mark.parametrize("amount", [0.3, 1, 2.5])
@pytest.mark.parametrize("name", PILLOWS)
def test_levels_are_pillows_within_its_rounding(name, amount):
    images = random_images(60, 6, 5, 3)
    after = augmented(images, **{name: amount})
    assert after.dtype == np.float32
    factors = factors_of(name, 60, amount)
    for image, found, factor in zip(images, after, factors, strict=True):
        expected = np.asarray(PILLOWS[name](Image.fromarray(image)).enhance(factor), np.float64)
        # Pillow rounds brightness, its mean too, before it blends, and cuts the result to whole levels.
        assert np.abs(found - expected).max() < 1.001 + abs(1 - factor)


@pytest.mark.parametrize("name", PILLOWS)
def test_factors_are_even_between_their_limits(name):
    factors = factors_of(name, 5000, 0.4)
    assert stats.kstest(factors, "uniform", (0.6, 0.8)).pvalue > 0.01


def test_a_contrast_by_hand():
    image = np.array([10, 30], np.uint8).reshape(1, 1, 2, 1)
    (factor,) = factors_of("contrast", 1, 0.5)
    np.testing.assert_allclose(
        augmented(image, contrast=0.5).ravel(), [20 - 10 * factor, 20 + 10 * factor], rtol=1e-6
    )


def test_saturation_keeps_brightness_where_nothing_is_cut():
    images = random_images(50, 6, 5, 3) // 8 + 110
    luma = [0.299, 0.587, 0.114]
    after = augmented(images.astype(np.uint8), saturation=1)
    np.testing.assert_allclose(after @ luma, images @ luma, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_saturation_leaves_images_without_colours_as_they_are_and_says_so(channels):
    images = random_images(5, 6, 5, channels)
    np.testing.assert_array_equal(augmented(images, saturation=0.5), images)
    assert options(saturation=0.5).doubts((6, 5, channels)) == [
        "augmentation.saturation: images have no colours, and stay as they are"
    ]
    assert options(saturation=0.5).doubts((6, 5, 3)) == []


def test_the_table_of_noise_is_the_normal_distributions():
    table = normal_table()
    np.testing.assert_allclose(table, stats.norm.ppf((np.arange(65536) + 0.5) / 65536), rtol=1e-6)


def test_noise_is_normal_and_another_for_each_number_of_each_image():
    images = np.full((64, 31, 33, 3), 128, np.uint8)
    noise = augmented(images, noise=0.05) - 128
    assert stats.kstest(noise.ravel()[::7] / (255 * 0.05), "norm").pvalue > 0.01
    for one, other in (
        (noise[1:], noise[:-1]),
        (noise[:, :, 1:], noise[:, :, :-1]),
        (noise[..., 0], noise[..., 1]),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01
    alone = augmented(images[:1], noise=0.05) - 128
    np.testing.assert_array_equal(alone[0], noise[0])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 3, 1), (1, 5, 3)])
def test_levels_stay_within_0_and_255(shape):
    images = random_images(200, *shape)
    after = augmented(images, brightness=3, contrast=3, saturation=3, noise=1)
    assert after.shape == images.shape
    assert 0 <= after.min() < after.max() <= 255


def test_they_are_done_in_the_order_of_the_options():
    images = random_images(30, 4, 4, 3)
    together = augmented(images, noise=0.01, brightness=0.5)
    bright = augmented(images, brightness=0.5)
    words = augmented(np.full_like(images, 128), noise=0.01) - 128
    np.testing.assert_allclose(together, np.clip(bright + words, 0, 255), atol=1e-3)
