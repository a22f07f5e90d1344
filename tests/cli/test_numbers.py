"""Numbers at their limits end in one error with the right exit code: the rows of docs/reliability.md."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import stripes
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, Run

PICTURES = stripes.dataset(30)


def pictures(count=30, **more):
    return {"images": PICTURES.images[:count], "labels": PICTURES.labels[:count], **more}


# name → (what the .npz holds, what is set over the configuration, exit code, what the error says)
TRAININGS = {
    "learning rate 0": (
        pictures(),
        ["training.optimizer.learning_rate=0"],
        2,
        "training.optimizer.learning_rate: should be greater than 0, not 0",
    ),
    "learning rate huge": (
        pictures(),
        ["training.optimizer.learning_rate=1e300"],
        1,
        "The weights became infinite in epoch 1, batch 1 of 1, at learning rate 1e+300. Most likely",
    ),
    "weight decay huge": (
        pictures(),
        ["training.optimizer.weight_decay=1e300"],
        1,
        "The weights became infinite in epoch 1, batch 1",
    ),
    "dropout of everything": (pictures(), ["layers.3.rate=1.0"], 2, "rate: should be less than 1, not 1.0"),
    "epsilon that float32 takes for 0": (
        pictures(),
        ["training.optimizer.epsilon=1e-50"],
        2,
        "training.optimizer.epsilon: expected at least 1e-30, not 1e-50",
    ),
    "no epoch": (pictures(), ["training.epochs=0"], 2, "training.epochs: should be greater than 0"),
    "batches of nothing": (pictures(), ["training.batch_size=0"], 2, "should be greater than 0"),
    "one image to split": (pictures(1), [], 2, "leaves no image for validation: choose a larger share or 0"),
    "share of nearly everything": (
        pictures(),
        ["data.validation=0.99"],
        2,
        "leaves no image for training: choose a smaller share or 0",
    ),
    "share of everything": (
        pictures(),
        ["data.validation=1.0"],
        2,
        "expected a share of at least 0 and below 1",
    ),
    "label out of range": (
        pictures(classes=("across", "crossed")),
        [],
        1,
        "label 2 has no name: its 2 classes count from 0",
    ),
    "class that only the test part has": (
        pictures(test_images=PICTURES.images, test_labels=PICTURES.labels + 1),
        [],
        1,
        "class '3' is not among the classes of the training images: '0', '1', '2'",
    ),
}


@pytest.mark.parametrize(("arrays", "values", "code", "message"), TRAININGS.values(), ids=TRAININGS)
def test_training_at_a_limit_is_one_error(call, quick, tmp_path, arrays, values, code, message):
    np.savez(tmp_path / "set", **arrays)
    settings = [f"--set={value}" for value in ("data.source=set.npz", *values)]
    result = call("train", quick, *settings, "--run-dir", "run")
    assert (result.code, result.stdout) == (code, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert not (tmp_path / "run" / BEST).exists()


# name → (image, kernel, exit code, what the error says)
IMAGES = {
    "sums beyond float32": (
        np.outer(np.ones(4, np.float32), np.float32([-3e38, -3e38, 3e38, 3e38])),
        "sobel",
        2,
        "x.npy: sobel gives values beyond float32 on this image; scale one of the two down",
    ),
    "weight beyond float32": (
        np.ones((4, 4)),
        "1 1e39",
        2,
        "expected weights of at most 3.4e+38, found 1e+39",
    ),
}


@pytest.mark.parametrize(("image", "kernel", "code", "message"), IMAGES.values(), ids=IMAGES)
def test_filtering_at_a_limit_is_one_error(call, tmp_path, image, kernel, code, message):
    np.save(tmp_path / "x.npy", image)
    result = call("filter", "x.npy", "--kernel", kernel, "--range", "raw", "-o", "y.npy")
    assert (result.code, result.stdout) == (code, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "y.npy").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_pixel_that_is_no_number_spreads_as_far_as_the_kernel_reaches(call, tmp_path, value):
    pixels = np.ones((5, 9), np.float32)
    pixels[2, 3] = value
    np.save(tmp_path / "x.npy", pixels)
    assert call("filter", "x.npy", "--kernel", "box", "--range", "raw", "-o", "y.npy").code == 0
    spread = np.zeros((5, 9), bool)
    spread[1:4, 2:5] = True
    np.testing.assert_array_equal(np.isfinite(np.load(tmp_path / "y.npy")), ~spread)


def test_a_network_whose_outputs_are_beyond_float32_is_one_error_everywhere(call, trained, tmp_path):
    """Its weights are finite, so that its checkpoint is a good one."""
    run = Run(shutil.copytree(trained, tmp_path / "run"))
    checkpoint = run.read_checkpoint(BEST)
    large = {
        name: array * (np.float32(1e37) / np.abs(array).max()) for name, array in checkpoint.arrays.items()
    }
    run.write_checkpoint(BEST, replace(checkpoint, arrays=large))
    np.save(tmp_path / "x.npy", np.full((8, 8), 255, np.uint8))
    for command in (
        ["evaluate", "run", "--json"],
        ["predict", "run", "x.npy"],
        ["report", "run"],
        ["explain", "network", "--run", "run", "--image", "x.npy"],
    ):
        result = call(*command)
        assert (result.code, result.stdout) == (1, ""), command
        assert " images are beyond float32: its weights became too large in training. " in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_the_answer_is_the_largest_output_where_probabilities_are_equal(call, trained, tmp_path, monkeypatch):
    """Then evaluate and predict count the same."""
    model = checkpoints.load_run(trained)
    outputs = np.zeros((1, len(model.classes)), np.float32)
    outputs[0, 7] = 1e-12
    assert len(set(model.loss.probabilities(outputs)[0])) == 1
    monkeypatch.setattr(type(model), "outputs", lambda model, images: outputs)
    np.save(tmp_path / "x.npy", np.zeros((8, 8), np.uint8))
    assert json.loads(call("predict", trained, "x.npy", "--json").stdout)["class"] == "7"
