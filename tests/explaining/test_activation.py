"""Activations: their slopes, their kinks, and PyTorch's word on their values."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convcli.errors import UsageError
from convcli.explaining.network import example, line_detector
from convcli.nn.activations import ACTIVATIONS
from explaining.cases import made
from explaining.test_topics import formulas, typed


@pytest.mark.parametrize("name", [name for name, kind in ACTIVATIONS.items() if kind().elementwise])
def test_every_activation_has_its_slope_and_its_kinks_are_left_out_of_the_check(name):
    shown = made("activation", input="-3 -1 -.5 0 .25 1 5 6 7", activation=name)
    z, slopes = np.array(shown.data["Z"])[0], np.array(shown.data["g_prime"])[0]
    h, g = 1e-7, ACTIVATIONS[name]()
    before, after = (
        np.array(made("activation", input=typed(moved[None, :, None]), activation=name).data["A"])[0]
        for moved in (z - h, z + h)
    )
    smooth = ~np.isin(z, g.kinks)
    np.testing.assert_allclose(slopes[smooth], ((after - before) / (2 * h))[smooth], atol=1e-7)
    left_out = [text for text in formulas(shown.steps[3]) if text.startswith("left out")]
    assert len(left_out) == bool(g.kinks)


def test_activations_are_the_functions_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    values = made("activation", input="-3 -1 0 .5 2").steps[4].data["values"]
    z = torch.tensor(values.pop("z"), dtype=torch.float64)
    functional = torch.nn.functional
    theirs = {"none": lambda z: z, "clip": functional.relu6}
    for name, ours in values.items():
        function = theirs.get(name) or getattr(functional, name)
        np.testing.assert_allclose(ours, function(z).numpy(), atol=1e-12)


def test_an_activation_of_a_trained_network_is_shown_where_it_is_applied(tmp_path):
    Image.fromarray(example()[:, :, 0]).save(tmp_path / "stroke.png")
    trained = {"model": line_detector(), "image": tmp_path / "stroke.png"}
    shown = made("activation", **trained, channel=3).document()
    assert (shown["layer"], shown["channel"], shown["activation"]) == (1, 3, "relu")
    layer = made("layer", **trained, filter=3).document()
    np.testing.assert_allclose(shown["Z"], layer["Z"][2], atol=1e-6)
    assert made("activation", **trained, activation="tanh").data["activation"] == "tanh"
    flat = made("activation", **trained, layer="4").document()
    assert np.shape(flat["Z"]) == (1, 4)
    with pytest.raises(UsageError, match="layer 4 gives 4 numbers without rows"):
        made("activation", **trained, layer="4", channel=2)
    with pytest.raises(UsageError, match="It has a topic of its own: explain softmax"):
        made("activation", activation="softmax")
