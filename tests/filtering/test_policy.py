"""The policy of filtering: channels, ranges, alpha; against SciPy on the same planes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

import convcli
from convcli import kernels
from convcli.engine.plane import blocks, strategy
from convcli.engine.plane.filter import filter2d
from convcli.errors import KernelError, ShapeError, UnknownNameError, UsageError
from convcli.filtering import CHANNELS, RANGES, Policy, filter_image, luma
from filtering.made import filtered

LUMA = np.array([0.299, 0.587, 0.114])


def noise(shape, dtype=np.uint8):
    generator = np.random.default_rng(5)
    if np.dtype(dtype).kind == "f":
        return generator.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


GREY, RGB, ALPHA = noise((20, 25)), noise((20, 25, 3)), noise((20, 25, 1))


def scipy_sobel(plane):
    return np.hypot(ndimage.sobel(plane, axis=0, mode="mirror"), ndimage.sobel(plane, axis=1, mode="mirror"))


def test_sobel_is_scipys_gradient_magnitude_on_luma_within_a_grey_level():
    reference = np.clip(scipy_sobel(RGB @ LUMA), 0, 255)
    result = filter_image(RGB, "sobel")
    assert (result.shape, result.dtype) == ((20, 25), np.uint8)
    assert np.abs(result - reference).max() <= 0.5 + 1e-3


def test_luma_is_not_rounded():
    np.testing.assert_allclose(luma(RGB), RGB @ LUMA, rtol=1e-6)
    assert luma(RGB).dtype == np.float32
    assert luma(noise((3, 3, 3), np.int32)).dtype == np.float64


def test_kernel_that_keeps_brightness_works_on_each_channel():
    result = filter_image(RGB, "gaussian:sigma=1")
    reference = np.stack(
        [ndimage.gaussian_filter(RGB[..., c].astype(float), 1, mode="mirror") for c in range(3)], 2
    )
    assert result.shape == RGB.shape
    assert np.abs(result - reference).max() <= 0.5 + 1e-3


def test_kirsch_takes_the_strongest_direction():
    reference = np.max(
        [ndimage.correlate(GREY.astype(float), part, mode="mirror") for part in kernels.kernel("kirsch")],
        axis=0,
    )
    np.testing.assert_array_equal(filter_image(GREY, "kirsch", range="raw"), reference)


@pytest.mark.parametrize(
    ("kernel", "channels", "applied", "shape"),
    [
        ("sobel", "auto", "gray", (20, 25)),
        ("laplacian", "auto", "gray", (20, 25)),
        ("gaussian", "auto", "each", (20, 25, 3)),
        ("sobel", "each", "each", (20, 25, 3)),
        ("gaussian", "gray", "gray", (20, 25)),
    ],
)
def test_channels_policy(kernel, channels, applied, shape):
    result = filtered(RGB, kernel, channels=channels)
    assert (result.found.laying.policy.channels_for(result.found.kernel), result.pixels.shape) == (
        applied,
        shape,
    )


def test_each_channel_is_filtered_alone():
    result = filter_image(RGB, "sobel", channels="each")
    for c in range(3):
        np.testing.assert_array_equal(result[..., c], filter_image(RGB[..., c], "sobel"))


@pytest.mark.parametrize(("channels", "shape"), [("gray", (20, 25, 1)), ("each", (20, 25, 1))])
def test_single_channel_keeps_its_axis(channels, shape):
    assert filter_image(GREY[:, :, None], "sobel", channels=channels).shape == shape


RESPONSES = np.array([[-300.0, -0.6, 0.5, 1.5, 254.4, 400.0]])


@pytest.mark.parametrize(
    ("policy", "expected", "clipped"),
    [
        ("clip", [0, 0, 0, 2, 254, 255], 3 / 6),
        ("abs", [255, 1, 0, 2, 254, 255], 2 / 6),
        ("offset", [0, 127, 128, 130, 255, 255], 3 / 6),
        ("stretch", [0, 109, 109, 110, 202, 255], 0),
    ],
)
def test_range_turns_responses_into_pixels(policy, expected, clipped, monkeypatch):
    def respond(_steps, _source, _block, outs, _workspace):
        np.copyto(outs[0], RESPONSES)

    monkeypatch.setattr("convcli.filtering.laying.responses", respond)
    result = filtered(np.zeros((1, 6), np.uint8), "identity", range=policy)
    assert result.pixels.tolist() == [expected]
    assert result.found.clipped == pytest.approx(clipped)
    assert (result.found.minimum, result.found.maximum) == (-300, 400)
    assert result.found.range == policy


@pytest.mark.parametrize(
    ("dtype", "kernel", "applied"),
    [
        (np.uint8, "sobel-x", "abs"),
        (np.uint8, "gaussian", "clip"),
        (np.uint16, "sobel-x", "abs"),
        (np.int32, "gaussian", "clip"),
        (np.float32, "sobel-x", "abs"),
        (np.float32, "gaussian", "raw"),
    ],
)
def test_auto_range_follows_the_kernels_sum(dtype, kernel, applied):
    result = filtered(noise((9, 9), dtype), kernel)
    assert result.found.range == applied
    assert result.pixels.dtype == dtype


@pytest.mark.parametrize("policy", [name for name in RANGES if name != "raw"])
@pytest.mark.parametrize(
    "dtype",
    [np.uint8, np.uint16, np.int16, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64],
)
def test_dtype_is_kept(dtype, policy):
    for kernel in ("sharpen", "sobel"):
        assert filter_image(noise((9, 9), dtype), kernel, range=policy).dtype == dtype


@pytest.mark.parametrize(("dtype", "computed"), [(np.uint8, np.float32), (np.int32, np.float64)])
def test_raw_gives_floats(dtype, computed):
    image = noise((9, 9), dtype)
    result = filter_image(image, "laplacian", range="raw")
    assert result.dtype == computed
    np.testing.assert_array_equal(result, convcli.filter2d(image, kernels.kernel("laplacian")))


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_widest_integers_clip_inside_their_limits(dtype):
    limits = np.iinfo(dtype)
    result = filter_image(np.full((3, 3), limits.max, dtype), [[2.0]])
    assert (result > limits.max // 2).all()


def test_sixteen_bits_use_their_whole_range():
    image = np.full((4, 4), 40_000, np.uint16)
    assert (filter_image(image, [[1.5]]) == 60_000).all()
    assert (filter_image(image, [[2.0]]) == 65_535).all()
    assert (filter_image(image, "sobel", range="offset") == 32_768).all()


def test_floats_are_clipped_only_on_request():
    image = np.array([[-2.0, 0.5, 3.0]])
    np.testing.assert_array_equal(filter_image(image, [[2.0]]), [[-4, 1, 6]])
    np.testing.assert_array_equal(filter_image(image, [[2.0]], range="abs"), [[4, 1, 6]])
    np.testing.assert_array_equal(filter_image(image, [[2.0]], range="clip"), [[0, 1, 1]])
    np.testing.assert_array_equal(filter_image(image, [[0.1]], range="offset"), [[0.3, 0.55, 0.8]])
    np.testing.assert_allclose(filter_image(image, [[2.0]], range="stretch"), [[0, 0.5, 1]])


def test_flat_image_is_stretched_to_black():
    assert not filter_image(np.full((4, 4), 9, np.uint8), "identity", range="stretch").any()


def test_clipped_counts_over_all_channels():
    image = np.zeros((2, 2, 3), np.uint8)
    image[..., 0] = 200
    assert filtered(image, [[2.0]]).found.clipped == pytest.approx(1 / 3)


def test_alpha_is_untouched_at_full_size():
    image = np.concatenate([RGB, ALPHA], axis=2)
    np.testing.assert_array_equal(filter_image(image, "gaussian")[..., 3], ALPHA[..., 0])
    ignored = filter_image(image, "gaussian", alpha="ignore")
    np.testing.assert_array_equal(ignored[..., 3], ALPHA[..., 0])
    np.testing.assert_array_equal(ignored[..., :3], filter_image(RGB, "gaussian"))


def test_grey_with_alpha_and_edges_of_colour_with_alpha_have_two_channels():
    grey = np.dstack([GREY, ALPHA])
    assert filter_image(grey, "gaussian").shape == (20, 25, 2)
    edges = filter_image(np.concatenate([RGB, ALPHA], axis=2), "sobel")
    assert edges.shape == (20, 25, 2)
    np.testing.assert_array_equal(edges[..., 1], ALPHA[..., 0])


def test_bools_are_floats_of_0_and_1():
    mask = GREY > 99
    soft = filter_image(mask, "gaussian")
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(soft, convcli.filter2d(mask, kernels.kernel("gaussian")))


@pytest.mark.parametrize(
    ("options", "rows", "columns"),
    [
        ({"padding": "valid"}, slice(1, 19), slice(1, 24)),
        ({"stride": 2}, slice(None, None, 2), slice(None, None, 2)),
        ({"stride": (3, 1)}, slice(None, None, 3), slice(None)),
        ({"padding": "valid", "stride": 2}, slice(1, 19, 2), slice(1, 24, 2)),
        ({"padding": "valid", "dilation": 2}, slice(2, 18), slice(2, 23)),
    ],
    ids=str,
)
def test_alpha_lies_under_the_kernels_centre(options, rows, columns):
    result = filter_image(np.dstack([GREY, ALPHA]), kernels.kernel("box"), **options)
    np.testing.assert_array_equal(result[..., 1], ALPHA[rows, columns, 0])


def test_alpha_outside_the_image_is_the_nearest():
    result = filter_image(np.dstack([GREY, ALPHA]), kernels.kernel("box"), padding="full")
    np.testing.assert_array_equal(result[..., 1], np.pad(ALPHA[..., 0], 1, mode="edge"))


def test_raw_values_have_no_alpha():
    assert filter_image(np.dstack([GREY, ALPHA]), "gaussian", range="raw").shape == (20, 25)


def test_kernel_may_be_a_name_a_kernel_or_weights():
    by_name = filter_image(GREY, "gaussian:sigma=2")
    np.testing.assert_array_equal(filter_image(GREY, kernels.named("gaussian", sigma=2)), by_name)
    np.testing.assert_array_equal(filter_image(GREY, kernels.kernel("gaussian", sigma=2)), by_name)
    assert filtered(GREY, [[1, -1]]).found.kernel.name == "custom"


def test_convolve_turns_the_kernel():
    kernel = [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert filter_image(GREY, kernel)[5, 5] == GREY[5, 6]
    assert filter_image(GREY, kernel, op="convolve")[5, 5] == GREY[5, 4]
    assert filtered(GREY, kernel, op="convolve").found.policy.op == "convolve"


@pytest.mark.parametrize(
    ("image", "kernel", "options", "error", "words"),
    [
        (np.zeros((4, 4, 5)), "sobel", {}, ShapeError, "(4, 4, 5)"),
        (np.zeros(4), "sobel", {}, ShapeError, "(4,)"),
        (np.zeros((0, 4)), "sobel", {}, ShapeError, "(0, 4)"),
        (
            np.zeros((4, 4, 4), np.int32),
            "sobel",
            {},
            UsageError,
            "alpha in uint8, uint16 or floats, found int32",
        ),
        (np.full((4, 4, 4), 255.0), "sobel", {}, UsageError, "alpha from 0 to 1"),
        (GREY, "sobel", {"alpha": "premultiply"}, UnknownNameError, "keep"),
        (np.zeros((4, 4), complex), "sobel", {}, UsageError, "complex"),
        (GREY, "sobl", {}, UnknownNameError, "'sobel'"),
        (GREY, [[1, np.nan]], {}, KernelError, "column 2"),
        (GREY, [1, 2], {}, KernelError, "matrix"),
        (GREY, [[-1e39]], {}, KernelError, "at most 3.4e+38, found 1e+39"),
        (GREY, [[2e38] * 9], {}, UsageError, "custom gives values beyond float32 on this image"),
        (
            np.full((4, 4), 2e38, np.float32),
            np.ones((3, 3)),
            {},
            UsageError,
            "custom gives values beyond float32",
        ),
        (np.full((4, 4), 1e308), np.ones((3, 3)), {}, UsageError, "custom gives values beyond float64"),
        (np.array([[-3e38, 3e38]], np.float32), "identity", {"range": "stretch"}, UsageError, "float32"),
        (GREY, [["a"]], {}, KernelError, "real numbers"),
        (GREY, kernels.kernel("sobel"), {}, KernelError, "(2, 3, 3)"),
        (GREY, "sobel", {"channels": "grey"}, UnknownNameError, "'gray'"),
        (GREY, "sobel", {"range": "strech"}, UnknownNameError, "'stretch'"),
        (GREY, "sobel", {"border": "miror"}, UnknownNameError, "'mirror'"),
        (GREY, "box:size=99", {"padding": "valid"}, ShapeError, "99"),
        (GREY, "sobel", {"stride": 0}, ShapeError, "stride"),
    ],
)
def test_wrong_argument_is_refused_with_what_was_found(image, kernel, options, error, words):
    with pytest.raises(error) as caught:
        filter_image(image, kernel, **options)
    assert words in str(caught.value)


def test_wide_kernels_are_for_wide_images():
    assert filter2d(np.ones((1, 1)), [[1e300]]) == 1e300


@pytest.mark.parametrize("size", [1e-40, 1e-25, 1e25])  # squares of these are beyond float32, or 0
@pytest.mark.parametrize("name", ["sobel", "kirsch", "gaussian"])
def test_float_images_of_any_size_are_filtered_alike(name, size):
    image = noise((20, 25), np.float32)
    expected = filter_image(image.astype(np.float64), name)
    found = filter_image(image * np.float32(size), name).astype(np.float64) / size
    precision = max(1e-6, np.finfo(np.float32).smallest_subnormal / size)
    np.testing.assert_allclose(found, expected, atol=30 * precision)  # the weights of kirsch add up to 30


@pytest.mark.parametrize("policy", RANGES)
def test_what_is_not_finite_in_an_image_stays_where_the_kernel_reaches(policy):
    image = noise((9, 9), np.float32)
    image[4, 4] = np.nan
    result = filter_image(image, "box", range=policy)
    reached = np.zeros((9, 9), bool)
    reached[3:6, 3:6] = True
    np.testing.assert_array_equal(np.isnan(result), reached)


@pytest.mark.parametrize("spread", [1e-44, 1e-30])
def test_stretching_takes_the_smallest_differences_that_can_be_scaled_for_none(spread):
    image = np.array([[0, spread]], np.float32)
    stretched = filter_image(image, "identity", range="stretch")
    np.testing.assert_array_equal(stretched, [[0, spread > 1e-38]])


def test_every_policy_is_accepted():
    for channels in CHANNELS:
        for policy in RANGES:
            assert filter_image(RGB, "sobel", channels=channels, range=policy).size


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(strategy, "BLOCK_CELLS", 2**8)
    monkeypatch.setattr(strategy, "BLOCK_ROWS", (4, 8))
    monkeypatch.setattr(strategy, "LEAST_COLUMNS", 8)
    monkeypatch.setattr(blocks, "WORTH_A_THREAD", 1)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("policy", RANGES)
@pytest.mark.parametrize("kernel", ["sobel", "gaussian:sigma=2", "kirsch", "sharpen"])
def test_blocks_and_threads_change_nothing(kernel, policy):
    image = noise((60, 70, 3))
    one, two, three = (filtered(image, kernel, range=policy, threads=threads) for threads in (1, 2, 3))
    assert one.pixels.tobytes() == two.pixels.tobytes() == three.pixels.tobytes()
    assert (one.found.minimum, one.found.maximum, one.found.clipped) == (
        three.found.minimum,
        three.found.maximum,
        three.found.clipped,
    )


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("policy", [policy for policy in RANGES if policy != "auto"])
def test_result_and_statistics_of_blocks_are_those_of_the_whole(policy):
    image = noise((60, 70))
    response = scipy_sobel(image.astype(np.float64))
    result = filtered(image, "sobel", range=policy)
    assert result.found.minimum == pytest.approx(response.min(), rel=1e-6)
    assert result.found.maximum == pytest.approx(response.max(), rel=1e-6)
    scale = 255 / (response.max() - response.min())
    pixels = {
        "clip": response,
        "abs": response,
        "offset": response + 128,
        "stretch": (response - response.min()) * scale,
        "raw": response,
    }[policy]
    expected = pixels if policy == "raw" else np.clip(np.rint(pixels), 0, 255)
    np.testing.assert_allclose(result.pixels, expected, atol=1 if policy != "raw" else 1e-3)
    if policy not in ("raw", "stretch"):
        assert result.found.clipped == pytest.approx(np.mean(np.rint(pixels) > 255), abs=1e-3)


@pytest.mark.parametrize("shape", [(4000, 4000), (4000, 4000, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("policy", ["auto", "stretch"])
def test_memory_for_a_photo_is_its_result_and_a_few_blocks(shape, policy):
    image = np.zeros(shape, np.uint8)
    tracemalloc.start()
    try:
        result = filtered(image, "sobel", range=policy, threads=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    blocks = 2 * 8 * 4 * strategy.BLOCK_CELLS  # a handful of float arrays on each thread
    assert peak < result.pixels.nbytes + blocks
    assert blocks < 4 * 4000 * 4000, "which is less than the whole photo as floats"


def test_auto_channels_are_gray_for_kernels_that_sum_to_zero():
    assert Policy().channels_for(kernels.named("sobel")) == "gray"
    assert Policy().channels_for(kernels.named("box")) == "each"
    assert Policy(channels="gray").channels_for(kernels.named("box")) == "gray"


# kernels with a part for each channel, as a network for RGB learns them

PARTS = np.random.default_rng(3).normal(size=(3, 3, 5))
VOLUME = kernels.Kernel("volume", tuple(PARTS), "volume")


def scipy_volume(image):
    return sum(ndimage.correlate(image[..., c].astype(float), PARTS[c], mode="mirror") for c in range(3))


def test_a_volume_sums_up_what_each_part_finds_in_its_channel():
    result = filtered(RGB, VOLUME, range="raw")
    np.testing.assert_allclose(result.pixels, scipy_volume(RGB), rtol=1e-4, atol=1e-3)
    assert (result.found.laying.policy.channels_for(result.found.kernel), result.pixels.shape) == (
        "volume",
        (20, 25),
    )
    assert (result.found.minimum, result.found.maximum) == (result.pixels.min(), result.pixels.max())


def test_a_volume_takes_a_grey_image_for_all_channels():
    expected = scipy_volume(np.dstack([GREY] * 3))
    for grey in (GREY, GREY[..., None]):
        result = filtered(grey, VOLUME, range="raw").pixels.reshape(20, 25)
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-3)
    on_luma = filtered(RGB, VOLUME, range="raw", channels="gray")
    np.testing.assert_allclose(
        on_luma.pixels, scipy_volume(np.dstack([RGB @ LUMA] * 3)), rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_a_volume_is_the_same_in_blocks_with_stride_border_and_turned(threads, monkeypatch):
    monkeypatch.setattr(blocks, "WORTH_A_THREAD", 1)
    image = noise((300, 400, 3))
    options = {"stride": 2, "border": "wrap", "op": "convolve", "range": "raw"}
    result = filtered(image, VOLUME, threads=threads, **options).pixels
    expected = sum(
        ndimage.convolve(image[..., c].astype(float), PARTS[c], mode="grid-wrap")[::2, ::2] for c in range(3)
    )
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=2e-3)


def test_a_volume_becomes_pixels_like_every_kernel_and_keeps_alpha():
    result = filter_image(np.dstack((RGB, ALPHA)), VOLUME, range="stretch")
    assert (result.shape, result.dtype, result[..., 0].min(), result[..., 0].max()) == (
        (20, 25, 2),
        np.uint8,
        0,
        255,
    )
    np.testing.assert_array_equal(result[..., 1], ALPHA[..., 0])


def test_a_volume_does_not_filter_each_channel():
    with pytest.raises(UsageError, match="volume sums up the channels of an image; each cannot be had"):
        filter_image(RGB, VOLUME, channels="each")
    with pytest.raises(ShapeError, match="volume is for images of 2 channels; this one has 3"):
        filter_image(RGB, kernels.Kernel("volume", tuple(PARTS[:2]), "volume"))


def test_a_plan_is_kept_for_the_same_weights_alone():
    policy, dtype = Policy(), np.dtype(np.uint8)
    weights = np.ones((3, 3))
    first = policy.plan((8, 9), dtype, [weights], None)
    assert policy.plan((8, 9), dtype, [weights.copy()], None) is first
    weights[1, 1] = 5  # which its owner may do
    changed = policy.plan((8, 9), dtype, [weights], None)
    np.testing.assert_array_equal(changed.kernels[0], weights)
    others = [((9, 8), dtype, None), ((8, 9), np.dtype(np.float64), None), ((8, 9), dtype, (0, 0))]
    for shape, kind, anchor in others:
        assert policy.plan(shape, kind, [weights], anchor) is not changed
    assert Policy(border="wrap").plan((8, 9), dtype, [weights], None) is not changed
    assert Policy(stride=[2, 2]).plan((8, 9), dtype, [weights], None).output_shape == (4, 5)
