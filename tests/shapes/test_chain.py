"""Chains of windows: how they are written, and what each step gives."""

from __future__ import annotations

import pytest

from convcli.errors import ShapeError, UsageError
from convcli.shapes import ReceptiveField, Window
from convcli.shapes.chain import GRAMMAR, links, parse_chain
from convcli.shapes.pooling import PoolWindow

READ = {
    "conv3": Window.of(3),
    "conv3x5": Window.of((3, 5)),
    "conv3p1s2": Window.of(3, padding=1, stride=2),
    "conv3s2p1": Window.of(3, padding=1, stride=2),
    "conv3p1x2": Window.of(3, padding=(1, 2)),
    "conv3psames2x1": Window.of(3, padding="same", stride=(2, 1)),
    "conv3pfulld2": Window.of(3, padding="full", dilation=2),
    "conv4pvalidd1x3": Window.of(4, dilation=(1, 3)),
    "pool2": PoolWindow.of(2),
    "pool2x3": PoolWindow.of((2, 3)),
    "pool3s2p1": PoolWindow.of(3, stride=2, padding=1),
    "pool3cs2p1": PoolWindow.of(3, stride=2, padding=1, ceil_mode=True),
}


def test_a_pool_may_round_up_and_lies_on_no_padding_alone():
    sizes = {text: next(links(parse_chain(text), (6, 7))).output for text in ("pool3s2", "pool3s2c")}
    assert sizes == {"pool3s2": (2, 3), "pool3s2c": (3, 3)}
    with pytest.raises(ShapeError, match=r"'pool2p2', cannot take its input of 6 × 7 × 1\. The first window"):
        list(links(parse_chain("pool2p2"), (6, 7)))
    assert next(links(parse_chain("conv2p2"), (6, 7))).output == (9, 10)


@pytest.mark.parametrize(("text", "window"), READ.items())
def test_a_step_is_a_window(text, window):
    assert parse_chain(text)[0].window == window


def test_filters_and_groups_belong_to_conv():
    step = parse_chain("conv3n16g4")[0]
    assert (step.kind, step.filters, step.groups) == ("conv", 16, 4)
    assert parse_chain("conv3")[0].filters is None


def test_steps_stand_between_spaces():
    assert [step.text for step in parse_chain("  conv3p1s2\tpool2   conv5 ")] == [
        "conv3p1s2",
        "pool2",
        "conv5",
    ]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("conv 3, pool 2 s2, conv 3", ["conv3", "pool2s2", "conv3"]),
        ("conv 3 s 2 p 1 conv 3x5 p same", ["conv3s2p1", "conv3x5psame"]),
        ("conv 3 psame pool 2c conv3", ["conv3psame", "pool2c", "conv3"]),
        ("conv3,pool2,", ["conv3", "pool2"]),
        ("pool 3 s2 c conv 5", ["pool3s2c", "conv5"]),
    ],
)
def test_a_step_may_have_spaces_in_it_and_a_comma_behind_it(text, steps):
    assert [step.text for step in parse_chain(text)] == steps


def test_an_error_names_the_place_in_the_text_as_it_was_written():
    with pytest.raises(
        UsageError, match=r"Step 2 of the chain, 'pool2q1': expected one of p, s, d, c at character 16"
    ):
        parse_chain("conv 3,  pool 2q1")
    with pytest.raises(UsageError, match="Step 2 of the chain, '': expected conv or pool at character 7"):
        parse_chain("conv3,,pool2")


def test_each_step_takes_what_the_one_before_gives():
    found = list(links(parse_chain("conv3p1s2n8 pool2 conv5n4"), (32, 40), 3))
    assert [link.plane for link in found] == [(32, 40), (16, 20), (8, 10)]
    assert [(*link.output, link.filters) for link in found] == [(16, 20, 8), (8, 10, 8), (4, 6, 4)]
    assert [link.cost.parameters for link in found] == [3 * 3 * 3 * 8 + 8, 0, 5 * 5 * 8 * 4 + 4]
    assert [link.cost.column_bytes > 0 for link in found] == [True, False, True]


def test_the_receptive_field_grows_along_the_chain():
    steps = parse_chain("conv3p1s2 pool2 conv5")
    field = ReceptiveField()
    for step, link in zip(steps, links(steps, (32, 32)), strict=True):
        field = field.through(step.window)
        assert link.field == field
    assert (field.size, field.jump, field.start) == ((21, 21), (4, 4), (-1, -1))


def test_without_a_number_of_filters_the_depth_stays():
    assert [link.filters for link in links(parse_chain("conv3 conv3n7 conv3"), (9, 9), 2)] == [2, 7, 7]


WRONG = {
    "": "The chain is empty",
    "cnv3": "Step 1 of the chain, 'cnv3': expected conv or pool at character 1, found 'cnv3'",
    "conv3 poolx": "Step 2 of the chain, 'poolx': expected a size such as 3 or 3x5 at character 11,",
    "conv": "expected a size such as 3 or 3x5 at character 5, found its end",
    "conv3  conv3p1z2": "expected one of s, d, n, g at character 15, found 'z2'",
    "conv3psma": "expected a value for p at character 7, found 'sma'",
    "conv3s1s2": "expected one of p, d, n, g at character 8, found 's2'",
    "pool2n4": "expected one of p, s, d, c at character 6, found 'n4'",
    "pool2p1s2d1cx": "expected a space at character 13, found 'x'",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_a_mistake_is_found_at_its_place_and_the_grammar_shown(text, message):
    with pytest.raises(UsageError) as error:
        parse_chain(text)
    assert message in str(error.value)
    assert GRAMMAR in str(error.value)
    assert len(str(error.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv3 conv3s0", "Step 2 of the chain, 'conv3s0': stride must be at least 1"),
        ("conv3n0", "n and g must be at least 1"),
        (
            "pool2 conv5",
            r"Step 2 of the chain, 'conv5', cannot take its input of 4 × 4 × 3. A window spanning 5",
        ),
        (
            "conv3g2",
            "Step 1 of the chain, 'conv3g2', cannot take .* groups = 2 does not divide the 3 channel",
        ),
    ],
)
def test_sizes_that_do_not_fit_name_the_step(text, message):
    with pytest.raises(ShapeError, match=message):
        list(links(parse_chain(text), (8, 8), 3))
