"""How well outputs fit labels: one function for the figures of training, validation and evaluation alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.losses import Loss

MACRO = ("precision", "recall", "f1")


@dataclass(frozen=True)
class ClassFigures:
    """Precision, recall and F1 of one class, and how many samples have it; 0 where nothing can be divided."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures of a classifier on a set of samples.

    Attributes
    ----------
    loss, accuracy
        Means over the samples, the first by the weights of their classes.
    confusion : (classes, classes), int64
        How many samples of the class of the row were taken for the class of the column.
    classes
        Their names.
    """

    loss: float
    accuracy: float
    confusion: Array
    classes: tuple[str, ...]

    @property
    def samples(self) -> int:
        """How many samples were judged."""
        return int(self.confusion.sum())

    @property
    def per_class(self) -> list[ClassFigures]:
        """Each class's figures, in the order of the classes."""
        hits = self.confusion.diagonal()
        taken, support = self.confusion.sum(0), self.confusion.sum(1)
        return [
            ClassFigures(
                name,
                float(hit / max(took, 1)),
                float(hit / max(has, 1)),
                float(2 * hit / max(took + has, 1)),
                int(has),
            )
            for name, hit, took, has in zip(self.classes, hits, taken, support, strict=True)
        ]

    @property
    def macro(self) -> ClassFigures:
        """The means over the classes that have samples or were guessed, so that each counts the same."""
        known = [
            row for row in zip(self.per_class, self.confusion.sum(0), strict=True) if row[0].support or row[1]
        ]
        precision, recall, f1 = (float(np.mean([getattr(row, name) for row, _ in known])) for name in MACRO)
        return ClassFigures("mean", precision, recall, f1, self.samples)

    def document(self) -> dict[str, Any]:
        """Return the figures as plain JSON."""
        return {
            "samples": self.samples,
            "accuracy": self.accuracy,
            "loss": self.loss,
            "macro": {name: getattr(self.macro, name) for name in MACRO},
            "classes": [vars(figures) for figures in self.per_class],
            "confusion": self.confusion.tolist(),
        }


def evaluate(outputs: Array, labels: Array, loss: Loss, classes: tuple[str, ...]) -> Evaluation:
    """Return the figures of `outputs` (n, classes) against the true `labels` (n,)."""
    with np.errstate(over="ignore", invalid="ignore"):  # it shows in the loss
        losses, _ = loss.evaluate(outputs, labels)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (labels, outputs.argmax(1)), 1)
    return Evaluation(
        loss.mean(losses, labels),
        float(confusion.trace() / len(labels)),
        confusion,
        classes,
    )
