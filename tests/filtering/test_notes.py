"""What is said of results, and of which of a batch."""

from __future__ import annotations

import numpy as np

from convcli.filtering.notes import NOTES_OF_A_KIND, Said, of_result
from filtering.made import filtered

RNG = np.random.default_rng(4)


def test_hints_name_the_remedy():
    image = RNG.integers(100, 130, (30, 40)).astype(np.uint8)
    assert "stretch" in of_result(filtered(image, "log"))[0]
    assert "--normalize" in of_result(filtered(image, np.ones((3, 3))))[0]
    for quiet in ("gaussian", "sharpen", "identity"):
        assert of_result(filtered(image, quiet)) == []
    assert of_result(filtered(image, "log", range="stretch")) == []
    assert of_result(filtered(np.full((9, 9), 7, np.uint8), "sobel")) == []


def test_notes_that_differ_in_numbers_alone_are_told_a_few_times_and_then_counted():
    said = Said()
    told = [said.new([f"{n}.png: {n} pixels of no data left out"], f"{n}.png") for n in range(9)]
    assert [len(new) for new in told] == [1] * NOTES_OF_A_KIND + [0] * (9 - NOTES_OF_A_KIND)
    assert said.new(["x.png: grey"], "x.png") == ["x.png: grey"]
    assert list(said.counted()) == ["9 images: … pixels of no data left out"]


def test_a_picture_of_which_nothing_is_seen_is_said_to_have_no_responses():
    samples, hidden = RNG.integers(0, 256, (8, 9, 3), np.uint8), np.zeros((8, 9), np.uint8)
    for kernel in ("sobel", "gaussian"):
        assert "nothing in it is seen" in of_result(filtered(samples, kernel, opacity=hidden))[0]
        assert of_result(filtered(samples, kernel, opacity=hidden, alpha="ignore")) == []
