"""Flip and shift: each image is one of the exact forms, as often as said."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from convcli.errors import ConfigError
from nn.augmentation.images import augmented, options, random_images

SHAPES = [(6, 6, 3), (5, 8, 1), (8, 5, 4), (1, 7, 3), (7, 1, 1)]


def share(after, form):
    """Return of how many images the form in the epoch is this one."""
    return (after == form).all((1, 2, 3)).mean()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("direction", "axes"), [("horizontal", 2), ("vertical", 1)])
def test_half_of_the_images_are_flipped_and_the_others_are_not(shape, direction, axes):
    images = random_images(2000, *shape)
    after = augmented(images, flip=direction)
    assert after.dtype == np.uint8
    mirrored = np.flip(images, axes)
    assert (((after == mirrored) | (after == images)).all((1, 2, 3))).all()
    if images.shape[axes] > 1:
        assert abs(share(after, mirrored) - 0.5) < 0.04


def test_both_flips_are_independent():
    images = random_images(4000, 4, 5, 2)
    after = augmented(images, flip="both")
    for form in (images, images[:, ::-1], images[:, :, ::-1], images[:, ::-1, ::-1]):
        assert abs(share(after, form) - 0.25) < 0.03


@pytest.mark.parametrize("probability", [0, 0.2, 1])
def test_the_probability_of_a_flip_is_as_said(probability):
    images = random_images(2000, 4, 4, 1)
    after = augmented(images, flip={"direction": "horizontal", "probability": probability})
    assert abs(share(after, images[:, :, ::-1]) - probability) < 0.04


def test_an_alternating_flip_shows_the_other_form_in_the_next_epoch():
    images = random_images(1000, 4, 4, 1)
    epochs = [
        augmented(images, epoch=epoch, flip={"direction": "horizontal", "alternate": True})
        for epoch in (1, 2, 3)
    ]
    np.testing.assert_array_equal(epochs[1], epochs[0][:, :, ::-1])
    np.testing.assert_array_equal(epochs[2], epochs[0])
    assert abs(share(epochs[0], images) - 0.5) < 0.05


def test_four_epochs_of_both_alternating_show_all_four_forms():
    images = random_images(50, 4, 4, 1)
    seen = [
        augmented(images, epoch=epoch, flip={"direction": "both", "alternate": True}) for epoch in range(1, 5)
    ]
    for number in range(50):
        assert len({after[number].tobytes() for after in seen}) == 4


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shift_cuts_a_window_out_of_the_reflected_image(shape):
    size = 3
    images = random_images(400, *shape)
    after = augmented(images, shift=size)
    rows, columns = ((size if side > 1 else 0) for side in shape[:2])
    padded = np.pad(images, ((0, 0), (rows, rows), (columns, columns), (0, 0)), "reflect")
    found = np.zeros(len(images), int)
    for down in range(2 * rows + 1):
        for across in range(2 * columns + 1):
            window = padded[:, down : down + shape[0], across : across + shape[1]]
            found += (after == window).all((1, 2, 3))
    assert (found >= 1).all()


def test_all_shifts_are_equally_frequent():
    images = random_images(5000, 5, 5, 1)
    after = augmented(images, shift=1)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    windows = [padded[:, row : row + 5, column : column + 5] for row in range(3) for column in range(3)]
    shares = [share(after, window) for window in windows]
    assert abs(np.array(shares) - 1 / 9).max() < 0.015
    assert sum(shares) == pytest.approx(1)


def test_flip_and_shift_together_by_hand():
    image = np.arange(4, dtype=np.uint8).reshape(1, 1, 4, 1)
    seen = {
        tuple(augmented(image, seed=seed, flip="horizontal", shift=1).ravel().tolist()) for seed in range(60)
    }
    assert seen == {(0, 1, 2, 3), (1, 2, 3, 2), (1, 0, 1, 2), (3, 2, 1, 0), (2, 1, 0, 1), (2, 3, 2, 1)}


def test_a_share_is_of_the_side_it_moves_along():
    images = random_images(300, 32, 16, 1)
    np.testing.assert_array_equal(augmented(images, shift=0.0625)[:, 2:-2, 1:-1].shape, (300, 28, 14, 1))
    square = random_images(300, 16, 16, 1)
    np.testing.assert_array_equal(augmented(square, shift=0.125), augmented(square, shift=2))
    tiny = random_images(300, 3, 3, 1)
    np.testing.assert_array_equal(augmented(tiny, shift=0.01), augmented(tiny, shift=1))


@pytest.mark.parametrize(("shape", "most"), [((6, 6, 3), 5), ((5, 8, 1), 4), ((1, 7, 1), 6)])
def test_a_shift_beyond_the_image_is_refused_by_name(shape, most):
    options(shift=most).check(shape)
    with pytest.raises(ConfigError, match=rf"augmentation.shift = {most + 1}: .* at most {most} pixels"):
        options(shift=most + 1).check(shape)


def test_an_image_of_one_pixel_stays_and_that_is_said():
    pixel = random_images(1, 1, 1, 3)
    np.testing.assert_array_equal(augmented(pixel, flip="both", shift=4), pixel)
    assert options(shift=4).doubts((1, 1, 3)) == [
        "augmentation.shift: images of one row and one column are not moved along it"
    ]
    assert options(shift=4).doubts((8, 8, 3)) == []


def test_alternating_with_another_probability_is_refused():
    with pytest.raises(ValidationError, match="another probability"):
        options(flip={"direction": "both", "alternate": True, "probability": 0.3})
