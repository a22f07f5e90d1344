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
    """A function of the network's outputs (n, classes) and what they should say: the targets.

    Targets are the true labels (n,), integers, or each sample's shares of the classes (n, classes): floats
    that sum to 1. With label smoothing ε, shares q become (1 − ε) q + ε/classes; a label has the share 1.
    Source: Szegedy et al., 2016, arXiv:1512.00567, section 7.

    Attributes
    ----------
    formula
        What `probabilities` gives, in letters.
    """

    formula: ClassVar[str]

    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        LOSSES.register(cls.name())(cls)

    @abstractmethod
    def evaluate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Return each sample's loss (n,) and its gradient with respect to its outputs (n, classes)."""

    def shares(self, targets: Array, outputs: Array) -> Array:
        """Return what `outputs` should say, (n, classes) of their dtype: shares of the classes, smoothed."""
        classes, dtype = outputs.shape[1], outputs.dtype
        q = np.eye(classes, dtype=dtype)[targets] if targets.ndim == 1 else targets.astype(dtype)
        q *= dtype.type(1 - self.label_smoothing)
        q += dtype.type(self.label_smoothing / classes)
        return q

    @abstractmethod
    def probabilities(self, outputs: Array) -> Array:
        """Return what the outputs say of each class: (n, classes), rows that sum to 1, in the same order."""

    @abstractmethod
    def of_guessing(self, shares: Array) -> float:
        """Return the loss of the best outputs that do not depend on the image; `shares` are the classes'."""


class CrossEntropy(Loss):
    """L = −Σ q log p with p = softmax(outputs), both computed together so that nothing overflows.

    The likeliest class's 1 − p is the sum of the others' p, so that neither a small loss nor its gradient,
    which is p − q, is rounded away.
    """

    formula: ClassVar[str] = "p = softmax(outputs)"

    type: Literal["cross_entropy"] = "cross_entropy"

    def evaluate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        log_p, p, rest, likeliest = _softmax(outputs)
        if targets.ndim == 2:
            q = self.shares(targets, outputs)
            losses = -np.multiply(q, log_p, where=q > 0, out=np.zeros_like(q)).sum(1)
            return losses, p * (q.sum(1, keepdims=True) - q) - rest * q
        samples, labels, classes = np.arange(len(targets)), targets, outputs.shape[1]
        share, sure = self.label_smoothing / classes, 1 - self.label_smoothing
        losses = -sure * log_p[samples, labels]
        if share:
            losses -= share * log_p.sum(1)
            p -= p.dtype.type(share)
        right = likeliest == labels
        p[samples, labels] -= sure
        p[samples[right], labels[right]] = (self.label_smoothing - share) - rest[samples, likeliest][right]
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
    """L = mean over the classes of (output − q)².

    As probabilities it gives the nearest point, in squared error, with parts ≥ 0 that sum to 1.
    Source: Duchi, Shalev-Shwartz, Singer and Chandra, 2008, "Efficient projections onto the l1-ball".
    """

    formula: ClassVar[str] = "p = max(outputs − t, 0), with t such that they sum to 1"

    type: Literal["mean_squared_error"] = "mean_squared_error"

    def evaluate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        error = outputs - self.shares(targets, outputs)
        losses = np.einsum("ij,ij->i", error, error) / outputs.shape[1]
        error *= error.dtype.type(2 / outputs.shape[1])
        return losses, error

    def of_guessing(self, shares: Array) -> float:
        return float((1 - self.label_smoothing) ** 2 * (1 - np.sum(shares**2)) / len(shares))

    @np.errstate(over="ignore")  # −∞ is below every part that is kept
    def probabilities(self, outputs: Array) -> Array:
        # A shift changes nothing, and near 0 the sums are exact however large the outputs are.
        shifted = outputs - outputs.max(1, keepdims=True)
        descending = -np.sort(-shifted, axis=1)
        excess = (descending.cumsum(1) - 1) / np.arange(1, outputs.shape[1] + 1, dtype=outputs.dtype)
        kept = (descending > excess).sum(1, keepdims=True)
        p: Array = np.maximum(shifted - np.take_along_axis(excess, kept - 1, 1), 0)
        return p


def _softmax(outputs: Array) -> tuple[Array, Array, Array, Array]:
    """Return log p, p and 1 − p, each (n, classes), and the likeliest classes (n,); p is softmax(outputs)."""
    samples, likeliest = np.arange(len(outputs)), outputs.argmax(1)
    log_p = outputs - outputs[samples, likeliest, None]
    p = np.exp(log_p)
    p[samples, likeliest] = 0
    others = p.sum(1)
    log_p -= np.log1p(others)[:, None]
    p /= (1 + others)[:, None]
    rest = 1 - p
    rest[samples, likeliest] = others / (1 + others)
    p[samples, likeliest] = 1 / (1 + others)
    return log_p, p, rest, likeliest
