"""Rotate, zoom, shear and crop: as SciPy resamples, once for all, by maps within what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.nn.augmentation import Draws
from convcli.nn.augmentation.resampling import Crop, Rotate, Shear, Zoom, composed, resampled
from nn.augmentation.images import augmented, options, random_images

ALL = {"shear": 20, "rotate": 90, "zoom": [0.3, 2], "crop": 0.3}
SHAPES = [(9, 9, 3), (6, 11, 1), (11, 6, 4), (1, 8, 3), (8, 1, 1), (1, 1, 3), (2, 2, 1)]
MANY = Draws(0, 1, np.arange(4000))


def by_scipy(images, maps):
    """Return what SciPy makes of the same maps, its border "mirror" NumPy's reflect."""
    middle = (np.array(images.shape[1:3]) - 1) / 2
    result = np.empty(images.shape)
    for image, out, matrix in zip(images, result, maps, strict=True):
        offset = matrix[:, 2] + middle - matrix[:, :2] @ middle
        for channel in range(images.shape[3]):
            out[..., channel] = ndimage.affine_transform(
                image[..., channel].astype(float), matrix[:, :2], offset, order=1, mode="mirror"
            )
    return result


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("names", [["shear"], ["rotate"], ["zoom"], ["crop"], list(ALL)], ids=" ".join)
def test_images_are_resampled_as_by_scipy(shape, names):
    images, draws = random_images(40, *shape), Draws(0, 1, np.arange(40))
    maps = [getattr(options(**ALL), name).maps(shape[:2], draws) for name in names]
    expected = by_scipy(images, composed(maps))
    after = augmented(images, **{name: ALL[name] for name in names})
    assert after.dtype == np.float32
    np.testing.assert_allclose(after, expected, atol=0.01)


def test_an_image_is_resampled_the_same_among_many():
    images, draws = random_images(40, 32, 32, 3), Draws(0, 1, np.arange(40))  # of which 16 are a block
    maps = Rotate(degrees=90).maps((32, 32), draws)
    together = resampled(images, maps)
    for number in (0, 15, 16, 39):
        one = slice(number, number + 1)
        np.testing.assert_array_equal(resampled(images[one], maps[one]), together[one])


def test_maps_one_after_the_other_are_one_map():
    point = np.array([3.0, -2.0, 1.0])
    maps = [part.maps((9, 7), MANY) for part in (Rotate(degrees=40), Crop(scale=0.4), Shear(degrees=9))]
    after = np.broadcast_to(point, (4000, 3))
    for each in reversed(maps):
        after = np.concatenate([(each @ after[:, :, None])[:, :, 0], np.ones((4000, 1))], 1)
    np.testing.assert_allclose(composed(maps) @ point, after[:, :2])


def test_a_quarter_turn_is_numpys():
    images = random_images(3, 7, 7, 3)
    quarter = np.broadcast_to([[0.0, 1, 0], [-1, 0, 0]], (3, 2, 3))
    np.testing.assert_allclose(resampled(images, quarter), np.rot90(images, 1, (1, 2)), atol=1e-3)


def test_angles_are_even_between_their_limits():
    maps = Rotate(degrees=30).maps((9, 9), MANY)
    angles = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    np.testing.assert_allclose(np.linalg.det(maps[:, :, :2]), 1)
    assert -30 <= angles.min() < -29.5 < 29.5 < angles.max() <= 30
    assert abs(angles.std() - 60 / np.sqrt(12)) < 0.4


def test_a_shear_moves_along_rows_by_the_tangent():
    maps = Shear(degrees=45).maps((9, 9), MANY)
    angles = np.degrees(np.arctan(maps[:, 1, 0]))
    assert -45 <= angles.min() < -44 < 44 < angles.max() <= 45
    np.testing.assert_array_equal(maps[:, 0], np.broadcast_to([1, 0, 0], (4000, 3)))


@pytest.mark.parametrize(("factor", "limits"), [(0.2, (0.8, 1.2)), ([0.5, 4], (0.5, 4))])
def test_zooms_are_even_between_their_limits(factor, limits):
    maps = Zoom.model_validate(factor).maps((9, 9), MANY)
    factors = 1 / maps[:, 0, 0]
    np.testing.assert_array_equal(maps[:, 0, 0], maps[:, 1, 1])
    np.testing.assert_allclose([factors.min(), factors.max()], limits, rtol=0.01)
    assert abs(factors.mean() - sum(limits) / 2) < 0.02 * (limits[1] - limits[0])


def test_crops_lie_within_the_image_and_have_area_and_ratio_as_said():
    height, width = 40, 60
    maps = Crop.model_validate({"scale": [0.1, 0.3], "ratio": [0.5, 2]}).maps((height, width), MANY)
    rows, columns = maps[:, 0, 0] * height, maps[:, 1, 1] * width
    for share, middle, side in (
        (maps[:, 0, 0], maps[:, 0, 2], height),
        (maps[:, 1, 1], maps[:, 1, 2], width),
    ):
        first = side / 2 + middle - share * side / 2
        assert (first > -1e-9).all()
        assert (first + share * side < side + 1e-9).all()
        assert abs((first / (side - share * side)).mean() - 0.5) < 0.02
    whole = rows < height
    areas, ratios = (rows * columns)[whole] / (height * width), (columns / rows)[whole]
    assert 0.1 <= areas.min() + 1e-9 < 0.105 < 0.29 < areas.max() <= 0.3 + 1e-9
    assert 0.5 <= ratios.min() + 1e-9 < 0.53 < 1.8 < ratios.max() <= 2 + 1e-9


def test_a_crop_is_opencvs_enlargement_of_it_inside():
    cv2 = pytest.importorskip("cv2")
    image = random_images(1, 12, 12, 3)
    half = np.array([[[0.5, 0, -1.0], [0, 0.5, 2.0]]])  # rows 2 … 7, columns 5 … 10
    expected = cv2.resize(image[0, 2:8, 5:11].astype(np.float32), (12, 12), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(resampled(image, half)[0, 1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-3)
