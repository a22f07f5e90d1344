"""Rules that turn a gradient into a step, on all parameters at once: one flat vector, updated in place."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from convcli.config import Epsilon, Part
from convcli.engine.workspace import Array
from convcli.registry import Registry

_HINTS = {
    "momentum": "That is sgd with momentum = 0.9.",
    "nesterov": "That is sgd with momentum = 0.9 and nesterov = true.",
}
OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer", _HINTS)

Fraction = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Part):
    """One rule. What it remembers between steps is a `state` of vectors, which the caller keeps.

    `weight_decay` pulls the weights of conv and dense layers towards zero, not the biases and not what batch
    normalisation learns. It is added to the gradient (L2) except where the rule decouples it.

    The learning rate of biases, and of the β of normalisations, is `bias_rate_factor` times that of all else.
    Source: Page, 2018, "How to train your ResNet"; Jordan, 2024, arXiv:2404.00498, where it is 64.
    """

    learning_rate: PositiveFloat = 0.001
    weight_decay: NonNegativeFloat = 0.0
    bias_rate_factor: Annotated[float, Field(gt=0, le=1e6)] = 1.0

    vectors: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields:
            OPTIMIZERS.register(cls.name())(cls)

    def start(self, parameters: Array) -> dict[str, Array]:
        """Return the state before the first step."""
        return {name: np.zeros_like(parameters) for name in self.vectors}

    def step(
        self,
        parameters: Array,
        gradient: Array,
        decay: Array,
        state: dict[str, Array],
        rate: float | Array,
        step: int,
    ) -> None:
        """Take one step in place.

        Parameters
        ----------
        parameters, gradient : (size,)
            The gradient may be overwritten.
        decay : (size,)
            1 where weight decay applies, 0 elsewhere.
        state
            As `start` returned it; updated.
        rate : number or (size,)
            The learning rate of this step.
        step
            Its number, from 1.
        """
        if self.weight_decay:
            gradient += self.weight_decay * decay * parameters
        self.update(parameters, gradient, state, rate, step)

    @abstractmethod
    def update(
        self, parameters: Array, gradient: Array, state: dict[str, Array], rate: float | Array, step: int
    ) -> None:
        """Apply the rule itself."""


class SGD(Optimizer):
    """v ← momentum · v + g; w ← w − rate · v (Nesterov: rate · (g + momentum · v)).

    Source: Sutskever, Martens, Dahl and Hinton, ICML 2013, in PyTorch's form.
    """

    type: Literal["sgd"] = "sgd"
    learning_rate: PositiveFloat = 0.01
    momentum: Fraction = 0.0
    nesterov: bool = False

    vectors: ClassVar[tuple[str, ...]] = ("velocity",)

    @model_validator(mode="after")
    def _check(self) -> SGD:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov = true needs momentum above 0")
        return self

    def update(
        self, parameters: Array, gradient: Array, state: dict[str, Array], rate: float | Array, step: int
    ) -> None:
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += gradient
            gradient = gradient + self.momentum * velocity if self.nesterov else velocity
        parameters -= rate * gradient


class RMSProp(Optimizer):
    """s ← ρ s + (1 − ρ) g²; w ← w − rate · g / (√s + ε), with momentum where asked for.

    Source: Hinton, Srivastava and Swersky, lecture 6e of "Neural networks for machine learning", 2012.
    """

    type: Literal["rmsprop"] = "rmsprop"
    learning_rate: PositiveFloat = 0.01
    rho: Fraction = 0.99
    momentum: Fraction = 0.0
    epsilon: Epsilon = 1e-8

    vectors: ClassVar[tuple[str, ...]] = ("square", "velocity")

    def update(
        self, parameters: Array, gradient: Array, state: dict[str, Array], rate: float | Array, step: int
    ) -> None:
        square = state["square"]
        square *= self.rho
        square += (1 - self.rho) * gradient * gradient
        gradient /= np.sqrt(square) + self.epsilon
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += gradient
            gradient = velocity
        parameters -= rate * gradient


class Adam(Optimizer):
    """m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − rate · m̂ / (√v̂ + ε).

    Source: Kingma and Ba, 2015, arXiv:1412.6980.
    """

    type: Literal["adam"] = "adam"
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: Epsilon = 1e-8

    vectors: ClassVar[tuple[str, ...]] = ("mean", "square")

    def update(
        self, parameters: Array, gradient: Array, state: dict[str, Array], rate: float | Array, step: int
    ) -> None:
        mean, square = state["mean"], state["square"]
        mean *= self.beta1
        mean += (1 - self.beta1) * gradient
        square *= self.beta2
        gradient *= gradient
        gradient *= 1 - self.beta2
        square += gradient
        denominator = np.sqrt(square, out=gradient)
        denominator *= 1 / (1 - self.beta2**step) ** 0.5
        denominator += self.epsilon
        parameters -= np.divide(mean, denominator, out=denominator) * (rate / (1 - self.beta1**step))


class AdamW(Adam):
    """Adam with the weight decay taken off the weights directly: w ← w − rate · weight_decay · w.

    Source: Loshchilov and Hutter, 2019, arXiv:1711.05101.
    """

    type: Literal["adamw"] = "adamw"  # type: ignore[assignment]
    weight_decay: NonNegativeFloat = 0.01

    def step(
        self,
        parameters: Array,
        gradient: Array,
        decay: Array,
        state: dict[str, Array],
        rate: float | Array,
        step: int,
    ) -> None:
        if self.weight_decay:
            parameters *= 1 - rate * self.weight_decay * decay
        self.update(parameters, gradient, state, rate, step)
