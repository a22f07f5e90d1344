"""Occlusion is what a plain loop over all places finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convcli.errors import UsageError
from convcli.nn.attribution import METHODS, occlusion
from nn.attribution.networks import NETWORKS, made, picture


def looped(model, image, label, patch, stride, fill):
    """Return the map as it is defined: each place by itself, each pixel's mean by itself."""
    (height, width), (rows, columns) = image.shape[:2], patch
    total, count = np.zeros((height, width)), np.zeros((height, width))
    score = model.outputs(image[None])[0, label]
    for top in sorted({*range(0, height - rows, stride[0]), height - rows}):
        for left in sorted({*range(0, width - columns, stride[1]), width - columns}):
            covered = image.copy()
            covered[top : top + rows, left : left + columns] = fill
            total[top : top + rows, left : left + columns] += score - model.outputs(covered[None])[0, label]
            count[top : top + rows, left : left + columns] += 1
    return total / count


CASES = {
    "as it comes": ({}, (2, 3), (1, 1)),
    "patches that touch": ({"patch": 4, "stride": 4}, (4, 4), (4, 4)),
    "a rest at the edges": ({"patch": (5, 3), "stride": (3, 2)}, (5, 3), (3, 2)),
    "pixel by pixel": ({"patch": 1, "stride": 1}, (1, 1), (1, 1)),
    "all of it": ({"patch": (12, 16), "stride": 2}, (12, 16), (2, 2)),
}


@pytest.mark.parametrize(
    ("case", "flips"), [*((case, False) for case in CASES), ("a rest at the edges", True)]
)
def test_it_is_what_a_plain_loop_finds(case, flips):
    options, patch, stride = CASES[case]
    model, image = made(NETWORKS["convolutions and pools"], flips=flips), picture()
    found = occlusion(model, image, "eel", **options)
    expected = looped(model, image, 2, patch, stride, (0, 0, 0))
    assert found.patch == patch
    np.testing.assert_allclose(found.map, expected, atol=1e-6)
    assert found.score == pytest.approx(float(model.outputs(image[None])[0, 2]), rel=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_will_do(name):
    model, image = made(NETWORKS[name]), picture()
    found = occlusion(model, image, 1, patch=4, stride=4)
    np.testing.assert_allclose(found.map, looped(model, image, 1, (4, 4), (4, 4), 0), atol=1e-6)


def test_it_covers_with_what_the_network_sees_as_0_or_with_what_it_is_told():
    model, image = made(NETWORKS["valid"]), picture()
    mean = (0.1, 0.5, 0.999)
    model = replace(model, preprocessing=replace(model.preprocessing, mean=mean))
    assert occlusion(model, image, 0).fill.tolist() == [26, 128, 255]
    for fill in (7, (250, 0, 3.6)):
        found = occlusion(model, image, 0, patch=4, stride=4, fill=fill)
        expected = looped(model, image, 0, (4, 4), (4, 4), np.rint(fill))
        np.testing.assert_allclose(found.map, expected, atol=1e-6)


def test_few_covered_images_are_there_at_a_time(monkeypatch):
    model, image = made(NETWORKS["valid"]), picture()
    whole, seen = occlusion(model, image, 0), []
    monkeypatch.setattr("convcli.nn.attribution.covering.COVERED_BYTES", 5 * image.size)
    outputs = type(model).outputs
    monkeypatch.setattr(type(model), "outputs", lambda *args: seen.append(len(args[1])) or outputs(*args))
    np.testing.assert_allclose(occlusion(model, image, 0).map, whole.map, atol=1e-9)
    assert max(seen) == 5
    assert sum(seen) == 1 + whole.drops.size


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patch": 0}, "patch: expected rows and columns from 1 × 1 to 12 × 16, found 0"),
        ({"patch": (3, 17)}, r"found \(3, 17\)"),
        ({"patch": 2.5}, "found 2.5"),
        ({"patch": (1, 2, 3)}, "patch: expected"),
        ({"patch": 3, "stride": 4}, "stride: expected rows and columns from 1 × 1 to 3 × 3"),
        ({"fill": 256}, "fill: expected a level from 0 to 255, or one for each of 3 channels, found 256"),
        ({"fill": float("nan")}, "found nan"),
        ({"fill": (1, 2)}, "fill: expected"),
    ],
)
def test_sizes_and_levels_that_do_not_fit_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        occlusion(made(NETWORKS["valid"]), picture(), **options)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_tells_why_by_each_method(method):
    model, image = made(NETWORKS["valid"], size=(12, 16, 1)), picture(size=(12, 16))
    found = model.why(image, "dog", method=method)
    np.testing.assert_array_equal(found, METHODS[method](model, image[:, :, None], 1).map)
    assert (found.shape, found.dtype) == ((12, 16), np.float64)
    larger = np.kron(image, np.ones((2, 2), np.uint8))
    assert model.why(larger, "dog", method=method).shape == (12, 16)


def test_a_method_that_there_is_not_is_said_to_be_none():
    with pytest.raises(UsageError, match=r"Unknown method 'gradcam'\. Did you mean 'grad_cam'"):
        made(NETWORKS["valid"]).why(picture(), method="gradcam")
