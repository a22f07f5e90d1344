"""The kernels of a trained layer in a terminal."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from convcli.render.learned import LearnedLayer, learned_view


def test_a_tile_has_the_colours_of_its_weights_and_0_is_grey():
    weights = np.zeros((3, 3, 3, 1))
    weights[0, 0, :, 0] = [7.0, 0.0, -7.0]
    file = io.StringIO()
    console = Console(file=file, color_system="truecolor", force_terminal=True)
    console.print(learned_view(LearnedLayer("run", 1, weights, rgb=True), coloured=True))
    assert "\x1b[38;2;255;128;0m██" in file.getvalue()
    assert "\x1b[38;2;128;128;128m██" in file.getvalue()
