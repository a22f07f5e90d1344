"""The built-in digits are the real ones, split as documented."""

import numpy as np
import pytest

from convcli.data import BUILT_IN, Wanted, open_source


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return open_source("digits", base=tmp_path_factory.mktemp("empty"))


def test_digits_is_the_only_built_in_set():
    assert list(BUILT_IN) == ["digits"]


def test_the_split_is_the_documented_one(digits):
    assert (len(digits.train), len(digits.test)) == (1438, 359)
    assert digits.train.shape == digits.test.shape == (8, 8, 1)
    assert digits.train.classes == digits.test.classes == tuple("0123456789")
    assert list(digits.test.class_counts.values()) == [27, 21, 34, 52, 34, 28, 31, 43, 47, 42]


def test_the_first_picture_is_a_zero(digits):
    assert digits.train.labels[0] == 0
    sixteenths = [0, 0, 5, 13, 9, 1, 0, 0]  # the first row of the data set
    assert digits.train.images[0, 0, :, 0].tolist() == [round(value * 255 / 16) for value in sixteenths]


def test_the_pictures_are_those_that_scikit_learn_carries(digits):
    datasets = pytest.importorskip("sklearn.datasets", reason="compares with scikit-learn's copy")
    theirs = datasets.load_digits()
    is_test = np.arange(len(theirs.target)) % 5 == 4
    for ours, part in ((digits.train, ~is_test), (digits.test, is_test)):
        np.testing.assert_array_equal(ours.labels, theirs.target[part])
        np.testing.assert_array_equal(ours.images[..., 0], np.round(theirs.images[part] * 255 / 16))


def test_digits_can_be_read_larger_and_in_colour(tmp_path):
    source = open_source("digits", base=tmp_path, wanted=Wanted((28, 28), 3))
    assert source.train.shape == source.test.shape == (28, 28, 3)
    assert "train: 1,438 of 1,438 images resized to 28×28" in source.notes
