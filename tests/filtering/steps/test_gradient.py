"""Steps of slopes are the gradient kernels."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.filtering import filter_image

GREY = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)


@pytest.mark.parametrize("kernel", ["sobel", "roberts", "farid"])
def test_they_are_the_kernels_with_what_is_asked_of_them(kernel):
    options = {"range": "raw", "border": "edge"}
    for step, gradient in (
        ("magnitude", "magnitude"),
        ("direction", "hsv"),
        ("direction:show=angle", "angle"),
    ):
        call = f"{step}{',' if ':' in step else ':'}kernel={kernel}"
        expected = filter_image(GREY, kernel, gradient=gradient, **options)
        np.testing.assert_array_equal(filter_image(GREY, [call], **options), expected)
