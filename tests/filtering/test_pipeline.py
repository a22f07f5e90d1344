"""Chains of steps: what comes out is what single steps give one after another, in floats."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from convcli.engine.plane.borders import BORDERS
from convcli.errors import UsageError
from convcli.filtering import Policy, apply, as_kernel, filter_image
from convcli.filtering.developing import developed
from convcli.filtering.picture import Picture, Setting, StoredImage
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.ranges import Range
from convcli.filtering.steps.parsing import step_of
from convcli.filtering.steps.step import STEPS
from convcli.filtering.visibility import StoredVeil
from convcli.images import Image
from convcli.kernels import KERNELS

RNG = np.random.default_rng(0)
CHAIN = ("gaussian:sigma=1.4", "sobel", "box:size=5")


def chain_of(pixels, texts, **options):
    own = {name: options.pop(name) for name in ("opacity", "threads") if name in options}
    return apply(pixels, [step_of(text) for text in texts], Policy(**options), **own)


def one_by_one(pixels, texts, **options):
    for text in texts:
        pixels = chain_of(pixels, [text], range="raw", **options).pixels
    return pixels


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(90, 70), (41, 30, 3), (1, 1), (2, 3, 3)])
def test_a_chain_is_single_steps_one_after_another(dtype, shape, border):
    pixels = (RNG.random(shape) * 100).astype(dtype)
    expected = one_by_one(pixels, CHAIN, border=border, fill=7)
    found = chain_of(pixels, CHAIN, border=border, fill=7, range="raw").pixels
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


def test_steps_may_change_the_shape():
    pixels = (RNG.random((80, 100, 3)) * 255).astype(np.uint8)
    chain = ("box:size=3,stride=2", "gaussian:padding=full", "sharpen:padding=valid,stride=1x3", "gray")
    expected = one_by_one(pixels, chain)
    np.testing.assert_allclose(chain_of(pixels, chain, range="raw").pixels, expected, rtol=1e-5)


def test_the_result_does_not_depend_on_the_number_of_threads():
    pixels = RNG.integers(0, 256, (900, 700, 3), np.uint8)
    one, four = (chain_of(pixels, CHAIN, threads=n).pixels for n in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_a_step_that_does_not_fit_is_named_with_its_number():
    with pytest.raises(UsageError, match=r"^step 2 \(box\): A window spanning 9 cells"):
        chain_of(np.zeros((20, 20), np.uint8), ["gaussian:stride=4", "box:size=9,padding=valid"])


@pytest.mark.parametrize("alpha", ["keep", "filter", "ignore"])
@pytest.mark.parametrize("border", ["reflect", "wrap", "constant"])
def test_a_chain_weighs_by_alpha_as_single_steps_do(alpha, border):
    pixels = RNG.random((40, 50, 3)).astype(np.float32)
    opacity = np.clip(RNG.random((40, 50)) * 3 - 1, 0, 1)
    opacity[10:30, 20:40] = 0
    chain, options = (
        ("gaussian:sigma=2", "box:size=3"),
        {"alpha": alpha, "border": border, "fill": 0.5, "range": "clip"},
    )
    expected, share = pixels, opacity
    for text in chain:
        result = chain_of(expected, [text], opacity=share, **options)
        expected, share = result.pixels, result.alpha
    found = chain_of(pixels, chain, opacity=opacity, **options)
    np.testing.assert_allclose(found.alpha, share, atol=1e-6)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-5)


@pytest.mark.parametrize("border", ["reflect", "wrap", "constant"])
def test_a_chain_leaves_no_data_out_as_single_steps_do(border):
    pixels = RNG.random((40, 50)).astype(np.float32) + 1
    pixels[5:25, 10:30] = np.nan
    chain, options = ("gaussian:sigma=1", "sobel"), {"border": border, "fill": 2, "nodata": (np.nan,)}
    expected = one_by_one(pixels, chain, **options)
    found = chain_of(pixels, chain, range="raw", **options)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-5)
    assert found.found.blank == np.isnan(expected).sum() > 0


def test_python_takes_steps_as_texts_kernels_and_weights():
    pixels = RNG.integers(0, 256, (20, 30), np.uint8)
    steps = ["gaussian:sigma=1", as_kernel("sobel"), np.ones((3, 3)) / 9, step_of("invert")]
    texts = ["gaussian:sigma=1", "sobel", "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9", "invert"]
    expected = filter_image(pixels, texts, border="wrap")
    np.testing.assert_array_equal(filter_image(pixels, steps, border="wrap"), expected)
    np.testing.assert_array_equal(filter_image(pixels, [[1, 2, 1]]), filter_image(pixels, "1 2 1"))


@pytest.mark.parametrize(
    ("steps", "options", "words"),
    [
        (["box"], {"stride": 2}, "stride belongs to one step"),
        (["box"], {"scale": 2}, "scale belongs to one step"),
        (["box", "sobbel"], {}, r"step 2: Unknown step 'sobbel'. Did you mean 'sobel'\?"),
        (["box", 3], {}, "step 2: kernel: expected a matrix"),
        (["box", "crop:size=99"], {}, r"step 2 \(crop\): 99 × 99 pixels do not fit"),
    ],
)
def test_python_refuses_what_means_nothing(steps, options, words):
    with pytest.raises(UsageError, match=words):
        filter_image(np.zeros((5, 5), np.uint8), steps, **options)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
@pytest.mark.parametrize("text", ["gaussian:sigma=20", "median:size=9", "box:size=31", "erode:size=7"])
def test_windows_far_larger_than_the_picture_are_as_single_steps(shape, text):
    pixels = RNG.random(shape)
    chain = (text, "sharpen", text)
    np.testing.assert_allclose(
        chain_of(pixels, chain, border="wrap", range="raw").pixels,
        one_by_one(pixels, chain, border="wrap"),
        atol=1e-12,
    )


@pytest.mark.parametrize("step", ["gaussian:sigma=1", "median", "unsharp", "top_hat", "highpass"])
def test_a_step_asks_the_one_before_once_be_it_hidden_in_parts_or_not(step):
    class Counted(StoredImage):
        """An image that counts how many pixels are read of it."""

        planes, count = None, 0

        def __init__(self, pixels, veil):
            super().__init__(pixels, veil)
            self.sources, self.planes = self.planes, None

        def read(self, rows, columns, out):
            Counted.count += out[0].size
            for plane, own in zip(self.sources, out, strict=True):
                plane.read(rows, columns, own)

    pixels, opacity = RNG.random((40, 50, 3)), RNG.random((40, 50)) * 2
    opacity[5:20, 5:20] = 0
    for veil in (None, StoredVeil.of(np.clip(opacity, 0, 1), None)):
        Counted.count = 0
        picture: Picture = Counted(pixels, veil)
        for _ in range(6):
            picture = step_of(step).on(picture, Setting())
        how = Range("raw", np.dtype(float), np.dtype(float))
        developed(picture, how, alpha=True, whole=False, threads=1)
        assert Counted.count == 40 * 50


def test_too_many_steps_are_refused():
    with pytest.raises(UsageError, match="1 to 100 steps, found 101"):
        filter_image(np.zeros((3, 3)), ["gray"] * 101)


OPTIONS = {
    "kernel": "kernel=1 0 -1",
    "gamma": "value=2",
    "rank": "rank=3",
    "resize": "scale=0.5",
    "crop": "size=4",
    "rotate": "angle=90",
}


@pytest.mark.parametrize("name", [*KERNELS, *sorted(STEPS)])
def test_a_pipeline_is_the_same_in_another_process(name):
    pipeline = Pipeline([step_of(f"{name}:{OPTIONS[name]}" if name in OPTIONS else name)], Policy())
    back = pickle.loads(pickle.dumps(pipeline))
    assert back.record() == pipeline.record()
    image = Image(RNG.integers(0, 256, (20, 30, 3), np.uint8))
    np.testing.assert_array_equal(back(image)[0].pixels, pipeline(image)[0].pixels)
