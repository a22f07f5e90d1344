"""Learned kernels: as kernels for photos, and what they are said to be like."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.plane.filter import filter2d
from convcli.errors import KernelError
from convcli.kernels import KERNELS, centred, kernel, named
from convcli.kernels.learned import chance, fitting, learned, nearest

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(3, 3), (4, 4), (5, 5), (4, 7), (6, 3)])
@pytest.mark.parametrize("name", ["sobel-x", "roberts-x", "motion:3"])
def test_a_kernel_in_the_middle_of_a_larger_window_gives_the_same_result(name, size):
    small = kernel("motion", size=3) if name == "motion:3" else kernel(name)
    plane = RNG.standard_normal((9, 11))
    expected = filter2d(plane, small, border="zero")
    np.testing.assert_allclose(filter2d(plane, centred(small, size), border="zero"), expected, atol=1e-12)


def test_one_channel_of_a_filter_is_a_kernel():
    weights = RNG.standard_normal((3, 5, 2, 4)).astype(np.float32)
    one = learned(weights, 3, 1, name="run-layer1-filter4-channel2", source="run:run#1/4/2")
    np.testing.assert_array_equal(one.weights, weights[:, :, 1, 3])
    assert (one.combine, one.name, one.source) == ("single", "run-layer1-filter4-channel2", "run:run#1/4/2")


def test_all_channels_of_a_filter_are_the_parts_of_a_volume():
    weights = RNG.standard_normal((3, 3, 3, 4)).astype(np.float32)
    volume = learned(weights, 2, None, name="run", source="")
    assert volume.combine == "volume"
    np.testing.assert_array_equal(volume.weights, np.moveaxis(weights[..., 2], 2, 0))
    assert learned(weights[:, :, :1], 2, None, name="run", source="").combine == "single"


def test_weights_that_are_no_numbers_are_refused_by_name():
    with pytest.raises(KernelError, match="run-layer1-filter1: row 1, column 1: expected a finite number"):
        learned(np.full((3, 3, 1, 1), np.nan), 0, None, name="run-layer1-filter1", source="")


@pytest.mark.parametrize("factor", [1, -1, 0.003, -700])
@pytest.mark.parametrize("name", ["sobel-x", "laplacian", "identity", "kirsch-ne", "emboss"])
def test_a_multiple_of_a_named_kernel_is_found_whatever_sign_and_scale(name, factor):
    match = nearest(factor * kernel(name)[None])[0]
    assert match.kernel.name == name
    assert match.cosine == pytest.approx(np.sign(factor))


def test_the_cosine_is_that_of_the_angle_between_the_numbers():
    match = nearest(np.array([[[1.0, 1, 1], [0, 0, 0], [-1, -1, -2]]]))[0]
    assert match.kernel.name == "prewitt-y"
    assert match.cosine == pytest.approx(-7 / (np.sqrt(6) * np.sqrt(9)))


def test_the_nearest_is_nearer_than_every_other_kernel_that_fits():
    weights = RNG.standard_normal((20, 3, 3))
    for one, match in zip(weights, nearest(weights), strict=True):
        cosines = [
            abs((one * other.parts[0]).sum()) / np.linalg.norm(one) / np.linalg.norm(other.parts[0])
            for other in fitting((3, 3))
        ]
        assert abs(match.cosine) == pytest.approx(max(cosines))


def test_smaller_kernels_count_in_the_middle_and_larger_ones_not_at_all():
    assert nearest(centred(kernel("sobel-y"), (5, 5))[None])[0].kernel.name == "sobel-y"
    names = {other.name for other in fitting((3, 3))}
    assert {"roberts-x", "gaussian", "box"} <= names
    assert not {"farid-x", "gabor", "log"} & names
    assert all(other.shape == (3, 3) for other in fitting((3, 3)))


def test_kernels_that_have_a_size_get_the_windows():
    blur = named("gaussian", sigma=1, size=7)
    match = nearest(blur.weights[None])[0]
    assert (match.kernel.name, dict(match.kernel.parameters)) == ("gaussian", {"sigma": 1.0, "size": 7})


def test_the_parts_of_every_kernel_of_several_parts_have_names_of_their_own():
    single = [named(name) for name, one in KERNELS.items() if one.combine == "single"]
    for name, one in KERNELS.items():
        for part in named(name).parts if one.combine != "single" else ():
            assert any(np.array_equal(part, other.parts[0]) for other in single), name


def test_a_kernel_of_zeros_is_like_none():
    assert nearest(np.zeros((1, 3, 3)))[0].cosine == 0


def test_chance_is_what_random_kernels_come_to():
    drawn = np.random.default_rng(5).standard_normal((3000, 3, 3))
    found = np.abs([match.cosine for match in nearest(drawn)])
    assert chance((3, 3)) == pytest.approx(found.mean(), abs=4 * found.std() * np.sqrt(1 / 3000 + 1 / 1000))
    assert chance((1, 1)) == pytest.approx(1)
