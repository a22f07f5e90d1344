"""What training makes small. Each loss gives its value, its gradient, and the probabilities it implies."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from convcli.config import Part
from convcli.engine.workspace import Array
from convcli.registry import Registry

LOSSES: Registry[type[Loss]] = Registry("loss")


class Loss(Part):
    """A function of the network's outputs (n, classes) and the true labels (n,).

    Attributes
    ----------
    formula
        What `probabilities` gives, in letters.
    """

    formula: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        LOSSES.register(cls.name())(cls)

    @abstractmethod
    def evaluate(self, outputs: Array, labels: Array) -> tuple[Array, Array]:
        """Return each sample's loss (n,) and its gradient with respect to its outputs (n, classes)."""

    @abstractmethod
    def probabilities(self, outputs: Array) -> Array:
        """Return what the outputs say of each class: (n, classes), rows that sum to 1, in the same order."""

    @abstractmethod
    def of_guessing(self, shares: Array) -> float:
        """Return the loss of the best outputs that do not depend on the image; `shares` are the classes'."""


class CrossEntropy(Loss):
    """L = −Σ q log p with p = softmax(outputs), both computed together so that nothing overflows.

    The likeliest class's 1 − p is the sum of the others' p, so that neither a small loss nor its gradient is
    rounded away.

    With label smoothing ε, q is 1 − ε + ε/classes at the true class and ε/classes elsewhere.
    Source: Szegedy et al., 2016, arXiv:1512.00567, section 7. The gradient is p − q.
    """

    formula: ClassVar[str] = "p = softmax(outputs)"

    type: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def evaluate(self, outputs: Array, labels: Array) -> tuple[Array, Array]:
        samples, likeliest = np.arange(len(labels)), outputs.argmax(1)
        share, sure = self.label_smoothing / outputs.shape[1], 1 - self.label_smoothing
        shifted = outputs - outputs[samples, likeliest, None]
        p = np.exp(shifted)
        p[samples, likeliest] = 0
        others = p.sum(1)
        log_total = np.log1p(others)
        p /= (1 + others)[:, None]
        losses = -sure * (shifted[samples, labels] - log_total)
        if share:
            losses -= share * (shifted.sum(1) - outputs.shape[1] * log_total)
            p -= p.dtype.type(share)
        p[samples, labels] -= sure
        p[samples, likeliest] += 1 / (1 + others)
        right = likeliest == labels
        p[samples[right], labels[right]] = (self.label_smoothing - share) - (others / (1 + others))[right]
        return losses, p

    def of_guessing(self, shares: Array) -> float:
        q = (1 - self.label_smoothing) * shares + self.label_smoothing / len(shares)
        return float(-np.sum(q * np.log(q, where=q > 0, out=np.zeros_like(q))))

    @np.errstate(over="ignore")  # the exponential of −∞ is 0, which is right
    def probabilities(self, outputs: Array) -> Array:
        p: Array = np.exp(outputs - outputs.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return p


class MeanSquaredError(Loss):
    """L = mean over the classes of (output − q)², with q = 1 at the true class and 0 elsewhere.

    As probabilities it gives the nearest point, in squared error, with parts ≥ 0 that sum to 1.
    Source: Duchi, Shalev-Shwartz, Singer and Chandra, 2008, "Efficient projections onto the l1-ball".
    """

    formula: ClassVar[str] = "p = max(outputs − t, 0), with t such that they sum to 1"

    type: Literal["mean_squared_error"] = "mean_squared_error"

    def evaluate(self, outputs: Array, labels: Array) -> tuple[Array, Array]:
        error = outputs.copy()
        error[np.arange(len(labels)), labels] -= 1
        losses = np.einsum("ij,ij->i", error, error) / outputs.shape[1]
        error *= error.dtype.type(2 / outputs.shape[1])
        return losses, error

    def of_guessing(self, shares: Array) -> float:
        return float((1 - np.sum(shares**2)) / len(shares))

    @np.errstate(over="ignore")  # −∞ is below every part that is kept
    def probabilities(self, outputs: Array) -> Array:
        # A shift changes nothing, and near 0 the sums are exact however large the outputs are.
        shifted = outputs - outputs.max(1, keepdims=True)
        descending = -np.sort(-shifted, axis=1)
        excess = (descending.cumsum(1) - 1) / np.arange(1, outputs.shape[1] + 1, dtype=outputs.dtype)
        kept = (descending > excess).sum(1, keepdims=True)
        p: Array = np.maximum(shifted - np.take_along_axis(excess, kept - 1, 1), 0)
        return p
