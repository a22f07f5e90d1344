"""Where layers stand in a network: each has its number, and what does not fit is named by it."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import ConfigError
from convcli.nn.layers import (
    ActivationLayer,
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    MaxPool,
    Residual,
    Sequence,
    Upsample,
)
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights


def test_a_layer_is_followed_by_those_in_it_and_knows_which_it_stands_in():
    inner = Sequence(layers=(Residual(layers=(ActivationLayer(),)), Flatten()))
    network = Network([Conv(filters=2), inner, Dense(units=2)], (6, 6, 1))
    assert [(place.number, place.within, place.name) for place in network.places] == [
        (1, None, "[[layers]] 1 (conv)"),
        (2, None, "[[layers]] 2 (sequence)"),
        ("2.1", 2, "[[layers]] 2 → inside 1 (residual)"),
        ("2.1.1", "2.1", "[[layers]] 2 → inside 1 → inside 1 (activation)"),
        ("2.2", 2, "[[layers]] 2 → inside 2 (flatten)"),
        (3, None, "[[layers]] 3 (dense)"),
    ]
    assert all(network.place(place.number) is place for place in network.places)


def test_a_layer_that_shrinks_to_nothing_is_named_with_its_input_and_the_remedy():
    layers = [Conv(filters=4), MaxPool(), MaxPool(), Conv(filters=8, kernel=5), Flatten(), Dense(units=2)]
    with pytest.raises(ConfigError) as caught:
        Network(layers, (10, 12, 1))
    assert str(caught.value) == (
        "[[layers]] 4 (conv) cannot take its input of 2 × 2 × 4. A window spanning 5 cells does not fit "
        "2 cells with padding 0 + 0: use a smaller window, a larger input, or padding of at least 3 in all."
    )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Dense(units=2)], r"\[\[layers\]\] 1 \(dense\) .* 6 × 6 × 2\. .* put a flatten layer before it"),
        (
            [Flatten(), Conv(filters=1)],
            r"\[\[layers\]\] 2 \(conv\) .* input of 72\. .* put it before flatten",
        ),
        ([Conv(filters=4, groups=4)], r"\[\[layers\]\] 1 \(conv\) .* does not divide the input's 2 channels"),
        ([Flatten(), Dense(), Dense(units=2)], r"\[\[layers\]\] 2 \(dense\) .* dense needs `units`"),
    ],
)
def test_a_layer_that_does_not_fit_is_named(layers, message):
    with pytest.raises(ConfigError, match=message):
        Network(layers, (6, 6, 2))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Conv(filters=10**18), r"\[\[layers\]\] 1 \(conv\) .* would have 19,000,000,000,000,000,000 weights"),
        (Conv(filters=1, padding=10**6), r"would have 4,000,024,000,036 outputs for each image"),
    ],
)
def test_what_no_memory_would_hold_is_refused(layer, message):
    with pytest.raises(ConfigError, match=message):
        Network([layer], (8, 8, 2))


def test_the_innermost_layer_is_named_that_does_not_fit():
    layers = [
        Conv(filters=2),
        Sequence(layers=(Flatten(), Sequence(layers=(Dense(units=4), Conv(filters=1))))),
    ]
    with pytest.raises(ConfigError) as caught:
        Network(layers, (6, 6, 1))
    assert str(caught.value).startswith(
        "[[layers]] 2 → inside 2 → inside 2 (conv) cannot take its input of 4. conv needs a volume"
    )


def test_receptive_fields_go_through_containers():
    flat = Network([Conv(filters=2), MaxPool(), Conv(filters=2, kernel=5)], (20, 20, 1))
    inner = Sequence(layers=(MaxPool(), Conv(filters=2, kernel=5)))
    nested = Network([Conv(filters=2), inner], (20, 20, 1))
    assert [place.field for place in nested.places] == [
        flat.places[0].field,
        flat.places[2].field,
        *(place.field for place in flat.places[1:]),
    ]


def test_a_cell_sees_what_its_receptive_field_says():
    block = Residual(layers=(Conv(filters=2, padding="same"), Conv(filters=2, kernel=5, padding="same")))
    network = Network([Conv(filters=2), block, AvgPool()], (16, 18, 1))
    rng = np.random.default_rng(0)
    weights, tape = NetworkWeights.initial(network, rng, np.float64), network.tape()
    tape.input_gradient = True
    tape.add_to(network.trained.views(np.zeros_like(weights.trained)))
    dy = np.zeros_like(network.forward(rng.standard_normal((1, 16, 18, 1)), weights, tape))
    dy[0, 3, 4] = 1
    seen = np.argwhere(network.backward(dy, weights, tape)[0, :, :, 0])
    field = network.places[-1].field
    first = np.array(field.start) + np.array(field.jump) * (3, 4)
    np.testing.assert_array_equal(seen.min(0), first)
    np.testing.assert_array_equal(seen.max(0), first + field.size - 1)
    assert len(seen) == np.prod(field.size) == 100


def test_behind_upsampling_cells_see_unequally_much():
    network = Network([Conv(filters=2), Upsample(), Conv(filters=2), GlobalAvgPool()], (8, 8, 1))
    assert [place.field is None for place in network.places] == [False, True, True, True]
