"""[augmentation] and [evaluation] from a file to a run, and wherever a run is shown."""

from __future__ import annotations

import json
import tomllib

import pytest

OPTIONS = [
    *("--set", "training.epochs=1", "--set", "augmentation.policy=strong"),
    *("--set", "augmentation.flip=none", "--set", "augmentation.cutmix=1", "--set", "evaluation.flips=true"),
]
TOLD = (
    "shift = 0.125, rotate = 15.0, zoom = [0.85, 1.15], brightness = 0.3, contrast = 0.3, saturation = 0.3, "
    "cutout = 0.25, mixup = 0.2, cutmix = 1.0"
)


@pytest.fixture
def trained(call, quick):
    """Return what training said, into runs/a."""
    result = call("train", "quick.toml", *OPTIONS, "--run-dir", "runs/a")
    assert result.code == 0
    return result


def test_what_a_policy_stands_for_is_said_and_written_down(call, trained, tmp_path):
    assert f'note: augmentation (policy "strong"): {TOLD}\n' in trained.stderr
    assert "note: augmentation.saturation: images have no colours, and stay as they are" in trained.stderr
    resolved = tomllib.loads((tmp_path / "runs/a/resolved.toml").read_text("utf-8"))
    assert resolved["augmentation"]["policy"] == "strong"
    assert resolved["augmentation"]["rotate"] == {"degrees": 15.0}
    assert resolved["evaluation"] == {"flips": True}
    check = call("check", "quick.toml", *OPTIONS)
    assert f'\naugmentation (policy "strong"): {TOLD}\n' in check.stdout


def test_a_run_shows_it_wherever_it_is_shown(call, trained, tmp_path):
    assert call("report", "runs/a").code == 0
    page = (tmp_path / "runs/a/report.html").read_text("utf-8")
    assert "shift = 0.125, rotate = 15.0" in page
    assert "its mirror image" in page
    call("train", "quick.toml", "--set", "training.epochs=1", "--run-dir", "runs/b")
    differences = call("runs", "diff", "runs/a", "runs/b").stdout
    for key in ("augmentation.policy", "augmentation.shift.size", "evaluation.flips"):
        assert key in differences


def test_every_command_gives_the_figures_of_training(call, trained, tmp_path):
    last = (tmp_path / "runs/a/metrics.csv").read_text("utf-8").splitlines()
    row = dict(zip(last[0].split(","), last[1].split(","), strict=True))
    document = json.loads(call("evaluate", "runs/a", "--split", "validation", "--json").stdout)
    assert document["accuracy"] == pytest.approx(float(row["validation_accuracy"]), abs=1e-6)
    assert document["loss"] == pytest.approx(float(row["validation_loss"]), abs=1e-5)


def test_explain_says_that_predict_sees_two_images(call, trained, tmp_path):
    from PIL import Image

    Image.new("L", (8, 8), 90).save(tmp_path / "grey.png")
    told = call("explain", "network", "--run", "runs/a", "--image", "grey.png")
    assert "predict takes the mean of the outputs for the image and its mirror image" in " ".join(
        told.stdout.split()
    )
