"""Grad-CAM is what hooks of PyTorch make of the same network, and lies where its cells look."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import ShapeError, UsageError
from convcli.nn.attribution import grad_cam, grad_cams, plane_of
from nn.attribution.networks import CLASSES, CONV, END, NETWORKS, made, picture, pixels_of, twin

LAYERS = {
    "convolutions and pools": 4,
    "valid": 1,
    "batch_norm": 7,
    "a residual": 2,
    "branches": 3,
    "all in one row": "1.3",
    "down and up": 4,
    "repeated": 3,
}
"""The last with a plane that all goes through, and its number."""


def hooked(torch, model, image, label, number):
    """Return the weights and relu(Σ α A) of an outer layer, as those do who use PyTorch."""
    net, kept = twin(torch, model), {}
    module = net[number]
    module.register_forward_hook(lambda _, __, output: kept.update(maps=output))
    module.register_full_backward_hook(lambda _, __, slopes: kept.update(slopes=slopes[0]))
    net(pixels_of(torch, image).requires_grad_())[0, label].backward()
    weights = kept["slopes"].mean((2, 3))
    plane = torch.relu((weights[:, :, None, None] * kept["maps"]).sum(1))
    return weights[0].numpy(), plane[0].detach()


def test_the_layer_taken_is_the_last_with_a_plane_that_all_goes_through():
    assert set(LAYERS) == set(NETWORKS) - {"dense alone"}
    for name, number in LAYERS.items():
        assert str(plane_of(made(NETWORKS[name]).network).number) == str(number), name


@pytest.mark.parametrize("label", range(2))
@pytest.mark.parametrize("name", [name for name, number in LAYERS.items() if isinstance(number, int)])
def test_it_is_what_hooks_of_pytorch_make(name, label):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    model, image, number = made(NETWORKS[name]), picture(), LAYERS[name]
    weights, plane = hooked(torch, model, image, label, number)
    found = grad_cam(model, image, label)
    np.testing.assert_allclose(found.weights, weights, rtol=0, atol=1e-6 * np.abs(weights).max())
    largest = np.abs(found.sums).max()
    np.testing.assert_allclose(np.maximum(found.sums, 0), plane.numpy(), rtol=0, atol=1e-6 * largest)


@pytest.mark.parametrize("name", ["convolutions and pools", "down and up", "batch_norm"])
def test_where_cells_part_the_image_evenly_it_is_resized_as_pytorch_does(name):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    model, image = made(NETWORKS[name]), picture()
    found = grad_cam(model, image, 1)
    plane = torch.tensor(np.maximum(found.sums, 0))[None, None]
    theirs = torch.nn.functional.interpolate(plane, (12, 16), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(found.map, theirs[0, 0].numpy(), atol=1e-12)


def test_elsewhere_it_is_interpolated_between_the_middles_of_what_cells_see():
    interpolate = pytest.importorskip("scipy.interpolate")
    model, image = made(NETWORKS["valid"]), picture()
    found = grad_cam(model, image, 0)
    # 5 × 3 cells of the kernel, unpadded, with a stride of 2 down: the first sees rows 0–4 and columns 0–2
    rows, columns = 2 + 2 * np.arange(4), 1 + np.arange(14)
    spread = interpolate.RegularGridInterpolator((rows, columns), np.maximum(found.sums, 0))
    down, across = np.meshgrid(np.arange(12).clip(2, 8), np.arange(16).clip(1, 14), indexing="ij")
    np.testing.assert_allclose(found.map, spread((down, across)), atol=1e-12)


def test_before_a_mean_over_the_plane_the_maps_add_up_to_the_score():
    """There α_k is w_k over the number of cells, and Σ α_k A_k over all cells what a dense layer adds."""
    model, image = made(NETWORKS["batch_norm"]), picture()
    found, last = grad_cam(model, image, "fox"), model.weights.arrays.at(9)
    np.testing.assert_allclose(found.weights, last["W"][:, 3] / found.sums.size, rtol=1e-6)
    assert found.sums.sum() + last["b"][3] == pytest.approx(found.score, rel=1e-9)


def test_without_a_class_it_is_that_of_the_predicted_one():
    model, image = made(NETWORKS["a residual"]), picture()
    label = int(model.outputs(image[None]).argmax())
    assert grad_cam(model, image).label == label == grad_cam(model, image, CLASSES[label]).label


def test_many_images_have_the_maps_that_each_has_alone(monkeypatch):
    monkeypatch.setattr("convcli.nn.cutting.PIECE_RANGE", (2, 2))  # images that go through together
    model, images = made(NETWORKS["branches"]), np.stack([picture(seed) for seed in range(5)])
    together = grad_cams(model, images, [0, 1, 2, 3, 0])
    for cam, image in zip(together, images, strict=True):
        alone = grad_cam(model, image, cam.label)
        np.testing.assert_allclose(cam.map, alone.map, atol=1e-12)
        assert cam.score == pytest.approx(alone.score)


@pytest.mark.parametrize("number", [1, "1", "2.1", "2.2.1", 2])
def test_any_layer_with_a_plane_may_be_asked_for_also_within_a_branch(number):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    model, image = made(NETWORKS["branches"]), picture()
    found = grad_cam(model, image, 1, layer=number)
    assert found.map.shape == (12, 16)
    assert found.map.min() >= 0
    if "." not in str(number):
        weights, _ = hooked(torch, model, image, 1, int(number))
        np.testing.assert_allclose(found.weights, weights, rtol=0, atol=1e-6 * np.abs(weights).max())


def test_the_map_of_a_mirror_image_is_the_mirrored_one_where_outputs_are_means_of_both():
    for name in ("convolutions and pools", "valid"):
        plain, model, image = made(NETWORKS[name]), made(NETWORKS[name], flips=True), picture()
        one, other = grad_cam(model, image, 1), grad_cam(model, image[:, ::-1], 1)
        np.testing.assert_allclose(one.map, other.map[:, ::-1], atol=1e-12)
        assert one.score == pytest.approx(float(model.outputs(image[None])[0, 1]), rel=1e-6)
        halves = grad_cam(plain, image, 1).map, grad_cam(plain, image[:, ::-1], 1).map[:, ::-1]
        np.testing.assert_allclose(one.map, sum(halves) / 2, atol=1e-12)


def test_networks_without_a_plane_say_what_they_lack():
    with pytest.raises(ShapeError, match="no number has a place in the image"):
        grad_cam(made(NETWORKS["dense alone"]), picture())
    single = [{"type": "conv", "filters": 4, "kernel": [12, 16]}, *END]
    with pytest.raises(ShapeError, match="gives a plane of cells"):
        grad_cam(made(single), picture())


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (9, "no layer 9: the network has layers 1 to 6"),
        ("2.1", "no layer 2.1"),
        (6, "layer 6, dense, gives 4"),
        ("1" * 500, "no layer 1{79}…"),
    ],
)
def test_layers_that_will_not_do_are_refused(layer, words):
    with pytest.raises(UsageError, match=words):
        grad_cam(made(NETWORKS["convolutions and pools"]), picture(), layer=layer)


@pytest.mark.parametrize("target", ["cart", 4, -1])
def test_there_has_to_be_such_a_class(target):
    with pytest.raises(UsageError, match=r"class 'cart'. Did you mean 'cat'|There is no class -?\d"):
        grad_cam(made([CONV, *END]), picture(), target)
