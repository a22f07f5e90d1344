"""A look inside a network: what goes into each layer and comes out, forward and back."""

from __future__ import annotations

import numpy as np

import stripes

CONV = {"type": "conv", "filters": 4, "padding": "same", "activation": "relu"}
INNER = [
    {"type": "sequence", "layers": [CONV, {"type": "batch_norm"}]},
    {"type": "dropout"},
    {"type": "flatten"},
]
NESTED = [
    {"type": "sequence", "layers": [CONV, {"type": "max_pool"}, {"type": "dropout"}]},
    {"type": "sequence", "layers": INNER},
    {"type": "dense"},
]


def test_a_trace_tells_what_goes_into_every_layer_and_comes_out():
    training = stripes.training(NESTED, epochs=1)
    for _ in training.run():
        pass
    model = training.model
    images = stripes.dataset(6, 3).images
    trace = model.trace(images)
    np.testing.assert_allclose(trace.outputs, model.outputs(images), rtol=1e-5)
    numbers = [place.number for place in model.network.places]
    assert numbers == [1, "1.1", "1.2", "1.3", 2, "2.1", "2.1.1", "2.1.2", "2.2", "2.3", 3]
    for place in model.network.places:
        assert trace.input(place.number).shape == (6, *place.input)
        assert trace.output(place.number).shape == (6, *place.output)
    np.testing.assert_array_equal(trace.input("2.1.1"), trace.output("1.3"))
    np.testing.assert_array_equal(trace.output("2.3"), trace.output(2))
    trace.back(np.ones_like(trace.outputs))
    np.testing.assert_array_equal(trace.gradient("2.3"), trace.gradient(2))
    assert trace.gradient("1.1").shape == (6, 8, 8, 4)
