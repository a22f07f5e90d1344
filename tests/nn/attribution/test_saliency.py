"""The gradient of a score is PyTorch's, for networks of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.nn.attribution import gradient
from nn.attribution.networks import CLASSES, NETWORKS, made, picture, pixels_of, twin


@pytest.mark.parametrize("flips", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_pytorchs(name, flips):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    model, image = made(NETWORKS[name], flips=flips), picture()
    net, x = twin(torch, model), pixels_of(torch, image).requires_grad_()
    outputs = (net(x) + net(x.flip(3))) / 2 if flips else net(x)
    for label in range(len(CLASSES)):
        (theirs,) = torch.autograd.grad(outputs[0, label], x, retain_graph=True)
        expected = theirs[0].permute(1, 2, 0).numpy()
        found = gradient(model, image, label)
        scale = np.abs(expected).max()
        assert scale > 0
        np.testing.assert_allclose(found.pixels, expected, rtol=0, atol=1e-6 * scale)
        np.testing.assert_array_equal(found.map, np.abs(found.pixels).max(2))
        assert found.score == pytest.approx(outputs[0, label].item(), rel=1e-6, abs=1e-7)


def test_it_is_told_in_levels_whatever_the_preprocessing():
    from dataclasses import replace

    model, image = made(NETWORKS["dense alone"]), picture()
    coloured = replace(model.preprocessing, mean=(0.1, 0.5, 0.2), deviation=(0.2, 0.5, 2.0))
    model = replace(model, preprocessing=coloured)
    found = gradient(model, image, "dog")
    for channel in range(3):
        # tanh bends: two levels apart around the pixel
        images = np.stack([image, image])
        images[:, 4, 5, channel] = (100, 102)
        middle = images[0].copy()
        middle[4, 5, channel] = 101
        low, high = model.outputs(images)[:, 1].astype(float)
        slope = gradient(model, middle, "dog").pixels[4, 5, channel]
        assert (high - low) / 2 == pytest.approx(slope, rel=1e-3)
    assert found.pixels.shape == (12, 16, 3)


def test_the_gradient_of_a_mirror_image_is_the_mirrored_one_where_outputs_are_means_of_both():
    model, image = made(NETWORKS["convolutions and pools"], flips=True), picture()
    one, other = gradient(model, image, 2), gradient(model, image[:, ::-1], 2)
    np.testing.assert_allclose(one.pixels, other.pixels[:, ::-1], atol=1e-12)
