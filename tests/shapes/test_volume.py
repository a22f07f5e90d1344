"""What a convolution costs, against arrays and counted multiplications."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import ShapeError
from convcli.shapes import Window
from convcli.shapes.volume import convolution_cost, transposed_cost, volume_bytes


def test_costs_are_those_of_the_arrays_a_convolution_needs():
    plane, window = (9, 7), Window.of((3, 2), stride=2, padding=1)
    output = window.output_shape(plane)
    cost = convolution_cost(plane, output, window.size, channels=4, filters=6, groups=2)
    weights = np.zeros((3, 2, 4 // 2, 6), np.float32)
    assert (cost.weights, cost.biases, cost.parameters) == (weights.size, 6, weights.size + 6)
    assert cost.input_bytes == np.zeros((*plane, 4), np.float32).nbytes
    assert cost.output_bytes == np.zeros((*output, 6), np.float32).nbytes
    assert cost.column_bytes == np.zeros((*output, 3, 2, 4), np.float32).nbytes
    multiplications = sum(weights[..., 0].size for _ in np.ndindex(*output, 6))
    assert cost.multiply_adds == multiplications


def test_a_transposed_convolution_lays_down_a_window_for_each_cell_of_its_input():
    cost = transposed_cost((3, 5), (7, 11), (3, 3), channels=4, filters=2)
    assert cost.weights == 3 * 3 * 4 * 2
    assert cost.multiply_adds == 3 * 5 * cost.weights
    assert cost.column_bytes == volume_bytes(3, 5, 3, 3, 2)


@pytest.mark.parametrize(("depths", "what"), [((3, 4), "3 channel"), ((4, 3), "3 filter")])
def test_groups_have_to_divide_both_depths(depths, what):
    with pytest.raises(ShapeError, match=f"groups = 2 does not divide the {what}"):
        convolution_cost((5, 5), (3, 3), (3, 3), channels=depths[0], filters=depths[1], groups=2)
