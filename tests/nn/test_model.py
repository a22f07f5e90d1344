"""A trained network in use: images as read go in, probabilities come out."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.errors import ShapeError, TrainingError
from convcli.images import resize


@pytest.fixture(scope="module")
def model():
    training = stripes.training(epochs=8, optimizer={"type": "adam", "learning_rate": 0.02})
    for _ in training.run():
        pass
    return training.best_model()


def test_probabilities_are_float32_and_sum_to_1(model):
    p = model.predict(stripes.dataset(20, 5).images)
    assert p.shape == (20, 3)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)


def test_it_has_learned_its_task(model):
    pictures = stripes.dataset(60, 5)
    assert (model.predict(pictures.images).argmax(1) == pictures.labels).mean() > 0.95


def test_grey_images_may_lack_their_channel(model):
    images = stripes.dataset(6, 5).images
    np.testing.assert_array_equal(model.predict(images[..., 0]), model.predict(images))


def test_images_of_another_size_are_resized(model):
    large = np.kron(stripes.dataset(4, 5).images, np.ones((1, 3, 2, 1), np.uint8))
    small = np.stack([resize(image, (8, 8)) for image in large])
    np.testing.assert_array_equal(model.predict(large), model.predict(small))


@pytest.fixture
def grown():
    """Return a function that makes a model with weights that training has let grow."""

    def make(size, loss):
        model = stripes.training([{"type": "flatten"}, {"type": "dense"}], loss=loss).model
        model.weights.trained *= np.float32(size)
        return model

    return make


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_outputs_beyond_float32_are_an_error(grown, loss):
    model, pictures = grown(1e38, loss), stripes.dataset(9, 5)
    for use in (model.predict, model.outputs, lambda images: model.evaluate(images, pictures.labels)):
        with pytest.raises(
            TrainingError, match=r"outputs for \d of 9 images are beyond float32.*learning_rate"
        ):
            use(pictures.images)


def test_a_loss_beyond_float32_is_an_error_though_outputs_are_not(grown):
    model, pictures = grown(1e25, "mean_squared_error"), stripes.dataset(9, 5)
    np.testing.assert_allclose(model.predict(pictures.images).sum(1), 1)
    with pytest.raises(TrainingError, match="loss on these images is beyond float32"):
        model.evaluate(pictures.images, pictures.labels)


def test_no_images_give_no_rows(model):
    assert model.predict(np.zeros((0, 8, 8, 1), np.uint8)).shape == (0, 3)


def test_evaluate_judges_the_outputs(model):
    pictures = stripes.dataset(30, 5)
    figures = model.evaluate(pictures.images, pictures.labels)
    assert figures.accuracy == (model.outputs(pictures.images).argmax(1) == pictures.labels).mean()
    assert figures.classes == model.classes == stripes.CLASSES


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((2, 8, 8, 3), np.uint8), r"not uint8 \(2, 8, 8, 3\)"),
        (np.zeros((2, 9, 9, 3), np.uint8), r"not uint8 \(2, 8, 8, 3\)"),
        (np.zeros((2, 8, 8, 1), np.float32), r"not float32 \(2, 8, 8, 1\)"),
        (np.zeros((8, 8), np.uint8), r"not uint8 \(8, 8\)"),
        (np.zeros((1, 2, 8, 8, 1), np.uint8), r"not uint8"),
    ],
)
def test_images_of_another_kind_are_refused(model, images, found):
    with pytest.raises(
        ShapeError, match=r"must be uint8 \(n, 8, 8, 1\), as the network was trained on, " + found
    ):
        model.predict(images)
