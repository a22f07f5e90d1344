"""`convcli check`: everything that could go wrong before training, and nothing written."""

from __future__ import annotations

import json

import pytest


def test_a_valid_configuration_is_told_with_its_data_and_network(call, quick, tmp_path):
    result = call("check", "quick.toml")
    assert result.code == 0
    assert result.stderr == ""
    assert result.stdout.startswith("images: train 1,294, validation 144, test 359, each 8 × 8 × 1\n")
    assert "classes: 10 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)" in result.stdout
    assert result.stdout.rstrip().endswith("The configuration is valid.")
    assert list(tmp_path.iterdir()) == [quick]


@pytest.mark.usefixtures("quick")
def test_the_same_as_json(call):
    document = json.loads(call("check", "quick.toml", "--json").stdout)
    assert document["data"]["images"] == {"train": 1294, "validation": 144, "test": 359}
    assert (document["data"]["shape"], len(document["data"]["classes"])) == ([8, 8, 1], 10)
    assert document["parameters"] == 410


@pytest.mark.usefixtures("quick")
def test_images_that_are_resized_are_mentioned(call):
    result = call("check", "quick.toml", "--set", "data.size=[12, 10]", "--json")
    assert result.stderr.startswith("note: ")
    assert json.loads(result.stdout)["input"] == [12, 10, 1]


@pytest.mark.usefixtures("quick")
def test_how_images_are_augmented_is_told(call):
    options = ["--set", "augmentation.shift=2", "--set", "augmentation.cutout.size=3"]
    options += ["--set", "augmentation.cutout.probability=0.5", "--set", "augmentation.flip=none"]
    line = "augmentation: shift = 2, cutout = { size = 3, probability = 0.5 }\n"
    assert line in call("check", "quick.toml", *options).stdout
    document = json.loads(call("check", "quick.toml", *options, "--json").stdout)
    assert document["augmentation"]["cutout"] == {"size": 3, "probability": 0.5}


WRONG = {
    "unknown key": (
        ["training.optimzer=1"],
        2,
        ["training.optimzer: unknown key. Did you mean 'optimizer'?"],
    ),
    "wrong types": (
        ["training.epochs=three", "layers.1.filters=1.5"],
        2,
        [
            "quick.toml: 2 mistake(s).",
            "training.epochs: should be a valid integer, not 'three'",
            "[[layers]] 1 (conv): filters: should be a valid integer, not 1.5",
        ],
    ),
    "stride 0": (["layers.1.stride=0"], 2, ["stride must be at least 1, not 0"]),
    "a layer that shrinks to nothing": (
        ["layers.2.size=7"],
        2,
        ["[[layers]] 2 (max_pool) cannot take its input of 6 × 6 × 4.", "use a smaller window"],
    ),
    "a shift beyond the image": (
        ["augmentation.shift=8"],
        2,
        ["augmentation.shift = 8: images of 8 × 8 can be moved by at most 7 pixels."],
    ),
    "a last layer that does not fit": (
        ["layers.5.units=7"],
        2,
        ["[[layers]] 5 (dense) gives (7,), but there are 10 classes", "or with units = 10"],
    ),
    "no such data": (["data.source=nowhere"], 1, ["'nowhere' not found"]),
    "too small a share": (["data.validation=0.0001"], 2, ["leaves no image for validation"]),
}


@pytest.mark.parametrize(("overrides", "code", "words"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("command", ["check", "train"])
def test_a_mistake_is_one_error_and_nothing_is_written(
    call, quick, tmp_path, command, overrides, code, words
):
    options = [text for override in overrides for text in ("--set", override)]
    result = call(command, "quick.toml", *options)
    assert result.code == code
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    for text in words:
        assert text in result.stderr
    assert list(tmp_path.iterdir()) == [quick]


@pytest.mark.parametrize("command", ["check", "train", "shape"])
def test_a_missing_configuration_says_how_to_get_one(call, command):
    result = call(command, "none.toml")
    assert result == (
        2,
        "",
        "error: none.toml: no such file. Write a starter with `convcli init none.toml`.\n",
    )
