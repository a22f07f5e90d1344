"""[augmentation] as it is written, and as it stands in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcli.config_file import ConfigFile, dump
from convcli.errors import ConfigError
from convcli.nn.augmentation import AUGMENTATIONS
from convcli.nn.augmentation.options import POLICIES
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
EACH = {
    "flip": "vertical",
    "shift": 1,
    "shear": 5,
    "rotate": 10,
    "zoom": 0.2,
    "crop": 0.5,
    "brightness": 0.2,
    "contrast": 0.2,
    "saturation": 0.2,
    "noise": 0.1,
    "cutout": 2,
    "mixup": 0.4,
    "cutmix": 1,
}


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
    config = read(
        'flip = { direction = "both", alternate = true }\npolicy = "strong"\nmixup = 0\nzoom = [0.9, 1]'
    )
    assert ConfigFile.parse(dump(config), Path("b.toml")).config == config


def test_values_are_set_from_outside_whatever_stands_there():
    chosen = read('flip = "both"', "augmentation.flip.alternate=true", "augmentation.shift=1").augmentation
    assert (chosen.flip.direction, chosen.flip.alternate, chosen.shift.size) == ("both", True, 1)
    chosen = read("shift = 2", "augmentation.cutout.size=3", "augmentation.shift.size=0").augmentation
    assert [one.name() for one in chosen.active] == ["cutout"]
    assert not list(read("shift = 2", "augmentation={}").augmentation.active)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_a_name_for_others_and_what_is_given_overrides_it(policy):
    named = options(policy=policy, flip="none", shift=3, cutmix=1)
    wanted = {**POLICIES[policy], "shift": 3, "cutmix": 1}
    del wanted["flip"]
    assert named.told == wanted | {key: [1 - wanted[key], 1 + wanted[key]] for key in wanted if key == "zoom"}


WRONG = {
    "policy = 'weak'": "augmentation.policy: should be 'light' or 'strong', not 'weak'",
    "policy = ['light']": "augmentation.policy: should be 'light' or 'strong'",
    "zoom = 1.5": "augmentation.zoom.factor: expected a number from 0 to 0.9, how much",
    "zoom = [1, 0.5]": "augmentation.zoom.factor: expected a number",
    "zoom = 'x'": "augmentation.zoom.factor: expected a number",
    "crop = 0": "augmentation.crop.scale: expected a number from 0.01 to 1, the least share",
    "crop = { scale = 0.5, ratio = 1 }": "augmentation.crop.ratio: expected [least, most], width by height",
    "rotate = 200": "augmentation.rotate.degrees: should be less than or equal to 180",
    "shear = 90": "augmentation.shear.degrees: should be less than 90",
    "mixup = -1": "augmentation.mixup.alpha: expected 0 for none, or a number of 0.01 … 100, not -1",
    "cutmix = 1e-300": "augmentation.cutmix.alpha: expected 0 for none, or a number of 0.01 … 100",
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
