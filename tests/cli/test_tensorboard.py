"""`convcli train --tensorboard`: logs, as TensorBoard's own reader finds them."""

from __future__ import annotations

import csv
import io
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import stripes
from convcli.cli.tensorboard import PATTERN
from convcli.runs import checkpoints

pytest.importorskip("tensorboardX")
accumulating = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

PARTS = ("train", "validation")
BATCHES = 5  # of an epoch: 80 images in batches of 16

CONFIG = """
[data]
source = "stripes.npz"
validation = 0.2

[[layers]]
type = "conv"
filters = 4
activation = "relu"

[[layers]]
type = "flatten"

[[layers]]
type = "dense"

[training]
epochs = 2
batch_size = 16
optimizer = { type = "adam", learning_rate = 0.01 }
"""


@pytest.fixture
def quick(tmp_path):
    """Return a configuration that trains in a moment."""
    pictures = stripes.dataset(100)
    np.savez(tmp_path / "stripes.npz", images=pictures.images, labels=pictures.labels)
    (tmp_path / "quick.toml").write_text(CONFIG)
    return tmp_path / "quick.toml"


@pytest.fixture
def log(tmp_path):
    """Return a function that reads a log: everything of one, as TensorBoard would show it."""

    def log(name="run"):
        keep_all = dict.fromkeys(("scalars", "images"), 0)
        accumulator = accumulating.EventAccumulator(str(tmp_path / "logs" / name), size_guidance=keep_all)
        return accumulator.Reload()

    return log


def curve(log, tag):
    return {event.step: event.value for event in log.Scalars(tag)}


def rows(run):
    return list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))


def picture(event):
    return np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))


def test_what_is_read_back_is_what_was_trained(call, quick, log, tmp_path):
    schedule = ("--set", "training.schedule=one_cycle")
    done = call("train", quick, *schedule, "--run-dir", "run", "--tensorboard", "logs")
    assert done.code == 0
    assert "logs in logs/run; look at them with: tensorboard --logdir logs" in done.stderr
    found, written = log(), rows(tmp_path / "run")
    names = {f"{figure}/{part}": f"{part}_{figure}" for part in PARTS for figure in ("loss", "accuracy")}
    names |= {"epoch/learning_rate": "learning_rate", "epoch/images_per_second": "images_per_second"}
    for tag, key in names.items():
        expected = {BATCHES * n: float(row[key]) for n, row in enumerate(written, 1)}
        assert curve(found, tag) == pytest.approx(expected, rel=1e-6)
    rates = curve(found, "batch/learning_rate")
    assert list(rates) == list(range(1, 2 * BATCHES + 1))
    assert max(rates.values()) == pytest.approx(0.01)
    assert rates[2 * BATCHES] == pytest.approx(float(written[-1]["learning_rate"]))
    assert curve(found, "batch/loss")[BATCHES] == pytest.approx(float(written[0]["train_loss"]), rel=1e-6)


def test_kernels_and_the_confusion_are_pictures(call, quick, log, tmp_path):
    call("train", quick, "--run-dir", "run", "--tensorboard", "logs")
    kernels, confusion = (log().Images(name) for name in ("kernels", "confusion"))
    assert [event.step for event in kernels] == [BATCHES, 2 * BATCHES]
    assert confusion[-1].step == 2 * BATCHES
    sheet = picture(kernels[-1])
    assert sheet.shape == (100, 100)  # four kernels of 3 × 3, each 48 wide, with 4 between them
    w = checkpoints.load_run(tmp_path / "run").weights["1.W"][:, :, 0, :]
    first = sheet[8:48:16, 8:48:16].astype(float)  # one pixel of each cell
    np.testing.assert_allclose(first, 127.5 + 127.5 * w[:, :, 0] / np.abs(w).max(), atol=0.5)
    drawn = picture(confusion[-1])
    assert drawn.shape[:2] == (confusion[-1].height, confusion[-1].width)
    assert len(np.unique(drawn.reshape(-1, drawn.shape[2]), axis=0)) > 10


def test_a_log_changes_no_bit_of_the_training(call, quick, tmp_path):
    call("train", quick, "--run-dir", "run", "--tensorboard", "logs")
    call("train", quick, "--run-dir", "other")
    held = [(tmp_path / name / "best.safetensors").read_bytes() for name in ("run", "other")]
    assert held[0] == held[1]


def test_a_resumed_training_goes_on_in_the_log_of_its_run(call, quick, log, tmp_path):
    tensorboard = ("--tensorboard", "logs")
    call("train", quick, "--set", "training.epochs=3", "--run-dir", "straight", *tensorboard)
    call("train", quick, "--set", "training.epochs=1", "--run-dir", "run", *tensorboard)
    shutil.copytree(tmp_path / "run", tmp_path / "as it was")
    more = ("--resume", "run", "--set", "training.epochs=3")
    call("train", *more, *tensorboard)
    # As if that had been killed before its first checkpoint: the log has more than the run.
    shutil.rmtree(tmp_path / "run")
    (tmp_path / "as it was").rename(tmp_path / "run")
    call("train", *more, *tensorboard)
    assert len(list((tmp_path / "logs" / "run").glob(PATTERN))) == 3
    for tag in ("batch/loss", "batch/learning_rate", "loss/validation", "accuracy/train"):
        steps = [event.step for event in log().Scalars(tag)]
        assert steps == sorted(set(steps))
        assert curve(log(), tag) == curve(log("straight"), tag)


def test_a_log_that_begins_late_has_the_epochs_before_it(call, quick, log, tmp_path):
    call("train", quick, "--run-dir", "run")
    call("train", "--resume", "run", "--set", "training.epochs=3", "--tensorboard", "logs")
    losses = [float(row["train_loss"]) for row in rows(tmp_path / "run")]
    expected = dict(zip([BATCHES, 2 * BATCHES, 3 * BATCHES], losses, strict=True))
    assert curve(log(), "loss/train") == pytest.approx(expected, rel=1e-6)
    assert min(curve(log(), "batch/loss")) == 2 * BATCHES + 1


def test_a_new_training_takes_the_place_of_an_older_log(call, quick, log, tmp_path):
    call("train", quick, "--run-dir", "run", "--tensorboard", "logs")
    shutil.rmtree(tmp_path / "run")
    call("train", quick, "--set", "training.epochs=1", "--run-dir", "run", "--tensorboard", "logs")
    assert list(curve(log(), "loss/train")) == [BATCHES]


def test_without_validation_there_is_nothing_to_confuse(call, quick, log):
    call("train", quick, "--set", "data.validation=0", "--run-dir", "run", "--tensorboard", "logs")
    assert log().Tags()["images"] == ["kernels"]
    assert "loss/validation" not in log().Tags()["scalars"]


def test_a_folder_that_cannot_be_is_refused_before_any_work(call, quick, tmp_path):
    (tmp_path / "taken").write_text("")
    refused = call("train", quick, "--run-dir", "run", "--tensorboard", "taken")
    assert (refused.code, refused.stderr.count("\n")) == (1, 1)
    assert "taken: the folder cannot be made" in refused.stderr
    assert not (tmp_path / "run").exists()


def test_without_the_extra_a_line_says_what_to_install(call, quick, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    refused = call("train", quick, "--run-dir", "run", "--tensorboard", "logs")
    needs = "error: train --tensorboard needs the package tensorboardX, which is not installed"
    assert (refused.code, refused.stderr) == (1, f"{needs}: pip install 'convcli[tensorboard]'\n")
    assert not (tmp_path / "run").exists()
