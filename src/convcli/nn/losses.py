"""What training makes small. Each loss gives its value, its gradient, and the probabilities it implies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from convcli.config import Part
from convcli.engine.workspace import Array
from convcli.errors import ConfigError
from convcli.registry import Registry
from convcli.wording import shortened, suggestion

LOSSES: Registry[type[Loss]] = Registry("loss")

LEAST_WEIGHT, LARGEST_WEIGHT = 1e-6, 1e6  # of a class


def _class_weights(value: object) -> object:
    if value is None or value == "balanced":
        return value
    if not (isinstance(value, dict) and value):
        raise ValueError(f'expected "balanced", or a table of classes and their weights, not {value!r}')
    for name, weight in value.items():
        if type(weight) not in (int, float) or not LEAST_WEIGHT <= weight <= LARGEST_WEIGHT:
            limits = f"{LEAST_WEIGHT:g} … {LARGEST_WEIGHT:,.0f}"
            raise ValueError(f"{name}: expected a weight of {limits}, not {weight!r}")
    return value


class Loss(Part):
    """A function of the network's outputs (n, classes) and what they should say: the targets.

    Targets are the true labels (n,), integers, or each sample's shares of the classes (n, classes): floats
    that sum to 1. With label smoothing ε, shares q become (1 − ε) q + ε/classes; a label has the share 1.
    Source: Szegedy et al., 2016, arXiv:1512.00567, section 7.

    A class that has the weight 2 counts as if there were twice as many images of it; those that a table
    leaves out have 1. "balanced" lets all classes count the same. See `weighing`.

    Attributes
    ----------
    formula
        What `probabilities` gives, in letters.
    """

    formula: ClassVar[str]

    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_weights: Annotated[
        Literal["balanced"] | dict[str, float] | None, BeforeValidator(_class_weights)
    ] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        LOSSES.register(cls.name())(cls)

    def weighing(self, classes: Sequence[str], labels: Array) -> Self:
        """Return the loss with a weight for each of the `classes`, as they are to have among these `labels`.

        The mean of the weights of `labels` is 1. So the sum of a batch's losses is divided by its size, which
        is known before its pieces are computed apart; over an epoch that is the weighted mean.

        Raises ConfigError if a weight is of no class.
        """
        if self.class_weights is None:
            return self
        counts = np.bincount(labels, minlength=len(classes))
        if isinstance(self.class_weights, str):
            weights = 1 / np.maximum(counts, 1)
        else:
            for name in self.class_weights:
                if name not in classes:
                    told = f"training.loss.class_weights: there is no class {shortened(repr(name))}."
                    raise ConfigError(told + suggestion(name, classes))
            weights = np.array([self.class_weights.get(name, 1.0) for name in classes])
        weights = weights * (len(labels) / (weights @ counts))
        return self.model_copy(update={"class_weights": dict(zip(classes, weights.tolist(), strict=True))})

    @property
    def weights(self) -> Array | None:
        """Each class's weight (classes,), once `weighing` has found them; None where all have the same."""
        if self.class_weights is None:
            return None
        assert isinstance(self.class_weights, dict), "weights depend on the images"
        return np.array(list(self.class_weights.values()))

    def mean(self, losses: Array, labels: Array) -> float:
        """Return the mean of `losses` (n,) of images with these `labels` (n,), by the weights of classes."""
        total = len(labels) if self.weights is None else self.weights[labels].sum()
        return float(losses.sum(dtype=np.float64) / total)

    @abstractmethod
    def evaluate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Return each sample's loss (n,) and its gradient with respect to its outputs (n, classes)."""

    def shares(self, targets: Array, outputs: Array) -> Array:
        """Return what `outputs` should say, (n, classes) of their dtype: shares of the classes, smoothed."""
        classes, dtype = outputs.shape[1], outputs.dtype
        if targets.ndim == 2:
            q = targets.astype(dtype)
        else:
            q = np.zeros(outputs.shape, dtype)
            q[np.arange(len(targets)), targets] = 1
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
    """L = −Σ w q log p with p = softmax(outputs), both computed together so that nothing overflows.

    w are the weights of the classes, 1 if there are none. The likeliest class's 1 − p is the sum of the
    others' p, so that neither a small loss nor its gradient, p − q without weights, is rounded away.
    """

    formula: ClassVar[str] = "p = softmax(outputs)"

    type: Literal["cross_entropy"] = "cross_entropy"

    def evaluate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        if targets.ndim == 2 or self.class_weights is not None:
            return self._weighed(outputs, targets)
        log_p, p, rest, likeliest = _softmax(outputs)
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

    def _weighed(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Return the same of L = −Σ t focus log p, where t are the shares by the weights of classes."""
        log_p, p, rest, _ = _softmax(outputs)
        t = self.shares(targets, outputs)
        if self.weights is not None:
            t *= self.weights.astype(t.dtype)
        focus, slope = self._focus(log_p, p, rest)
        losses = -np.multiply(t * focus, log_p, where=t > 0, out=np.zeros_like(t)).sum(1)
        t *= slope
        return losses, p * (t.sum(1, keepdims=True) - t) - rest * t

    def _focus(self, log_p: Array, p: Array, rest: Array) -> tuple[Array | float, Array | float]:
        """Return what −log p is multiplied by, and p times the derivative of the product, its sign turned."""
        return 1.0, 1.0

    def of_guessing(self, shares: Array) -> float:
        t = self._expected(shares)
        p = t / t.sum()
        return float(-np.sum(t * np.log(p, where=t > 0, out=np.zeros_like(t))))

    def _expected(self, shares: Array) -> Array:
        """Return the mean of t over images whose classes have these shares."""
        t: Array = self.shares(shares[None], shares[None])[0]
        if self.weights is not None:
            t *= self.weights
        return t

    @np.errstate(over="ignore")  # the exponential of −∞ is 0, which is right
    def probabilities(self, outputs: Array) -> Array:
        p: Array = np.exp(outputs - outputs.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return p


class Focal(CrossEntropy):
    """L = −Σ w q (1 − p)^γ log p with p = softmax(outputs): what is nearly right already counts less.

    The α that the paper gives to each class is its weight w. Of two classes it is the paper's loss, whose p
    is a sigmoid, of the difference of the outputs.
    Source: Lin, Goyal, Girshick, He and Dollár, 2017, arXiv:1708.02002.
    """

    type: Literal["focal"] = "focal"  # type: ignore[assignment]
    gamma: Annotated[float, Field(ge=0, le=100)] = 2.0

    @model_validator(mode="before")
    @classmethod
    def _alpha_is_a_weight(cls, table: Any) -> Any:
        if isinstance(table, dict) and "alpha" in table:
            raise ValueError(
                'alpha: the weights of classes are class_weights = "balanced", or a table: { NAME = 0.25, … }'
            )
        return table

    def evaluate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        return self._weighed(outputs, targets)

    def _focus(self, log_p: Array, p: Array, rest: Array) -> tuple[Array | float, Array | float]:
        limits = np.finfo(rest.dtype)
        focus = rest**self.gamma
        # Where p nears 1, log p / (1 − p) nears −1, also when both have become 0.
        log_over_rest = np.maximum(log_p, limits.min) / np.maximum(rest, limits.tiny)
        return focus, focus * (1 - self.gamma * p * log_over_rest)

    def of_guessing(self, shares: Array) -> float:
        # The best p have t · slope(p) / p = λ for all classes; λ is where they sum to 1.
        t = self._expected(shares)
        p = np.geomspace(1e-12, 1, 1 << 14)
        _, slope = self._focus(np.log(p), p, 1 - p)
        falls, known = (slope / p)[::-1], t > 0
        low, high = -30.0, 60.0
        for _ in range(60):
            middle = (low + high) / 2
            best = np.interp(np.exp(middle) / t[known], falls, p[::-1])
            low, high = (middle, high) if best.sum() > 1 else (low, middle)
        best /= best.sum()
        focus, _ = self._focus(np.log(best), best, 1 - best)
        return float(-np.sum(t[known] * focus * np.log(best)))


class MeanSquaredError(Loss):
    """L = mean over the classes of (output − q)², times the weight of the image's class.

    As probabilities it gives the nearest point, in squared error, with parts ≥ 0 that sum to 1.
    Source: Duchi, Shalev-Shwartz, Singer and Chandra, 2008, "Efficient projections onto the l1-ball".
    """

    formula: ClassVar[str] = "p = max(outputs − t, 0), with t such that they sum to 1"

    type: Literal["mean_squared_error"] = "mean_squared_error"

    def evaluate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        error = outputs - self.shares(targets, outputs)
        losses = np.einsum("ij,ij->i", error, error) / outputs.shape[1]
        error *= error.dtype.type(2 / outputs.shape[1])
        if self.weights is not None:
            weights = (self.weights[targets] if targets.ndim == 1 else targets @ self.weights).astype(
                error.dtype
            )
            losses *= weights
            error *= weights[:, None]
        return losses, error

    def of_guessing(self, shares: Array) -> float:
        weighed = shares if self.weights is None else shares * self.weights
        total = weighed.sum()
        apart = total - np.sum(weighed**2) / total
        return float((1 - self.label_smoothing) ** 2 * apart / len(shares))

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
