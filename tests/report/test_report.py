"""What a report says, worked out by hand or by SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convcli.data import Dataset
from convcli.images import resize
from convcli.report import MOST_MISTAKES, Timing, first_kernels, report
from report.cases import CONV, HISTORY, RECORD, drawn, model, voted


def test_mistakes_are_those_of_the_highest_probability_first_and_the_first_of_equals():
    # image 0 is right; of the others the second is surest, and the third equals the last
    made = voted([[9, 0, 0], [9, 0, 0], [40, 0, 0], [0, 0, 20], [0, 20, 0]], [0, 1, 1, 0, 0])
    assert [judged.image for judged in made.mistakes] == ["2", "3", "4", "1"]
    assert [(judged.true, judged.predicted) for judged in made.mistakes] == [
        ("b", "a"),
        ("a", "c"),
        ("a", "b"),
        ("b", "a"),
    ]
    assert made.wrong == 4
    assert made.figures.accuracy == 1 / 5


def test_probabilities_are_those_of_scipys_softmax():
    special = pytest.importorskip("scipy.special")
    made = voted([[10, 0, 5]], [2])
    expected = special.softmax([10 / 5, 0 / 5, 5 / 5])
    (judged,) = made.mistakes
    assert judged.probability == pytest.approx(expected[0], rel=1e-6)
    assert judged.true_probability == pytest.approx(expected[2], rel=1e-6)


def test_of_many_mistakes_only_the_surest_are_kept():
    made = voted([[n, 0, 0] for n in range(1, 61)], [1] * 60)
    assert [int(judged.image) for judged in made.mistakes] == list(range(59, 59 - MOST_MISTAKES, -1))
    assert made.wrong == 60


def test_mistakes_have_grad_cam_for_the_predicted_and_for_the_true_class():
    made = drawn(count=12)
    assert made.looked_at.number == 4
    assert len(made.mistakes) > 3
    for judged in made.mistakes:
        image = judged.why.pixels
        np.testing.assert_array_equal(image, judged.pixels)
        for found, name in ((judged.why.predicted, judged.predicted), (judged.why.true, judged.true)):
            np.testing.assert_allclose(found, made.model.why(image, name), atol=1e-6)
    assert all(sample.judged.why is None for sample in made.samples)


def test_images_of_another_size_are_explained_as_the_network_sees_them():
    rng = np.random.default_rng(1)
    images = Dataset(
        rng.integers(0, 256, (4, 16, 30, 3)).astype(np.uint8), np.arange(4) % 3, tuple("abc"), "n"
    )
    made = report(RECORD, model(CONV, (8, 10, 3), "abc"), images, "new")
    for judged in made.mistakes:
        assert judged.pixels.shape == (16, 30, 3)
        np.testing.assert_array_equal(judged.why.pixels, resize(judged.pixels, (8, 10)))
        assert judged.why.true.shape == (8, 10)


def test_there_may_be_no_mistake():
    made = voted([[9, 0, 0], [0, 9, 0]], [0, 1])
    assert made.mistakes == ()
    assert made.confusions == ()
    assert made.wrong == 0


def test_confusions_are_counted_by_pairs_the_most_frequent_first():
    rows = [[0, 9, 0]] * 3 + [[9, 0, 0]] * 2 + [[0, 0, 9]] + [[0, 9, 0]]
    labels = [0, 0, 0, 1, 1, 0, 1]
    pairs = [(pair.true, pair.predicted, pair.count, pair.share) for pair in voted(rows, labels).confusions]
    assert pairs == [("a", "b", 3, 3 / 4), ("b", "a", 2, 2 / 3), ("a", "c", 1, 1 / 4)]


def test_images_that_were_split_off_are_named_by_where_they_were():
    made = voted([[9, 0, 0]] * 71, [1] * 71, chosen=[70, 12])
    assert [judged.image for judged in made.mistakes] == ["70", "12"]
    assert made.split_off


def test_images_of_files_are_named_by_them():
    files = [Path("photos/b/1.png"), Path("photos/b/2.png")]
    made = voted([[9, 0, 0]] * 2, [1, 1], chosen=[1], files=files)
    assert [judged.image for judged in made.mistakes] == ["photos/b/2.png"]


def test_samples_are_the_first_image_of_each_of_three_classes():
    made = voted([[1, 2, 3, 4]] * 6, [3, 2, 3, 1, 0, 2], classes="abcd")
    assert [(sample.judged.image, sample.judged.true) for sample in made.samples] == [
        ("4", "a"),
        ("3", "b"),
        ("1", "c"),
    ]


def test_feature_maps_are_those_of_every_convolution_and_pool():
    signal = pytest.importorskip("scipy.signal")
    made = drawn()
    sample = made.samples[1]
    assert [(layer.layer, layer.maps.shape) for layer in sample.layers] == [
        (1, (8, 10, 3)),
        (2, (4, 5, 3)),
        (3, (2, 3, 4)),
    ]
    weights = made.model.weights.arrays.inner[0]
    x = np.pad(sample.judged.pixels / 255, ((1, 1), (0, 1), (0, 0)))
    for n in range(3):
        z = signal.correlate(x, weights["W"][..., n], mode="valid")[..., 0] + weights["b"][n]
        np.testing.assert_allclose(sample.layers[0].maps[..., n], np.maximum(z, 0), rtol=0, atol=1e-5)


def test_images_of_another_size_are_resized_as_for_the_judgement():
    made = drawn()
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3)).astype(np.uint8)
    shown = report(made.record, made.model, Dataset(images, np.arange(3), made.model.classes), "test")
    assert shown.samples[0].judged.pixels.shape == (20, 20, 3)
    assert shown.samples[0].layers[0].maps.shape == (8, 10, 3)


def test_first_kernels_are_the_weights_of_the_first_convolution():
    made = model([{"type": "dropout"}, *CONV], (8, 10, 3), "abc")
    found = first_kernels(made)
    assert (found.layer, found.what, found.weights.shape) == (2, "kernel", (3, 3, 2, 3))
    np.testing.assert_array_equal(found.weights[1], made.weights.arrays.inner[1]["W"][..., 1])


def test_without_a_convolution_they_are_what_each_unit_lays_on_the_image():
    made = model([{"type": "flatten"}, {"type": "dense", "units": 5}, {"type": "dense"}], (4, 6, 3), "ab")
    found = first_kernels(made)
    assert (found.layer, found.what, found.weights.shape) == (2, "unit", (5, 4, 6, 3))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3))
    weights = made.weights.arrays.inner[1]["W"][:, 3]
    assert (found.weights[3] * pixels).sum() == pytest.approx(pixels.ravel() @ weights, rel=1e-4)


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "avg_pool"}, {"type": "flatten"}, {"type": "dense"}],
        [{"type": "global_avg_pool"}, {"type": "dense"}],
    ],
)
def test_weights_that_do_not_see_the_image_itself_are_no_kernels(layers):
    assert first_kernels(model(layers, (4, 4, 1), "ab")) is None


def test_the_best_epoch_is_that_of_the_highest_validation_accuracy():
    assert voted([[1, 0, 0]], [0]).best is HISTORY[1]


def test_timing_counts_the_seconds_of_all_epochs():
    # 2 + 1 + 3 seconds for 3 times 600 images
    assert Timing.of(HISTORY) == Timing(6.0, 2.0, 1.0, 3.0, 300.0)
