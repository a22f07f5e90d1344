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


@pytest.mark.usefixtures("quick")
def test_a_sheet_is_drawn_once_and_told(call, tmp_path):
    from PIL import Image

    result = call("check", "quick.toml", *OPTIONS, "--preview", "sheet.png")
    assert result.code == 0
    assert result.stdout.endswith("sheet.png\nThe configuration is valid.\n")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] > 500
    first = (tmp_path / "sheet.png").read_bytes()
    again = call("check", "quick.toml", *OPTIONS, "--preview", "sheet.png")
    assert (again.code, again.stdout) == (1, "")
    assert "sheet.png exists already; use --force to overwrite it" in again.stderr
    told = call("check", "quick.toml", *OPTIONS, "--preview", "sheet.png", "--force", "--json")
    assert json.loads(told.stdout)["preview"] == "sheet.png"
    assert (tmp_path / "sheet.png").read_bytes() == first


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sheet.jpg", "expected a name that ends in .png"),
        ("none/sheet.png", "none"),
        ("folder.png", "expected a file to write, found a folder"),
    ],
)
def test_a_sheet_that_cannot_be_written_is_refused_before_anything_is_read(call, tmp_path, name, words):
    (tmp_path / "folder.png").mkdir()
    result = call("check", "quick.toml", "--set", "data.source=nowhere", "--preview", name)
    assert result.code != 0
    assert words in result.stderr
    assert "nowhere" not in result.stderr


def test_an_image_that_is_learned_from_is_never_overwritten(call, quick, tmp_path):
    from PIL import Image

    for number, name in enumerate(["a", "a", "b", "b"]):
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 40 * number).save(tmp_path / "photos" / name / f"{number}.png")
    options = ("--set", "data.source=photos", "--set", "data.validation=0", "--force")
    result = call("check", "quick.toml", *options, "--preview", "photos/a/0.png")
    assert result.code == 2
    assert "is an input, and an input is never overwritten" in result.stderr
    same = call("check", "quick.toml", *options, "--preview", "quick.png")
    assert same.code == 0
