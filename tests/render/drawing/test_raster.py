"""Scenes one after the other have the pixels that each has alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convcli.explaining import TOPICS
from convcli.render.drawing.raster import pixels, successive
from convcli.render.drawing.scene import Path, Rect, Scene, Text
from convcli.render.explain.steps import frames
from explaining.cases import made

WIDE = Text(100, 40, "ЩЮЖ@WM — Œ" * 3, 14.0)
FIGURES = Text(60.3, 20.2, "12.5", mono=True)
CELLS = (Rect(10.4, 5.2, 30, 30, "window"), Rect(40.4, 5.2, 30, 30, "kernel", "ink", 2.0))
CROSS = Path(((14, 9), (36, 31)), "cross", 1.4)
SOLID = Path(((80, 60), (120, 50), (150, 70), (80, 60)), "muted", 3.0, "block")


@pytest.mark.parametrize("topic", TOPICS)
def test_the_steps_of_every_topic(topic):
    scenes = frames(made(topic).only(range(3)) if topic not in ("pixels", "padding") else made(topic))[:4]
    for scene, drawn in zip(scenes, successive(scenes, 1.1), strict=True):
        np.testing.assert_array_equal(drawn, pixels(scene, 1.1))


def test_shapes_that_come_go_move_and_change_places():
    some = [
        (*CELLS, FIGURES, WIDE),
        (*CELLS, FIGURES),
        (*CELLS, CROSS, replace(FIGURES, x=30.0), SOLID),
        (*CELLS, replace(SOLID, colour="ink"), CROSS),
        (*reversed(CELLS), CROSS),
        (CROSS, *reversed(CELLS)),
        (),
    ]
    scenes = [Scene(200, 90, shapes) for shapes in some]
    for scale in (0.93, 1.6):
        for scene, drawn in zip(scenes, successive(scenes, scale), strict=True):
            np.testing.assert_array_equal(drawn, pixels(scene, scale))
