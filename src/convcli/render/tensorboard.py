"""What TensorBoard shows of a training: figures by name, kernels and the confusion matrix as pictures."""

from __future__ import annotations

import math

import numpy as np

from convcli.images import Image, encode
from convcli.nn.evaluation import Evaluation
from convcli.nn.model import Model
from convcli.render.report.confusion import MOST_DRAWN, png
from convcli.render.report.pictures import kernel
from convcli.report import first_kernels
from convcli.training import BatchDone, Metrics

MOST_KERNELS = 64
SIDE, GAP = 48, 4  # pixels of a kernel, and between two


def batch_figures(event: BatchDone) -> dict[str, float]:
    """Return the figures of a batch; loss and accuracy are means of its epoch so far."""
    return {
        "batch/loss": event.loss,
        "batch/accuracy": event.accuracy,
        "batch/learning_rate": event.learning_rate,
    }


def epoch_figures(metrics: Metrics) -> dict[str, float]:
    """Return the figures of an epoch that there are."""
    figures = {
        "loss/train": metrics.train_loss,
        "loss/validation": metrics.validation_loss,
        "accuracy/train": metrics.train_accuracy,
        "accuracy/validation": metrics.validation_accuracy,
        "epoch/number": metrics.epoch,
        "epoch/learning_rate": metrics.learning_rate,
        "epoch/images_per_second": metrics.images_per_second,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def kernels_png(model: Model) -> bytes | None:
    """Return the weights that look at the image itself, on one sheet; None where there are none."""
    found = first_kernels(model)
    if found is None:
        return None
    shown = found.weights[:MOST_KERNELS]
    pictures = [kernel(weights, float(np.abs(shown).max())) for weights in shown]
    times = max(1, SIDE // max(pictures[0].shape[:2]))
    rows, columns = (times * side for side in pictures[0].shape[:2])
    across = math.ceil(math.sqrt(len(pictures)))
    down = math.ceil(len(pictures) / across)
    height, width = down * (rows + GAP) - GAP, across * (columns + GAP) - GAP
    sheet = np.full((height, width, *pictures[0].shape[2:]), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = (number // across) * (rows + GAP), (number % across) * (columns + GAP)
        sheet[top : top + rows, left : left + columns] = picture.repeat(times, 0).repeat(times, 1)
    return encode(Image(sheet), "png")


def confusion_png(figures: Evaluation) -> bytes | None:
    """Return the confusion matrix as a picture; None where it would be too large for one."""
    return png(figures) if len(figures.classes) <= MOST_DRAWN else None
