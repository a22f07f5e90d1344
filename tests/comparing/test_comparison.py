import itertools
import math

import numpy as np
import pytest

from convcli.comparing import compare, paired
from convcli.comparing.similarity import similarity, window_named
from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.images import Image, Metadata

WHITE = {"uint8": 255, "uint16": 65535, "int16": 65535, "float32": 1, "float64": 1}
WIDE, USUAL = (b"cICP", bytes([9, 16, 0, 1])), (b"gAMA", b"\0\0\xb1\x8f")
NAMES = ("a.png", "b.png")


def drawn(shape, dtype, rng):
    if dtype.startswith("f"):
        return rng.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)


def two(shape, dtype, rng):
    first = drawn(shape, dtype, rng)
    second = first.copy()
    where = rng.random(shape[:2]) < 0.3
    second[where] = drawn(shape, dtype, rng)[where]
    return first, second


@pytest.mark.parametrize("window", ["uniform", "gaussian"])
@pytest.mark.parametrize("dtype", WHITE)
def test_figures_are_those_of_scikit_image(dtype, window):
    metrics = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(0)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    for size, channels in itertools.product([(11, 11), (12, 31), (70, 53)], [(), (3,)]):
        first, second = two(size + channels, dtype, rng)
        found = compare(paired(Image(first), Image(second), NAMES), window=window)
        a, b, white = first.astype(float), second.astype(float), WHITE[dtype]
        expected = metrics.structural_similarity(
            a,
            b,
            data_range=white,
            channel_axis=-1 if channels else None,
            **(options if window == "gaussian" else {}),
        )
        assert found.together.ssim == pytest.approx(expected, abs=1e-12)
        assert found.psnr == pytest.approx(metrics.peak_signal_noise_ratio(a, b, data_range=white), abs=1e-9)
        assert found.together.mse == pytest.approx(metrics.mean_squared_error(a, b), rel=1e-12)


def test_alpha_counts_as_a_channel():
    metrics = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(1)
    first, second = two((20, 30, 4), "uint8", rng)
    images = [Image(one[:, :, :3], one[:, :, 3]) for one in (first, second)]
    found = compare(paired(images[0], images[1], NAMES))
    expected = metrics.structural_similarity(first, second, channel_axis=-1)
    assert found.together.ssim == pytest.approx(expected, abs=1e-12)
    assert [figures.name for figures in found.channels] == ["red", "green", "blue", "alpha"]
    assert found.equal == (first == second).all(axis=2).mean()


def test_the_largest_difference_is_the_first_of_its_size_in_row_order():
    first = np.zeros((3, 4, 3), np.uint8)
    second = first.copy()
    second[1, 2, 2] = second[2, 0, 0] = 7
    first[1, 2, 1] = 7
    largest = compare(paired(Image(first), Image(second), NAMES)).largest
    assert (largest.row, largest.column, largest.channel) == (1, 2, "green")
    assert (largest.difference, largest.first, largest.second) == (7, 7, 0)


def test_differences_have_the_sign_of_the_second_image():
    found = compare(paired(Image(np.array([[1, 5]], "u1")), Image(np.array([[4, 4]], "u1")), NAMES))
    assert (found.together.mean, found.together.mean_absolute, found.together.mse) == (1, 2, 5)


def test_equal_images_have_an_infinite_psnr_and_no_largest_difference():
    image = Image(np.arange(64, dtype=np.uint8).reshape(8, 8))
    found = compare(paired(image, image, NAMES))
    assert found.identical
    assert found.largest is None
    assert (found.psnr, found.together.ssim, found.equal) == (math.inf, 1, 1)


def test_eight_bits_beside_sixteen_and_floats_are_the_same_where_they_mean_the_same():
    small = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for other in (small.astype(np.uint16) * 257, small / 255, (small / 255).astype(np.float64)):
        pair = paired(Image(small), Image(other), NAMES)
        assert compare(pair).identical
        assert pair.notes[0].startswith("a.png ")
        assert compare(paired(Image(other), Image(small), NAMES)).identical


def test_grey_is_compared_as_three_equal_channels_and_no_alpha_as_opaque():
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    opaque = Image(np.dstack([grey] * 3), np.full((8, 8), 255, np.uint8))
    pair = paired(Image(grey), opaque, NAMES)
    assert compare(pair).identical
    assert len(pair.notes) == 2


def test_what_files_say_of_their_values_and_is_not_heeded_is_said():
    grey = np.zeros((8, 8), np.uint8)
    plain, profiled = Image(grey), Image(grey, metadata=Metadata(icc_profile=b"x"), nodata=-1)
    notes = paired(plain, profiled, NAMES).notes
    assert notes == (
        "their colour profiles differ; the values are compared as they are stored",
        "b.png says that -1 is no data; it is compared as any other value",
    )
    assert not paired(plain, plain, NAMES).notes
    wide, usual = (Image(grey, metadata=Metadata(colour=(one,))) for one in (WIDE, USUAL))
    assert paired(wide, plain, NAMES).notes == (
        "what they say of colours (cICP) differs; the values are compared as they are stored",
    )
    assert not paired(usual, plain, NAMES).notes  # sRGB's numbers, in so many words


def test_values_that_are_no_finite_numbers_are_counted_and_in_no_figure():
    first = np.zeros((9, 9), np.float32)
    second = first.copy()
    first[0, 0] = second[0, 0] = np.nan
    first[1, 1] = second[1, 1] = np.inf
    assert compare(paired(Image(first), Image(second), NAMES)).identical
    second[2, 2], second[3, 3] = np.nan, -np.inf
    found = compare(paired(Image(first), Image(second), NAMES))
    assert (found.odd, found.odd_and_equal, found.together.mse, found.together.ssim) == (2, 2, 0, None)
    assert not found.identical
    assert found.equal == 79 / 81


@pytest.mark.parametrize(("first", "second"), [(-(2**62), 2**62), (2**62, -(2**62)), (2**62, 2**62 + 1)])
def test_integers_of_64_bits_differ_by_what_no_float_shows(first, second):
    images = [Image(np.array([[1, one]])) for one in (first, second)]
    found = compare(paired(images[0], images[1], NAMES))
    assert found.largest.difference == abs(second - first)
    assert found.together.mean == (second - first) / 2
    assert not found.identical


def test_what_has_no_scale_in_common_is_refused_by_name():
    byte, short = Image(np.zeros((4, 4), np.uint8)), Image(np.zeros((4, 4), np.int16))
    with pytest.raises(UsageError, match=r"a\.png is uint8, b\.png is int16"):
        paired(byte, short, NAMES)
    with pytest.raises(ShapeError, match=r"a\.png is 4 high and 4 wide and b\.png is 5 high and 4 wide"):
        paired(byte, Image(np.zeros((5, 4), np.uint8)), NAMES)
    with pytest.raises(ShapeError, match=r"a\.png has 1, b\.png has 2"):
        paired(byte, Image(np.zeros((4, 4, 2), np.uint8)), NAMES)
    with pytest.raises(UnknownNameError, match="window"):
        window_named("box")


def test_similarity_does_not_depend_on_how_the_plane_is_cut():
    rng = np.random.default_rng(2)
    first, second = two((300, 700), "uint8", rng)
    window = window_named("uniform")
    alone = similarity(first, second, window, 255, threads=1)
    assert similarity(first, second, window, 255, threads=3) == alone
    assert similarity(first.T, second.T, window, 255) == pytest.approx(alone, abs=1e-13)
