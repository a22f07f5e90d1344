"""Morphology, medians and ranks as steps, against SciPy, OpenCV and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.errors import ConvcliError
from convcli.filtering import Policy, apply
from convcli.filtering.steps.parsing import step_of
from convcli.filtering.steps.ranks import Footprinted

RNG = np.random.default_rng(21)

SCIPY = {
    "reflect": "mirror",
    "symmetric": "reflect",
    "edge": "nearest",
    "wrap": "grid-wrap",
    "zero": "constant",
    "constant": "constant",
}
"""SciPy's names of the borders."""
MORPHOLOGY = {
    "erode": "grey_erosion",
    "dilate": "grey_dilation",
    "open": "grey_opening",
    "close": "grey_closing",
    "top_hat": "white_tophat",
    "black_hat": "black_tophat",
    "morphological_gradient": "morphological_gradient",
}


def made(pixels, *texts, alpha=None, **options):
    return apply(pixels, [step_of(text) for text in texts], Policy(**options), opacity=alpha).pixels


def cells_of(text):
    step = step_of(text)
    assert isinstance(step, Footprinted)
    return step.cells


@pytest.mark.parametrize("border", SCIPY)
@pytest.mark.parametrize("name", MORPHOLOGY)
def test_morphology_is_scipys_at_every_border(name, border):
    fill = 60 if border == "constant" else 0
    for shape in ((1, 1), (5, 4), (40, 33)):
        pixels = RNG.integers(0, 256, shape, np.uint8)
        for footprint in ("size=3", "size=5x3", "size=9,shape=disk", "size=7,shape=cross", "size=31"):
            step = f"{name}:{footprint},border={border},fill={fill}"
            cells = cells_of(step)
            theirs = getattr(ndimage, MORPHOLOGY[name])(
                pixels.astype(float), footprint=cells, mode=SCIPY[border], cval=fill
            )
            np.testing.assert_array_equal(made(pixels, step, range="raw"), theirs)


@pytest.mark.parametrize("name", ["erode", "dilate", "open", "close"])
def test_footprints_that_are_not_symmetric_are_turned_for_dilation_as_scipys_are(name):
    pixels = RNG.integers(0, 256, (30, 31), np.uint8)
    cells = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0]])
    step = f"{name}:footprint=0 1 1; 1 0 0; 1 1 0,border=edge"
    theirs = getattr(ndimage, MORPHOLOGY[name])(pixels, footprint=cells, mode="nearest")
    np.testing.assert_array_equal(made(pixels, step), theirs)


@pytest.mark.parametrize("size", ["2", "4x3", "6"])
def test_even_footprints_open_and_close_idempotently_and_never_beyond_the_picture(size):
    pixels = RNG.integers(0, 256, (30, 31), np.uint8)
    opened, closed = made(pixels, f"open:size={size}"), made(pixels, f"close:size={size}")
    assert (opened <= pixels).all()
    assert (closed >= pixels).all()
    np.testing.assert_array_equal(made(opened, f"open:size={size}"), opened)
    np.testing.assert_array_equal(made(closed, f"close:size={size}"), closed)
    rows, _, columns = size.partition("x")
    window = int(rows), int(columns or rows)
    anchor = ",".join(str(n // 2) for n in window)
    theirs = ndimage.grey_erosion(pixels, size=window, mode="nearest")
    np.testing.assert_array_equal(made(pixels, f"erode:size={size},anchor={anchor},border=edge"), theirs)


def test_by_default_nothing_outside_counts_as_in_opencv_and_scikit_image():
    cv2, morphology = pytest.importorskip("cv2"), pytest.importorskip("skimage.morphology")
    pixels = RNG.integers(0, 256, (30, 31, 3), np.uint8)
    for name, shape in (
        ("square", cv2.MORPH_RECT),
        ("ellipse", cv2.MORPH_ELLIPSE),
        ("cross", cv2.MORPH_CROSS),
    ):
        for size in (3, 7, 40):
            element = cv2.getStructuringElement(shape, (size, size))
            for step in ("erode", "dilate"):
                ours = made(pixels, f"{step}:size={size},shape={name},anchor={size // 2},{size // 2}")
                if step == "dilate" and size % 2 == 0:  # OpenCV does not turn the footprint
                    continue
                np.testing.assert_array_equal(ours, getattr(cv2, step)(pixels, element))
    plane, cells = pixels[:, :, 0], np.array([[0, 1, 1], [0, 1, 0], [0, 0, 0]], np.uint8)
    theirs = morphology.erosion(plane, cells, mode="ignore")
    np.testing.assert_array_equal(made(plane, "erode:footprint=0 1 1; 0 1 0; 0 0 0"), theirs)
    other = made(plane, "erode:footprint=0 1 1; 0 1 0; 0 0 0,border=wrap")
    np.testing.assert_array_equal(made(plane, "erode:footprint=0 1 1; 0 1 0; 0 0 0", border="wrap"), other)


@pytest.mark.parametrize("border", SCIPY)
def test_medians_and_ranks_are_scipys_at_every_border(border):
    fill = 60 if border == "constant" else 0
    around = f"border={border},fill={fill}"
    theirs = {"mode": SCIPY[border], "cval": fill}
    for shape in ((1, 1), (5, 4), (40, 33)):
        for dtype in (np.uint8, np.uint16, np.float32):
            pixels = (RNG.random(shape) * 255).astype(dtype)
            for size in (3, 4, 5, 15):
                anchor = f"anchor={size // 2},{size // 2}"
                ours = made(pixels, f"median:size={size},{anchor},{around}")
                np.testing.assert_array_equal(ours, ndimage.median_filter(pixels, size, **theirs))
            ours = made(pixels, f"rank:size=3x5,rank=-4,{around}")
            np.testing.assert_array_equal(ours, ndimage.rank_filter(pixels, -4, (3, 5), **theirs))
            disk = cells_of("median:size=5,shape=disk")
            ours = made(pixels, f"rank:size=5,shape=disk,percentile=30,{around}")
            expected = ndimage.percentile_filter(pixels, 30, footprint=disk, **theirs)
            np.testing.assert_array_equal(ours, expected)


def test_a_chain_is_computed_in_bands_without_a_seam():
    pixels = RNG.integers(0, 256, (900, 700), np.uint8)
    theirs = ndimage.grey_opening(
        ndimage.median_filter(pixels, 5, mode="mirror"), size=(31, 31), mode="mirror"
    )
    np.testing.assert_array_equal(made(pixels, "median:size=5", "open:size=31"), theirs)


def test_what_is_transparent_or_no_data_has_no_say():
    pixels = RNG.integers(0, 100, (20, 21), np.uint8)
    hole = np.zeros((20, 21), bool)
    hole[5:9, 5:9] = True
    values = np.where(hole, 255, pixels).astype(float)
    alpha = np.where(hole, 0, 255).astype(np.uint8)
    seen = np.where(hole, np.nan, values)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(seen, 1, mode="reflect"), (3, 3))
    windows = windows.reshape(20, 21, 9)
    counts = np.isfinite(windows).sum(axis=2)
    ranks = np.sort(windows, axis=2)
    expected = {
        "median:size=3": np.take_along_axis(ranks, (counts // 2)[:, :, None], 2)[:, :, 0],
        "dilate:size=3": np.take_along_axis(ranks, np.maximum(counts - 1, 0)[:, :, None], 2)[:, :, 0],
        "rank:rank=0": ranks[:, :, 0],
    }
    some = counts > 0
    for step, result in expected.items():
        found = apply(values.astype(np.uint8), [step_of(step)], Policy(), opacity=alpha)
        np.testing.assert_array_equal(found.pixels[some], result[some])
        np.testing.assert_array_equal(found.alpha, alpha)
        filled = apply(values.astype(np.uint8), [step_of(step)], Policy(nodata=(255,)))
        np.testing.assert_array_equal(filled.pixels[some], result[some])
        assert (filled.pixels[~some] == 255).all()
        assert filled.found.blank == (~some).sum()


@pytest.mark.parametrize("name", ["top_hat", "black_hat", "morphological_gradient"])
def test_a_difference_is_hidden_where_either_is(name):
    pixels = RNG.integers(0, 100, (20, 21), np.uint8)
    pixels[5:9, 5:9] = 255
    found = apply(pixels, [step_of(f"{name}:size=3")], Policy(nodata=(255,))).pixels
    assert (found[pixels < 255] < 100).all()  # the 255 has no say
    if name != "morphological_gradient":  # of which the window alone decides
        assert (found[pixels == 255] == 255).all()
    alpha = np.where(pixels == 255, 0, 255).astype(np.uint8)
    clear = apply(pixels, [step_of(f"{name}:size=3")], Policy(), opacity=alpha)
    np.testing.assert_array_equal(clear.alpha, alpha)
    assert (clear.pixels[alpha > 0] < 100).all()


def test_alpha_is_eroded_and_dilated_where_it_is_filtered():
    pixels, alpha = np.full((9, 9), 100, np.uint8), np.zeros((9, 9), np.uint8)
    alpha[4, 4] = 200
    grown = apply(pixels, [step_of("dilate:size=3")], Policy(alpha="filter"), opacity=alpha)
    expected = np.zeros((9, 9), np.uint8)
    expected[3:6, 3:6] = 200
    np.testing.assert_array_equal(grown.alpha, expected)
    np.testing.assert_array_equal(grown.pixels[3:6, 3:6], 100)


def test_a_window_outside_the_picture_leaves_the_pixel_as_it_is():
    pixels = RNG.integers(0, 256, (1, 5), np.uint8)
    np.testing.assert_array_equal(made(pixels, "erode:footprint=0 0 1"), [[*pixels[0, 1:], pixels[0, -1]]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("erode:size=0", "size"),
        ("erode:footprint=0 2; 1 1", "0 and 1, found 2"),
        ("erode:footprint=0 0; 0 0", "at least one 1"),
        ("erode:footprint=1 1,size=3", "leave those out"),
        ("erode:size=3,anchor=3,0", "row 0 to 2"),
        ("erode:border=ignored", "ignore"),
        ("rank", "rank, a number, or percentile"),
        ("rank:rank=1,percentile=3", "one of the two"),
        ("rank:rank=9", "0 to 8"),
        ("rank:percentile=101", "0 to 100"),
        ("median:shape=round", "shape"),
    ],
)
def test_what_cannot_be_is_refused_in_words(text, said):
    with pytest.raises(ConvcliError, match=said):
        step_of(text)


def test_a_window_far_beyond_a_picture_is_refused():
    with pytest.raises(ConvcliError, match="8001 × 8001 is too large for a picture of 5000 × 5000"):
        made(np.zeros((5000, 5000), np.uint8), "median:size=8001")


def test_a_footprint_is_recorded_and_written_as_it_was_given(tmp_path):
    file = tmp_path / "cells.txt"
    file.write_text("0 1\n1 1\n")
    step = step_of(f"erode:footprint=@{file}")
    assert step.record()["footprint"] == [[0, 1], [1, 1]]
    assert step_of(step.text).record() == step.record()
    table = step_of("median:footprint=1 0 1").document()
    assert table == {"type": "median", "footprint": "1 0 1"}
