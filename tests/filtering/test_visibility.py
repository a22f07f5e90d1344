"""What is transparent or no data has no say: alpha of every depth, and values left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from convcli.engine.plane import strategies, strategy
from convcli.engine.plane.strategies import STRATEGIES, folded
from convcli.errors import UsageError
from convcli.filtering import filter_image
from convcli.filtering.visibility import opaque_of
from convcli.kernels import Kernel
from filtering.made import filtered

RNG = np.random.default_rng(11)
KERNELS = [
    "gaussian:sigma=2",
    "box:size=5",
    "sharpen",
    "unsharp",
    "emboss",
    "sobel",
    "sobel-x",
    "laplacian",
    "log",
    "kirsch",
    "gabor",
    "motion:size=9,angle=30",
    "box:size=120",
    RNG.normal(size=(4, 3)),
    RNG.normal(size=(15, 15)),
    np.eye(20),
]


def picture(channels, dtype=np.uint8, shape=(24, 31), holes=0.5):
    """Return an image with alpha: a part of it transparent, a part half so."""
    high = opaque_of(np.dtype(dtype))
    pixels = (RNG.random((*shape, channels)) * high).astype(dtype)
    alpha = pixels[..., -1]
    alpha[RNG.random(shape) < holes] = 0
    alpha[:, : shape[1] // 3] = high
    alpha[5:12, 10:20] = 0
    return pixels


def painted(image):
    """Return the image with other colours where it is transparent."""
    other = image.copy()
    hidden = image[..., -1] == 0
    high = opaque_of(image.dtype)
    other[hidden, :-1] = (RNG.random((hidden.sum(), image.shape[2] - 1)) * high).astype(image.dtype)
    return other


@pytest.mark.parametrize(
    "kernel", KERNELS, ids=lambda kernel: kernel if isinstance(kernel, str) else str(kernel.shape)
)
@pytest.mark.parametrize(
    ("channels", "dtype"), [(4, np.uint8), (2, np.uint8), (4, np.uint16), (4, np.float32), (2, np.float64)]
)
def test_colours_of_transparent_pixels_have_no_say(kernel, channels, dtype):
    image = picture(channels, dtype)
    for alpha in ("keep", "filter"):
        first, second = (filter_image(one, kernel, alpha=alpha) for one in (image, painted(image)))
        np.testing.assert_array_equal(first, second)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kernel=st.sampled_from(
        ["gaussian:size=3", "sobel", "prewitt-y", "laplacian", "sharpen", "kirsch", "emboss"]
    ),
    border=st.sampled_from(["reflect", "symmetric", "edge", "wrap", "zero", "constant"]),
    padding=st.sampled_from(["same", "valid", "full", 3, (0, 5)]),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    op=st.sampled_from(["correlate", "convolve"]),
    channels=st.sampled_from(["auto", "gray", "each"]),
    policy=st.sampled_from(["auto", "clip", "abs", "stretch", "offset", "raw"]),
    layout=st.sampled_from([2, 4]),
)
def test_no_option_lets_them_have_a_say(
    seed, kernel, border, padding, stride, dilation, op, channels, policy, layout
):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (9, 11, layout), np.uint8)
    image[..., -1][rng.random((9, 11)) < 0.6] = 0
    options = {
        "border": border,
        "fill": 40 if border == "constant" else 0,
        "padding": padding,
        "stride": stride,
        "dilation": dilation,
        "op": op,
        "channels": channels,
        "range": policy,
    }
    results = [filter_image(one, kernel, **options) for one in (image, painted(image))]
    np.testing.assert_array_equal(*results)


def test_hidden_nan_has_no_say_either():
    image = picture(4, np.float32)
    hidden = painted(image)
    hidden[image[..., 3] == 0, :3] = np.nan
    np.testing.assert_array_equal(filter_image(image, "gaussian"), filter_image(hidden, "gaussian"))


def test_white_beside_transparent_red_stays_white():
    image = np.zeros((9, 9, 4), np.uint8)
    image[:, :5] = 255
    image[:, 5:] = (255, 0, 0, 0)
    result = filter_image(image, "gaussian:sigma=1")
    assert (result[:, :5] == 255).all()
    np.testing.assert_array_equal(result[..., 3], image[..., 3])
    soft = filter_image(image, "gaussian:sigma=1", alpha="filter")
    assert (soft[:, :7, :3] == 255).all()
    np.testing.assert_array_equal(soft[..., 3], filter_image(image[..., 3], "gaussian:sigma=1"))
    assert (filter_image(image, "gaussian:sigma=1", alpha="ignore")[0, 4] == (255, 178, 178, 255)).all()


@pytest.mark.parametrize("kernel", ["sobel", "laplacian", "prewitt", "kirsch", "log:sigma=1", "gabor"])
def test_a_cut_outs_outline_is_no_edge(kernel):
    image = picture(4)
    image[..., :3] = (200, 40, 90)
    image[:, :10, 3] = 0
    assert not filter_image(image, kernel, range="raw").round(6).any()


@pytest.mark.parametrize("kernel", ["gaussian", "sobel", "sharpen", "laplacian"])
@pytest.mark.parametrize("alpha", [1, 100, 254])
def test_half_the_alpha_everywhere_changes_nothing(kernel, alpha):
    image = picture(4)
    image[..., 3] = alpha
    expected = filter_image(image[..., :3], kernel, range="raw")
    np.testing.assert_allclose(filter_image(image, kernel, range="raw"), expected, atol=1e-3)


@pytest.mark.parametrize("name", STRATEGIES)
def test_each_strategy_gives_the_definition(name, monkeypatch):
    monkeypatch.setattr(strategies, "STRATEGIES", {name: STRATEGIES[name]})
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    image = picture(2, np.float64, holes=0.9)
    w = np.outer(RNG.normal(size=5), RNG.normal(size=3))
    found = filtered(image[..., 0], w, opacity=image[..., 1], range="raw").pixels
    c, a = (np.pad(image[..., n], ((2, 2), (1, 1)), mode="reflect") for n in (0, 1))
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            window = slice(row, row + 5), slice(column, column + 3)
            size = (np.abs(w) * a[window]).sum()
            mean = (np.abs(w) * a[window] * c[window]).sum() / size if size else 0
            expected = w.sum() * mean
            expected += (w * a[window] * (c[window] - mean)).sum() * np.abs(w).sum() / size if size else 0
            assert found[row, column] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_where_nothing_is_seen_nothing_is_shown():
    image = np.zeros((9, 9, 4), np.uint8)
    image[:, 0] = 255
    image[4, 4] = (9, 9, 9, 255)
    ahead = filter_image(image, [[1.0, 0, 0]])  # the pixel to the left
    assert ahead[4, 5, :3].tolist() == [9, 9, 9]
    assert ahead[4, 4].tolist() == [0, 0, 0, 0], "its left one is transparent"
    assert filter_image(image, "sobel")[4, 4].tolist() == [0, 255], "there is no edge that could be seen"


def test_opaque_alpha_changes_no_byte():
    image = picture(4)
    image[..., 3] = 255
    for kernel in ("gaussian", "sobel", "sharpen"):
        plain = filter_image(image[..., :3], kernel)
        for alpha in ("keep", "filter", "ignore"):
            result = filter_image(image, kernel, alpha=alpha)
            np.testing.assert_array_equal(result[..., :-1].squeeze(), plain)
            assert (result[..., -1] == 255).all() or (alpha, kernel) == ("filter", "sobel")


def test_a_volume_weights_each_channel():
    volume = Kernel("volume", tuple(RNG.normal(size=(3, 3, 3))), "volume")
    image = picture(4)
    np.testing.assert_array_equal(filter_image(image, volume), filter_image(painted(image), volume))


def test_bytes_are_the_same_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(strategy, "BLOCK_CELLS", 2**10)
    monkeypatch.setattr("convcli.engine.plane.blocks.WORTH_A_THREAD", 1)
    image = picture(4, shape=(150, 200))
    one, three = (filter_image(image, "unsharp", threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one, three)


HOLES = np.array([[1, 2, np.nan, 4], [5, np.nan, np.nan, 8], [9, 10, 11, 12.0]])
BELL = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1.0]])


def test_no_data_is_astropys_interpolation():
    convolution = pytest.importorskip("astropy.convolution")
    rng = np.random.default_rng(
        0
    )  # its own: another hole may be larger than a kernel, of which Astropy warns
    plane = rng.normal(size=(20, 23))
    plane[rng.random(plane.shape) < 0.4] = np.nan
    for side in (3, 5, 9):
        weights = rng.random((side, side))
        expected = convolution.convolve(plane, weights, boundary="wrap", nan_treatment="interpolate")
        found = filter_image(plane, weights / weights.sum(), border="wrap", op="convolve", nodata=[np.nan])
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("text", ["12", "auto", ["0"]])
def test_no_data_is_numbers_not_text(text):
    with pytest.raises(UsageError, match="values for no data of real numbers, found text"):
        filter_image(HOLES, "box", nodata=text)


def test_no_data_may_be_one_value():
    one, several = (filter_image(np.nan_to_num(HOLES), "box", nodata=given) for given in (0, [0]))
    np.testing.assert_array_equal(one, several)


def test_no_data_is_normalised_convolution():
    """Σ w c / Σ w over what is there: SciPy's two correlations, one divided by the other."""
    valid = ~np.isnan(HOLES)
    above = ndimage.correlate(np.where(valid, HOLES, 0), BELL, mode="wrap")
    expected = above / ndimage.correlate(valid.astype(float), BELL, mode="wrap")
    found = filter_image(HOLES, BELL / 16, border="wrap", nodata=[np.nan])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[1, 1] == pytest.approx((1 + 2 * 2 + 2 * 5 + 9 + 2 * 10 + 11) / (1 + 2 + 2 + 1 + 2 + 1))


@pytest.mark.parametrize("value", [-9999.0, -3.4028234663852886e38, np.nan, np.inf])
def test_a_value_for_no_data_is_left_out(value):
    plane = RNG.normal(size=(20, 30)).astype(np.float32)
    plane[4:15, 6:19] = value
    result = filtered(plane, "box:size=5", nodata=[value])
    other = np.where(plane == np.float32(value), np.float32(np.nan), plane)
    expected = filter_image(other, "box:size=5", nodata=[np.nan])
    empty = np.zeros((20, 30), bool)
    empty[6:13, 8:17] = True
    np.testing.assert_allclose(result.pixels[~empty], expected[~empty], rtol=1e-6)
    assert (
        np.isnan(result.pixels[empty]) if np.isnan(value) else result.pixels[empty] == np.float32(value)
    ).all()
    assert (result.found.missing, result.found.blank) == (11 * 13, 7 * 9)
    assert abs(result.found.minimum) < 9 > abs(result.found.maximum)


def test_several_values_and_integers():
    plane = RNG.integers(1, 200, (9, 9)).astype(np.int16)
    plane[2, 3], plane[7, 7] = -32768, 255
    result = filtered(plane, "gaussian", nodata=[-32768, 255, 1e9, 0.5])
    assert result.found.missing == 2
    assert result.pixels.min() > 0
    assert result.pixels.max() < 200


def test_a_pixel_of_colours_holds_no_data_where_all_channels_say_so():
    image = RNG.integers(1, 256, (9, 9, 3), np.uint8)
    image[3, 3], image[5, 5, 0] = 0, 0
    assert filtered(image, "gaussian", nodata=[0]).found.missing == 1
    floats = image.astype(np.float32)
    floats[6, 6, 2] = np.nan
    assert filtered(floats, "gaussian", nodata=[np.nan]).found.missing == 1


def test_no_data_everywhere_gives_no_data():
    result = filtered(np.full((5, 5), 7, np.uint8), "gaussian", nodata=[7])
    assert (result.pixels == 7).all()
    assert result.found.blank == 25
    assert np.isnan([result.found.minimum, result.found.maximum]).all()


@pytest.mark.parametrize("policy", ["clip", "abs", "stretch", "offset"])
def test_floats_become_8_bits_where_they_have_to(policy):
    image = RNG.normal(size=(9, 12)).astype(np.float32)
    image[4, 4] = np.nan
    whole = filtered(image, "sobel-x", range=policy, depth=8).pixels
    assert whole.dtype == np.uint8
    floats = np.nan_to_num(np.clip(filter_image(image, "sobel-x", range=policy), 0, 1)) * 255
    np.testing.assert_allclose(whole, floats, atol=0.51)
    if policy == "stretch":
        assert (whole.min(), whole.max()) == (0, 255)


def test_output_beyond_what_is_allowed_is_refused_before_it_is_begun():
    with pytest.raises(UsageError, match=r"40,510 × 40,510 pixels.*--max-pixels"):
        filtered(np.zeros((512, 512), np.uint8), [[1.0]], padding=19999, max_pixels=2**26)


def test_progress_adds_up():
    for policy in ("clip", "stretch"):
        shares = []
        filtered(RNG.random((50, 60)), "gaussian", range=policy, progress=shares.append)
        assert sum(shares) == pytest.approx(1)


def test_what_stands_for_no_data_is_never_counted_as_clipped():
    image = np.full((30, 40), 100, np.uint8)
    image[:12, :12] = 0
    for options in ({"range": "stretch"}, {"range": "clip", "offset": -50}):
        found = filtered(image, "gaussian", nodata=[0], **options).found
        assert (found.blank, found.clipped) == (64, 0)
