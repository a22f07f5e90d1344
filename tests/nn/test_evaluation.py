"""Accuracy, confusion and the figures of each class, by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convcli.nn.evaluation import evaluate
from convcli.nn.losses import CrossEntropy, MeanSquaredError

CLASSES = ("cat", "dog", "eel", "fox")

#          truth → taken for
SAMPLES = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (1, 1), (1, 1), (2, 0)]


@pytest.fixture
def figures():
    labels, taken = np.array(SAMPLES).T
    return evaluate(np.eye(4)[taken], labels, MeanSquaredError(), CLASSES)


def test_confusion_counts_truth_by_row_and_answer_by_column(figures):
    assert figures.confusion.tolist() == [[2, 1, 0, 0], [1, 3, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert figures.samples == 8


def test_accuracy_is_the_share_on_the_diagonal(figures):
    assert figures.accuracy == 5 / 8


def test_loss_is_the_mean_over_the_samples(figures):
    assert figures.loss == pytest.approx(3 * (2 / 4) / 8)  # two of four outputs are off by 1, three times


@pytest.mark.parametrize(
    ("number", "precision", "recall", "f1", "support"),
    [
        (0, 2 / 4, 2 / 3, 2 * (2 / 4 * 2 / 3) / (2 / 4 + 2 / 3), 3),
        (1, 3 / 4, 3 / 4, 3 / 4, 4),
        (2, 0, 0, 0, 1),  # never named
        (3, 0, 0, 0, 0),  # neither there nor named
    ],
)
def test_figures_of_each_class(figures, number, precision, recall, f1, support):
    found = figures.per_class[number]
    assert (found.name, found.support) == (CLASSES[number], support)
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))


def test_means_of_classes_leave_out_what_is_neither_there_nor_named(figures):
    mean = figures.macro
    assert mean.support == 8
    assert mean.recall == pytest.approx((2 / 3 + 3 / 4 + 0) / 3)
    assert mean.precision == pytest.approx((2 / 4 + 3 / 4 + 0) / 3)
    assert mean.f1 == pytest.approx((4 / 7 + 3 / 4 + 0) / 3)


def test_the_document_is_plain_json(figures):
    document = json.loads(json.dumps(figures.document()))
    assert document["accuracy"] == 5 / 8
    assert document["classes"][1] == {
        "name": "dog",
        "precision": 0.75,
        "recall": 0.75,
        "f1": 0.75,
        "support": 4,
    }
    assert document["macro"] == {name: getattr(figures.macro, name) for name in ("precision", "recall", "f1")}
    assert document["confusion"][1] == [1, 3, 0, 0]


def test_the_loss_of_many_samples_is_summed_in_float64():
    outputs = np.tile(np.array([[0.1, 0, 0, 0]], np.float32), (20_000, 1))
    labels = np.zeros(20_000, np.int64)
    found = evaluate(outputs, labels, CrossEntropy(), CLASSES).loss
    one = evaluate(outputs[:1], labels[:1], CrossEntropy(), CLASSES).loss
    assert found == pytest.approx(one, rel=1e-12)


def test_a_loss_beyond_float32_is_infinite_without_a_warning():
    outputs = np.array([[3e38, -3e38, 0, 0]], np.float32)
    assert evaluate(outputs, np.array([1]), CrossEntropy(), CLASSES).loss == np.inf
    assert evaluate(outputs, np.array([0]), CrossEntropy(), CLASSES).loss == 0
