"""[augmentation] as it is written, and as it stands in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcli.config_file import ConfigFile, dump
from convcli.errors import ConfigError
from convcli.nn.augmentation import AUGMENTATIONS
from nn.augmentation.images import options

BASE = """
[data]
source = "digits"
[[layers]]
type = "flatten"
[[layers]]
type = "dense"
[augmentation]
"""
EACH = {"flip": "vertical", "shift": 1, "cutout": 2}


def read(text, *overrides):
    return ConfigFile.parse(BASE + text, Path("a.toml"), overrides).config


def test_every_augmentation_has_its_case_here():
    assert list(AUGMENTATIONS) == list(EACH)


@pytest.mark.parametrize("name", EACH)
def test_a_bare_value_is_its_main_option(name):
    chosen = getattr(options(**{name: EACH[name]}), name)
    assert chosen == getattr(options(**{name: {chosen.main(): EACH[name]}}), name)
    assert chosen.name() == name
    assert not chosen.idle


@pytest.mark.parametrize("name", EACH)
def test_each_can_be_off(name):
    off = AUGMENTATIONS[name].off
    assert list(options(**{name: off}).active) == []


def test_what_a_run_writes_down_is_read_as_it_was():
    config = read('flip = { direction = "both", alternate = true }\nshift = 0.125\ncutout = 2')
    assert ConfigFile.parse(dump(config), Path("b.toml")).config == config


def test_values_are_set_from_outside_whatever_stands_there():
    chosen = read('flip = "both"', "augmentation.flip.alternate=true", "augmentation.shift=1").augmentation
    assert (chosen.flip.direction, chosen.flip.alternate, chosen.shift.size) == ("both", True, 1)
    chosen = read("shift = 2", "augmentation.cutout.size=3", "augmentation.shift.size=0").augmentation
    assert [one.name() for one in chosen.active] == ["cutout"]
    assert not list(read("shift = 2", "augmentation={}").augmentation.active)


WRONG = {
    "flip = 'sideways'": "augmentation.flip.direction: should be 'horizontal', 'vertical', 'both' or 'none'",
    "flip = { direction = 'both', alternat = true }": "augmentation.flip.alternat: unknown key. Did you mean",
    "shif = 2": "augmentation.shif: unknown key. Did you mean 'shift'?",
    "shift = 2.5": "augmentation.shift.size: expected pixels, a whole number, or a share of the side below 1",
    "shift = true": "augmentation.shift.size: expected pixels, a whole number, or a share",
    "shift = -1": "augmentation.shift.size: expected pixels",
    "cutout = {}": "augmentation.cutout.size: this key is missing",
    "cutout = { size = 2, probability = 1.5 }": "augmentation.cutout.probability: should be less than",
}


@pytest.mark.parametrize(("text", "words"), WRONG.items(), ids=WRONG.keys())
def test_a_mistake_is_named(text, words):
    with pytest.raises(ConfigError) as error:
        read(text)
    assert words in "\n".join(error.value.lines)
