"""From pixels to inputs: figures by NumPy's own mean and deviation, a round trip, and what does not fit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convcli.config import Normalisation
from convcli.engine.workspace import Workspace
from convcli.errors import ConfigError, ShapeError
from convcli.nn.preprocessing import Preprocessing


def pictures(count=20, channels=3):
    rng = np.random.default_rng(0)
    return (rng.random((count, 5, 6, channels)) * [[[[255, 100, 30][:channels]]]]).astype(np.uint8)


def test_standardize_takes_each_channels_mean_and_deviation():
    images = pictures()
    fitted = Preprocessing.fit([images], "standardize")
    np.testing.assert_allclose(fitted.mean, (images / 255).mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(fitted.deviation, (images / 255).std((0, 1, 2)), rtol=1e-12)
    assert fitted.shape == (5, 6, 3)


def test_standardized_images_have_mean_0_and_deviation_1():
    images = pictures()
    x = Preprocessing.fit([images], "standardize").apply(images, Workspace())
    np.testing.assert_allclose(x.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std((0, 1, 2)), 1, atol=1e-5)


def test_figures_do_not_depend_on_the_order_of_the_images():
    images = pictures()
    assert Preprocessing.fit([images], "standardize") == Preprocessing.fit([images[::-1]], "standardize")


def test_the_blocks_that_images_come_in_do_not_matter():
    images = pictures()
    assert Preprocessing.fit([images[:2], images[2:]], "standardize") == (
        Preprocessing.fit([images], "standardize")
    )


@pytest.mark.parametrize("deviation", [(0.5,), (0.25, 0.5, 1.0)])
def test_mean_and_deviation_may_be_told(deviation):
    images, mean = pictures(), (0.1, 0.2, 0.3)
    fitted = Preprocessing.fit([images], Normalisation(mean=mean, deviation=deviation))
    expected = (images / 255 - mean) / deviation
    np.testing.assert_allclose(fitted.apply(images, Workspace()), expected, atol=1e-6)
    assert Preprocessing.from_document(json.loads(json.dumps(fitted.document()))) == fitted


def test_figures_are_told_for_all_channels_or_each():
    with pytest.raises(ConfigError, match="mean: expected one number, or one for each of 3 channels, not 2"):
        Preprocessing.fit([pictures()], Normalisation(mean=(0, 1), deviation=(1,)))


def test_rescale_gives_0_to_1():
    images = np.array([0, 51, 255], np.uint8).reshape(1, 3, 1, 1)
    fitted = Preprocessing.fit([images], "rescale")
    assert (fitted.mean, fitted.deviation) == ((0,), (1,))
    x = fitted.apply(images, Workspace())
    np.testing.assert_allclose(x.ravel(), [0, 0.2, 1], atol=1e-6)


def test_a_channel_that_is_the_same_everywhere_is_not_divided_by_0():
    images = pictures()
    images[..., 1] = 77
    fitted = Preprocessing.fit([images], "standardize")
    assert fitted.deviation[1] == 1
    x = fitted.apply(images, Workspace())
    np.testing.assert_allclose(x[..., 1], 0, atol=1e-6)


@pytest.mark.parametrize("count", [1, 3, 49])
def test_rounding_in_the_mean_of_one_level_is_no_deviation(count):
    for level in range(256):
        images = np.full((count, 7, 7, 1), level, np.uint8)
        fitted = Preprocessing.fit([images], "standardize")
        assert fitted.deviation == (1,)
        np.testing.assert_allclose(fitted.apply(images, Workspace()), 0, atol=1e-6)


def test_a_single_pixel_that_differs_is_a_deviation():
    images = np.full((1, 100, 100, 1), 255, np.uint8)
    images[0, 50, 50] = 254
    np.testing.assert_allclose(
        Preprocessing.fit([images], "standardize").deviation, (images / 255).std(), rtol=1e-9
    )


def test_apply_is_the_formula():
    images = pictures()
    fitted = Preprocessing((5, 6, 3), (0.5, 0.25, 0.1), (0.3, 0.2, 0.05))
    x = fitted.apply(images, Workspace())
    expected = (images / 255 - np.array(fitted.mean)) / np.array(fitted.deviation)
    np.testing.assert_allclose(x, expected, atol=1e-5)


def test_survives_json():
    fitted = Preprocessing.fit([pictures()], "standardize")
    assert Preprocessing.from_document(json.loads(json.dumps(fitted.document()))) == fitted


def test_grey_images_may_lack_their_channel():
    fitted = Preprocessing.fit([pictures(channels=1)], "rescale")
    assert fitted.checked(np.zeros((4, 5, 6), np.uint8)).shape == (4, 5, 6, 1)


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((4, 5, 6, 3)), r"not float64 \(4, 5, 6, 3\)"),
        (np.zeros((4, 6, 5, 3), np.uint8), r"not uint8 \(4, 6, 5, 3\)"),
        (np.zeros((4, 5, 6, 1), np.uint8), r"not uint8 \(4, 5, 6, 1\)"),
        (np.zeros((5, 6), np.uint8), r"not uint8 \(5, 6\)"),
    ],
)
def test_images_of_another_kind_are_refused(images, found):
    fitted = Preprocessing.fit([pictures()], "rescale")
    with pytest.raises(
        ShapeError, match=r"must be uint8 \(n, 5, 6, 3\), as the network was trained on, " + found
    ):
        fitted.checked(images)


@pytest.mark.parametrize("kind", ["standardize", "rescale"])
@pytest.mark.parametrize("spread", [0, 5, 60])
def test_of_the_images_that_it_was_fitted_to_less_than_one_of_a_hundred_is_far(kind, spread):
    rng = np.random.default_rng(1)
    levels = np.clip(rng.normal(60, spread, (4000, 1, 1, 1)), 0, 255)
    images = np.clip(levels + rng.normal(0, 20, (4000, 6, 6, 1)), 0, 255).astype(np.uint8)
    for fitted_to in (images[:2000], images[:40]):
        fitted = Preprocessing.fit([fitted_to], kind)
        assert fitted.far(fitted_to).mean() < 0.01
        assert fitted.far(images[2000:]).mean() < 0.01  # and of others like them
        assert fitted.far(255 - fitted_to).all() == (spread < 60)


def test_brightness_and_presentation_go_with_the_document_and_may_be_missing_in_an_older_one():
    fitted = Preprocessing.fit([pictures()], "standardize")
    document = json.loads(json.dumps(fitted.document()))
    assert Preprocessing.from_document(document) == fitted
    del document["brightness"], document["presentation"]
    assert Preprocessing.from_document(document).presentation == fitted.presentation
    assert not Preprocessing.from_document(document).far(255 - pictures()).any()


@pytest.mark.parametrize("brightness", [[0.5, 0.2], [-1, 0.5], [0, 2], [0.1], "ab", [float("nan"), 1]])
def test_a_brightness_that_is_none_is_refused(brightness):
    document = Preprocessing.fit([pictures()], "standardize").document()
    with pytest.raises((ValueError, TypeError)):
        Preprocessing.from_document({**document, "brightness": brightness})
