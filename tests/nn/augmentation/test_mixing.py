"""Mixup and CutMix: images and classes in the same shares, with a partner from the whole batch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from convcli.nn.augmentation.mixing import beta_quantiles
from nn.augmentation.images import augmenter, random_images

COUNT = 1200


@pytest.fixture(scope="module")
def batch():
    """Images that are all of one level, another for each, so that a mixture says of what it is."""
    images = np.zeros((COUNT, 8, 6, 1), np.uint8)
    images[:] = (np.arange(COUNT) % 250).astype(np.uint8)[:, None, None, None]
    return images, np.arange(COUNT) % 4, np.arange(COUNT)[::-1].copy()


def piece(batch, chosen=slice(None), seed=(0, 1), **augmentations):
    return augmenter(batch[0], **augmentations).piece(batch, chosen, seed)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2, 0.4, 1, 2.5, 8, 100])
def test_shares_are_scipys_beta(alpha):
    shares = np.linspace(0.001, 0.999, 333)
    np.testing.assert_allclose(beta_quantiles(alpha, shares), stats.beta(alpha, alpha).ppf(shares), atol=2e-4)
    np.testing.assert_allclose(beta_quantiles(alpha, np.array([0.0, 1.0])), [0, 1], atol=1e-3)


def test_mixup_has_images_and_classes_in_the_same_shares(batch):
    images, targets = piece(batch, mixup=1)
    assert images.dtype == targets.dtype == np.float32
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    labels = batch[1]
    own = targets[np.arange(COUNT), labels]
    mixed = (targets > 0).sum(1) == 2  # with another class: a quarter has a partner of its own
    assert abs(mixed.mean() - 0.75) < 0.04
    # λ is uniform, of those that are mixed with another class.
    assert stats.kstest(own[mixed], "uniform").pvalue > 0.01
    level, stays = batch[0][:, 0, 0, 0].astype(float), own
    partner = (images[:, 0, 0, 0] - stays * level)[mixed] / (1 - stays[mixed])
    sure = stays[mixed] < 0.9
    np.testing.assert_allclose(partner[sure], np.rint(partner[sure]), atol=0.02)
    # It may be any image of the batch.
    assert stats.kstest(partner[sure] / 250, "uniform").pvalue > 0.001


def test_cutmix_has_the_classes_in_the_shares_of_their_pixels(batch):
    images, targets = piece(batch, cutmix=1)
    assert images.dtype == np.uint8
    stays = (images == batch[0]).mean((1, 2, 3))
    own = targets[np.arange(COUNT), batch[1]]
    mixed = ((targets > 0).sum(1) == 2) & (stays < 1)  # a partner may look the same
    assert abs(mixed.mean() - 0.75) < 0.04
    np.testing.assert_allclose(own[mixed], stays[mixed], atol=1e-6)
    for image, level in zip(images[mixed][:200, :, :, 0], batch[0][mixed][:200, 0, 0, 0], strict=True):
        other = image != level
        assert other.sum() == other.any(1).sum() * other.any(0).sum()  # a rectangle
        assert len(np.unique(image)) == 2


def test_of_two_ways_each_has_half_of_the_images(batch):
    images, targets = piece(batch, cutmix=1, mixup=1)
    mixed = (targets > 0).sum(1) == 2
    flat = (images == images[:, :1, :1]).all((1, 2, 3))
    assert 0.4 < flat[mixed].mean() < 0.65  # by mixup, and the few by cutmix that are covered wholly


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_as_many_images_are_mixed_as_probability_says(batch, name):
    images, targets = piece(batch, **{name: {"alpha": 8, "probability": 0.3}})
    untouched = (images == batch[0]).all((1, 2, 3))
    assert abs(untouched.mean() - 0.7) < 0.04
    assert (targets[untouched].max(1) == 1).all()


def test_the_partner_looks_as_it_does_where_it_is_learned_from_itself():
    images = random_images(40, 8, 8, 3)
    batch = images, np.arange(40) % 4, np.arange(40)
    changed, _ = piece(batch, flip="horizontal", shift=2)
    mixed, _ = piece(batch, flip="horizontal", shift=2, cutmix=1)
    for image, own in zip(mixed, changed, strict=True):
        other = (image != own).any(2)
        candidates = (changed[:, other] == image[other]).all((1, 2))
        assert candidates.any()


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_piece_is_the_same_alone(batch, name):
    images, targets = piece(batch, **{name: 0.4})
    for chosen in (slice(0, 7), slice(500, 501), slice(1100, COUNT)):
        part = piece(batch, chosen, **{name: 0.4})
        np.testing.assert_array_equal(part[0], images[chosen])
        np.testing.assert_array_equal(part[1], targets[chosen])


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_batch_of_one_image_stays_as_it_is(name):
    batch = random_images(1, 5, 5, 3), np.array([2]), np.array([7])
    images, targets = piece(batch, **{name: 1})
    np.testing.assert_allclose(images, batch[0])
    np.testing.assert_allclose(targets, [[0, 0, 1, 0]])
