"""Volumes are drawn in true proportion, with what stands out in them where it is."""

from __future__ import annotations

from itertools import pairwise

import pytest

from convcli.explaining.elements import Arrow, Block, Part, Step
from convcli.render.drawing.scene import Path, Text
from convcli.render.explain import solid_text
from convcli.render.explain.elements import draw
from convcli.render.explain.solid import LEAST, Solid, drawn
from explaining.cases import made


def placed(*blocks):
    """Return blocks as a step has them beside each other."""
    return [part for part in Step.of("", [blocks], {}).rows[0] if isinstance(part, Block)]


def front(block):
    """Return height and width of the front of a block's first solid."""
    solid = Solid.of(block)
    return solid.rows * block.sides[0], solid.columns * block.sides[1]


def corners(scene, colour):
    return [shape.points for shape in scene.shapes if isinstance(shape, Path) and shape.fill == colour]


def test_solids_of_a_row_have_one_scale():
    image, filters, out = placed(Block((12, 8, 3)), Arrow("*"), Block((3, 3, 3), count=2), Block((10, 6, 2)))
    (high, wide), (f, _), (rows, columns) = map(front, (image, filters, out))
    assert high / wide == pytest.approx(12 / 8)
    assert high / f == pytest.approx(12 / 3)
    assert (rows, columns) == pytest.approx((high * 10 / 12, wide * 6 / 8))
    # what leads away from the eye has half its length: (0.4, 0.3) of a cell
    solid = Solid.of(image)
    (x0, y0), (x1, y1) = solid.at(0, 0, 0), solid.at(0, 0, 3)
    assert (x1 - x0, y0 - y1) == pytest.approx((3 * solid.rows * 0.4, 3 * solid.rows * 0.3))
    assert not any("scale" in block.caption for block in (image, filters, out))


def test_sides_too_far_apart_are_said_not_to_be_to_scale_and_can_be_seen():
    shapes = [(224, 224, 3), (3, 3, 3), (222, 222, 64)]
    blocks = placed(*(Block(shape, "W") for shape in shapes))
    assert {block.caption for block in blocks} == {"W (not to scale)"}
    sides = [front(block)[0] for block in blocks]
    assert sides[0] >= sides[2] > sides[1] > 2 * LEAST
    assert all(draw(block, 860).width < 200 for block in blocks)


@pytest.mark.parametrize(
    ("count", "solids", "more"), [(1, 1, ""), (5, 5, ""), (8, 8, ""), (32, 8, "… 24 more")]
)
def test_as_many_filters_are_drawn_as_there_are(count, solids, more):
    block = Block((3, 3, 2), count=count)
    fronts = corners(drawn(block, 860), "block")
    assert len(fronts) == solids
    assert len(set(fronts)) == solids, "beside each other"
    label = [shape.text for shape in draw(block, 860).shapes if isinstance(shape, Text)][-1]
    assert label.endswith(more)
    assert ("each" in label) == (count > 1)


def test_the_window_moves_through_the_padded_volume_and_its_cell_is_lit():
    shown = made("volume", padding=1, stride=2)
    size = Solid.of(shown.steps[1].rows[0][0]).rows
    found = []
    for step in shown.steps[1:5]:
        volume, _, _, _, result = step.rows[0]
        assert volume.shape == (6, 6, 3)
        (window,) = volume.parts
        assert (window.role, window.channels) == ("window", (0, 1, 2)), "as deep as the volume"
        (cell,) = result.parts
        assert (cell.rows, cell.columns) == tuple((n,) for n in step.data["position"])
        found.append(min(corners(drawn(volume, 860), "window")[0]))
    across = [after[0] - before[0] for before, after in pairwise(found)]
    assert across == pytest.approx([2 * size, -2 * size, 2 * size])
    assert shown.steps[5].rows[0][-1].parts[0].channels == (1,), "the second filter's plane lies behind"


def test_a_dilated_window_lights_the_cells_it_lies_on():
    volume = made("volume", dilation=2, padding=1).steps[1].rows[0][0]
    assert volume.parts[0].rows == (0, 2, 4)
    assert len(corners(drawn(volume, 860), "window")) == 9


def test_in_groups_the_window_is_as_deep_as_its_filter():
    step = next(step for step in made("groups").steps if step.title.startswith("Filter 4"))
    volume, _, weights, _, result = step.rows[0]
    assert volume.parts[0].channels == (2, 3)
    assert weights.tints == volume.tints[2:]
    assert result.parts[0].channels == (3,)


def test_letters_show_the_window_the_padding_and_the_channels_behind():
    window = Part((0, 1), (1, 2), (0, 1), "window")
    block = Block((3, 4, 2), padding=((1, 0), (0, 0)), parts=(window,))
    lines = ["".join(letter for letter, _ in line).rstrip() for line in solid_text.drawn(block)]
    assert lines == [
        " ┌────────┐",
        "┌────────┐│",
        "│0 ▓▓▓▓0 ││",
        "│· ▓▓▓▓· ││",
        "│· · · · │┘",
        "└────────┘",
    ]
    assert solid_text.parts(block) == ["window: rows 1–2, columns 2–3, channels 1–2"]
    assert solid_text.drawn(Block((17, 3, 2))) == []
