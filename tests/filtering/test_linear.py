"""Filters in linear light."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from scipy import ndimage

from convcli import filter_image
from convcli.filtering import Policy
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.steps.parsing import step_of
from convcli.images import Image
from convcli.images.curves import SRGB

RNG = np.random.default_rng(0)


def test_black_and_white_stripes_blur_to_half_the_light():
    stripes = np.tile(np.array([0, 255], np.uint8), (8, 8))
    assert (filter_image(stripes, np.ones((2, 2)) / 4, linear=True)[1:-1, 1:-1] == 188).all()
    assert (filter_image(stripes, np.ones((2, 2)) / 4)[1:-1, 1:-1] == 128).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_it_is_scipy_s_filter_of_the_light(dtype):
    white = np.iinfo(dtype).max
    image = RNG.integers(0, white, (40, 50, 3), endpoint=True).astype(dtype)
    light = SRGB.decoded(image / white)
    blurred = ndimage.gaussian_filter(light, (1.5, 1.5, 0), mode="mirror")
    expected = np.rint(SRGB.encoded(blurred) * white)
    found = filter_image(image, "gaussian:sigma=1.5", linear=True)
    assert np.abs(found - expected).max() <= (1 if dtype == np.uint8 else 8)
    chain = filter_image(image, ["gaussian:sigma=1.5", "identity"], linear=True)
    np.testing.assert_array_equal(chain, found)


def test_what_nothing_is_done_to_comes_back():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(filter_image(image, "identity", linear=True), image)


def test_floats_are_light_already_and_that_is_said():
    image = Image(RNG.random((9, 9)).astype(np.float32))
    pipeline = Pipeline([step_of("gaussian")], Policy(linear=True))
    made, _, notes = pipeline(image)
    np.testing.assert_array_equal(made.pixels, Pipeline([step_of("gaussian")], Policy())(image)[0].pixels)
    assert "floats are taken for linear light as they are" in notes


def test_alpha_stays_as_it_is():
    image = RNG.integers(0, 256, (9, 9, 4)).astype(np.uint8)
    found = filter_image(image, "gaussian", linear=True)
    np.testing.assert_array_equal(found[..., 3], image[..., 3])


def test_it_is_another_filter_for_resuming_and_is_kept_in_files():
    from convcli.filtering.pipeline_file import pipeline_document, read_pipeline

    one, other = (Pipeline([step_of("gaussian")], Policy(linear=linear)) for linear in (True, False))
    assert one.record() != other.record()
    assert read_pipeline(pipeline_document(one), "x").policy.linear
    assert not one.luma


@pytest.mark.parametrize("frames", [[], ["--frames", "all"]])
def test_an_image_whose_colours_it_cannot_go_by_is_named(call, tmp_path, frames):
    first, second = (PIL.Image.fromarray(np.full((9, 9, 3), n, np.uint8)) for n in (1, 2))
    first.save(
        tmp_path / "a.webp", save_all=True, append_images=[second], icc_profile=b"nonsense", lossless=True
    )
    refused = call("filter", "a.webp", "-k", "box", "--linear", *frames, "-o", "b.png")
    assert refused.code == 1
    assert "error: a.webp: its colour profile is damaged; --linear cannot go by it." in refused.stderr
