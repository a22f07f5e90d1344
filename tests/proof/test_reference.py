"""The slow loops themselves, by hand and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, signal

from convcli.engine.plane.borders import BORDERS
from convcli.errors import UnknownNameError
from convcli.proof import reference
from convcli.shapes import Window
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow


def test_convolution_by_hand():
    """The 6×6 image with an edge, and the vertical edge kernel, of every course."""
    x = np.repeat([[10.0, 10, 10, 0, 0, 0]], 6, axis=0).reshape(1, 6, 6, 1)
    w = np.array([[1.0, 0, -1]] * 3).reshape(3, 3, 1, 1)
    y = reference.conv2d(x, w, np.array([0.5]), Window.of(3))
    assert y[0, :, :, 0].tolist() == [[0.5, 30.5, 30.5, 0.5]] * 4


def test_convolution_is_scipys_correlation_summed_over_channels():
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((1, 6, 7, 2)), rng.standard_normal((3, 2, 2, 3)), rng.standard_normal(3)
    y = reference.conv2d(x, w, b, Window.of((3, 2)))
    for kernel in range(3):
        planes = [signal.correlate2d(x[0, :, :, c], w[:, :, c, kernel], "valid") for c in range(2)]
        np.testing.assert_allclose(y[0, :, :, kernel], sum(planes) + b[kernel])


def test_gradients_by_hand():
    x, w = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1), np.array([[5.0, 6]]).reshape(1, 2, 1, 1)
    dy = np.array([1.0, 10]).reshape(1, 2, 1, 1)
    dx, dw, db = reference.conv2d_backward(dy, x, w, Window.of((1, 2)))
    assert dx[0, :, :, 0].tolist() == [[5, 6], [50, 60]]
    assert dw.ravel().tolist() == [1 + 30, 2 + 40]
    assert db.tolist() == [11]


def test_pools_by_hand():
    x = np.array([[1.0, 7, 7], [3, 7, 0]]).reshape(1, 2, 3, 1)
    window = PoolWindow.of(2, stride=1)
    assert reference.max_pool2d(x, window).ravel().tolist() == [7, 7]
    assert reference.avg_pool2d(x, window).ravel().tolist() == [4.5, 5.25]
    dy = np.array([1.0, 10]).reshape(1, 1, 2, 1)
    assert reference.max_pool2d_backward(dy, x, window)[0, :, :, 0].tolist() == [[0, 11, 0], [0, 0, 0]]
    assert reference.avg_pool2d_backward(dy, x, window)[0, 0, :, 0].tolist() == [0.25, 2.75, 2.5]


def test_padded_and_adaptive_pools_by_hand():
    x = np.array([-1.0, -2, -3, -4]).reshape(1, 1, 4, 1)
    window = PoolWindow.of(
        (1, 3), stride=(1, 2), padding=(0, 1), ceil_mode=True
    )  # · −1 −2 −3 −4 · and one over
    assert reference.max_pool2d(x, window).ravel().tolist() == [-1, -2, -4]
    assert reference.avg_pool2d(x, window).ravel().tolist() == [-1, -3, -2]
    assert reference.avg_pool2d(x, window, False).ravel().tolist() == [-1.5, -3, -4]
    dy = np.array([3.0, 30, 2]).reshape(1, 1, 3, 1)
    assert reference.avg_pool2d_backward(dy, x, window).ravel().tolist() == [1, 11, 10, 11]
    thirds = AdaptiveWindow.of((1, 3))  # −1 −2, −2 −3, −3 −4
    assert reference.avg_pool2d(x, thirds).ravel().tolist() == [-1.5, -2.5, -3.5]
    assert reference.max_pool2d_backward(dy, x, thirds).ravel().tolist() == [3, 30, 2, 0]


@pytest.mark.parametrize("border", BORDERS)
def test_filtering_is_scipys(border):
    modes = {"reflect": "mirror", "symmetric": "reflect", "edge": "nearest", "wrap": "grid-wrap"}
    rng = np.random.default_rng(0)
    plane, kernel = rng.standard_normal((4, 5)), rng.standard_normal((7, 9))
    cval = 0.7 if border == "constant" else 0.0
    expected = ndimage.correlate(plane, kernel, mode=modes.get(border, "constant"), cval=cval)
    found = reference.filter2d(plane, kernel, Window.of((7, 9), padding="same"), border, 0.7)
    np.testing.assert_allclose(found, expected)


def test_results_are_float64_whatever_comes_in():
    x, w, b = (np.ones(shape, np.float32) for shape in ((1, 4, 4, 1), (3, 3, 1, 2), (2,)))
    assert reference.conv2d(x, w, b, Window.of(3)).dtype == np.float64


def test_an_unknown_border_is_named():
    with pytest.raises(UnknownNameError, match=r"Unknown border 'reflct'\. Did you mean 'reflect'"):
        reference.border_cell(-1, 3, "reflct")
