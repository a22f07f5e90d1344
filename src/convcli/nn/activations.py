"""g in A = g(Z) and its derivative, side by side. A new one is one class here."""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from convcli.config import OneOf, Part
from convcli.engine.batch.pooling import masked
from convcli.engine.volumes import flat, laid_out
from convcli.engine.workspace import Array
from convcli.nn.piecewise import Piecewise
from convcli.nn.tape import Tape
from convcli.registry import Registry

_HINTS = {
    **dict.fromkeys(
        ("log_softmax", "logsoftmax"),
        "log_softmax belongs to the loss (cross_entropy has it): leave `activation` out of the last layer.",
    ),
    **dict.fromkeys(("relu6", "hardtanh"), "That is { type = 'clip', low = 0, high = 6 }, or other limits."),
    **dict.fromkeys(("swish", "swish_1"), "That is called 'silu' here."),
    "gelu_tanh": "That is { type = 'gelu', approximate = 'tanh' }.",
    "prelu": "prelu has a slope that is trained: it is a layer of its own, with type = 'prelu'.",
}
ACTIVATIONS: Registry[type[Activation]] = Registry(
    "activation", _HINTS, aliases=dict.fromkeys(("linear", "identity"), "none")
)


class Activation(Part):
    """One function g. Its options are its fields; what its derivative needs is on the tape, as of a layer.

    Attributes
    ----------
    letters, slope_letters
        g and its derivative as one would write them, with places for its options.
    rectifies
        Whether He's initialisation suits it, since it holds back about half of Z; otherwise Glorot's.
    increasing
        Whether a larger Z gives a larger A, or both have no gradient: then it may as well be applied after a
        maximum. Functions that level out, such as tanh, are left alone, since rounding decides their ties.
    elementwise
        Whether each number of A comes from one of Z.
    """

    letters: ClassVar[str]
    slope_letters: ClassVar[str]
    rectifies: ClassVar[bool] = False
    increasing: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields:
            ACTIVATIONS.register(cls.name())(cls)

    @property
    def formula(self) -> str:
        """g as one would write it."""
        return f"g(z) = {self.letters.format(**dict(self))}"

    @property
    def slope_formula(self) -> str:
        """Its derivative as one would write it."""
        return f"g′(z) = {self.slope_letters.format(**dict(self))}"

    @property
    def kinks(self) -> tuple[float, ...]:
        """Where it has no derivative."""
        return ()

    def __str__(self) -> str:
        """Its name, and the options that are not the usual ones."""
        usual = type(self).model_fields
        options = (f"{key}={value}" for key, value in self if value != usual[key].default)
        return " ".join((self.name(), *options))

    @property
    def words(self) -> list[str]:
        """What a layer's summary says of it; of none nothing."""
        return [str(self)]

    @abstractmethod
    def apply(self, z: Array, a: Array, tape: Tape) -> None:
        """Write A = g(Z) to `a`, which lies as `engine/volumes.py` says and may be Z itself."""

    @abstractmethod
    def derive(self, da: Array, tape: Tape) -> None:
        """Turn dA into dZ in place, after `apply` with the same tape; A is to be as it was then."""

    @model_serializer(mode="wrap")
    def _bare(self, handler: SerializerFunctionWrapHandler) -> Any:
        """Write one that has no options as its bare name."""
        document = handler(self)
        return self.name() if len(document) == 1 else document


ActivationOption: TypeAlias = Annotated[Activation, OneOf("activation", ACTIVATIONS)]
"""An activation as a field of options: its bare name, or a table with `type` and its options."""


class _ToldByA(Activation):
    """One whose slope A alone tells."""

    def apply(self, z: Array, a: Array, tape: Tape) -> None:
        self.values(z, a)
        tape.saved["g"] = a

    def derive(self, da: Array, tape: Tape) -> None:
        self.through(da, tape.saved["g"])

    @abstractmethod
    def values(self, z: Array, a: Array) -> None:
        """Write g(Z) to `a`."""

    @abstractmethod
    def through(self, da: Array, a: Array) -> None:
        """Turn dA into dZ, in place."""


class Identity(_ToldByA):
    """All as it comes."""

    letters: ClassVar[str] = "z"
    slope_letters: ClassVar[str] = "1"
    increasing: ClassVar[bool] = True

    type: Literal["none"] = "none"

    @property
    def words(self) -> list[str]:
        return []

    def values(self, z: Array, a: Array) -> None:
        if a is not z:
            np.copyto(a, z)

    def through(self, da: Array, a: Array) -> None:
        pass


class Relu(_ToldByA):
    """What is above 0; 0 for the rest."""

    letters: ClassVar[str] = "max(z, 0)"
    slope_letters: ClassVar[str] = "1 where z > 0, else 0"
    rectifies: ClassVar[bool] = True
    increasing: ClassVar[bool] = True

    type: Literal["relu"] = "relu"

    @property
    def kinks(self) -> tuple[float, ...]:
        return (0.0,)

    def values(self, z: Array, a: Array) -> None:
        np.clip(z, 0, np.inf, out=a)  # faster than np.maximum(z, 0)

    def through(self, da: Array, a: Array) -> None:
        mask = a <= 0
        masked(da, np.logical_not(mask, out=mask), da)  # NaN is not ≤ 0


class LeakyRelu(_ToldByA):
    """What is above 0; of the rest a share, the slope.

    Source: Maas, Hannun and Ng, 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    letters: ClassVar[str] = "max(z, {slope:g} z)"
    slope_letters: ClassVar[str] = "1 where z > 0, else {slope:g}"
    rectifies: ClassVar[bool] = True
    increasing: ClassVar[bool] = True

    type: Literal["leaky_relu"] = "leaky_relu"
    slope: Annotated[float, Field(ge=0, le=1)] = 0.01

    @property
    def kinks(self) -> tuple[float, ...]:
        return (0.0,) if self.slope != 1 else ()

    def values(self, z: Array, a: Array) -> None:
        np.maximum(z, z * z.dtype.type(self.slope), out=a)

    def through(self, da: Array, a: Array) -> None:
        # 1 and the slope by a maximum: to choose between them is slow, since their order cannot be foretold.
        da *= np.maximum(a > 0, da.dtype.type(self.slope))


class Elu(_ToldByA):
    """What is above 0; an exponential that levels out at −alpha for the rest.

    Source: Clevert, Unterthiner and Hochreiter, 2016, arXiv:1511.07289.
    """

    letters: ClassVar[str] = "z where z > 0, else {alpha:g} · (exp(z) − 1)"
    slope_letters: ClassVar[str] = "1 where z > 0, else {alpha:g} · exp(z)"
    rectifies: ClassVar[bool] = True

    type: Literal["elu"] = "elu"
    alpha: Annotated[float, Field(gt=0, le=1e6)] = 1.0

    @property
    def kinks(self) -> tuple[float, ...]:
        return (0.0,) if self.alpha != 1 else ()

    def values(self, z: Array, a: Array) -> None:
        below = np.minimum(z, 0)
        np.exp(below, out=below)
        below -= 1  # np.expm1 is far slower, for digits that are lost beside alpha
        below *= self.alpha
        np.maximum(z, 0, out=a)
        a += below

    def through(self, da: Array, a: Array) -> None:
        slopes = np.minimum(a, 0)
        slopes += self.alpha
        if self.kinks:
            slopes[a > 0] = 1
        da *= slopes


class Clip(_ToldByA):
    """What is above the lower limit and below the upper one; the limit for the rest. As it comes, relu6.

    Source: Krizhevsky, 2010, "Convolutional deep belief networks on CIFAR-10".
    """

    letters: ClassVar[str] = "min(max(z, {low:g}), {high:g})"
    slope_letters: ClassVar[str] = "1 where {low:g} < z < {high:g}, else 0"
    rectifies: ClassVar[bool] = True
    increasing: ClassVar[bool] = True

    type: Literal["clip"] = "clip"
    low: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    high: Annotated[float, Field(ge=-1e6, le=1e6)] = 6.0

    @model_validator(mode="after")
    def _check(self) -> Clip:
        if self.low >= self.high:
            raise ValueError(f"expected a lower limit below the upper one, not {self.low:g} … {self.high:g}")
        return self

    @property
    def kinks(self) -> tuple[float, ...]:
        return (self.low, self.high)

    def values(self, z: Array, a: Array) -> None:
        np.clip(z, self.low, self.high, out=a)

    def through(self, da: Array, a: Array) -> None:
        inside = a > self.low
        inside &= a < self.high
        masked(da, inside, da)


FAR = -80.0  # below, 1 + exp(−z) is exp(−z) in either dtype, and further below it overflows


class Sigmoid(_ToldByA):
    """A number from 0 to 1."""

    letters: ClassVar[str] = "1 / (1 + exp(−z))"
    slope_letters: ClassVar[str] = "g(z) · (1 − g(z))"

    type: Literal["sigmoid"] = "sigmoid"

    def values(self, z: Array, a: Array) -> None:
        far = z < FAR
        tails = np.exp(z[far]) if far.any() else None
        _sigmoid(np.negative(z, out=a))
        if tails is not None:
            a[far] = tails

    def through(self, da: Array, a: Array) -> None:
        np.multiply(da, a * (1 - a), out=da)


@np.errstate(over="ignore")
def _sigmoid(negated: Array) -> Array:
    """Turn −z into 1 / (1 + exp(−z)), in place, and return it."""
    # Not by way of tanh: near −1 it rounds small values away, and with AVX2 alone takes longer.
    np.exp(negated, out=negated)
    negated += 1
    np.reciprocal(negated, out=negated)
    return negated


class Tanh(_ToldByA):
    """A number from −1 to 1."""

    letters: ClassVar[str] = "tanh(z)"
    slope_letters: ClassVar[str] = "(1 − g(z)) · (1 + g(z))"

    type: Literal["tanh"] = "tanh"

    def values(self, z: Array, a: Array) -> None:
        np.tanh(z, out=a)

    def through(self, da: Array, a: Array) -> None:
        np.multiply(da, (1 - a) * (1 + a), out=da)  # 1 − a² would round a² first


class Softmax(_ToldByA):
    """Shares that sum to 1 over the channels of each cell, or over the features.

    That of a classifier's outputs is in its loss.
    """

    letters: ClassVar[str] = "exp(z) / Σ exp(z), over the channels"
    slope_letters: ClassVar[str] = "g(z) · (1 − g(z)) for its own z, −g(z) · g(z_j) for another z_j"
    elementwise: ClassVar[bool] = False

    type: Literal["softmax"] = "softmax"

    def values(self, z: Array, a: Array) -> None:
        np.subtract(z, z.max(-1, keepdims=True), out=a)
        np.exp(a, out=a)
        a /= a.sum(-1, keepdims=True)

    def through(self, da: Array, a: Array) -> None:
        da -= np.einsum("...c,...c->...", da, a)[..., None]
        da *= a


class _Smooth(Activation):
    """One whose slope is to be told from Z. It is looked up with A, while Z is in the cache."""

    rectifies: ClassVar[bool] = True

    def apply(self, z: Array, a: Array, tape: Tape) -> None:
        slopes = None
        if not tape.current.forward_only:
            slopes = tape.saved["g"] = tape.workspace.batch("slopes", z.shape, z.dtype)
        if z.dtype == np.float32:
            told = None if slopes is None else flat(slopes)
            _piecewise(self).apply(flat(laid_out(z)), flat(a), told, tape.current.scratch)
            return
        if slopes is not None:
            slopes[...] = self.slope_at(z)
        a[...] = self.value_at(z)

    def derive(self, da: Array, tape: Tape) -> None:
        np.multiply(da, tape.saved["g"], out=da)

    @abstractmethod
    def value_at(self, z: Array) -> Array:
        """Return g(Z) of float64."""

    @abstractmethod
    def slope_at(self, z: Array) -> Array:
        """Return g′(Z) of float64."""


@cache
def _piecewise(g: _Smooth) -> Piecewise:
    return Piecewise(g.value_at, g.slope_at)


class Silu(_Smooth):
    """z · σ(z), also called swish.

    Source: Elfwing, Uchibe and Doya, 2018, arXiv:1702.03118.
    """

    letters: ClassVar[str] = "z / (1 + exp(−z))"
    slope_letters: ClassVar[str] = "s · (1 + z · (1 − s)), s = 1 / (1 + exp(−z))"

    type: Literal["silu"] = "silu"

    def value_at(self, z: Array) -> Array:
        value: Array = z * _sigmoid(-z)
        return value

    def slope_at(self, z: Array) -> Array:
        gate = _sigmoid(-z)
        slope: Array = gate * (1 + z * (1 - gate))
        return slope


class Gelu(_Smooth):
    """z · Φ(z), with the normal distribution's Φ, or near it with a tanh (`approximate`).

    Source: Hendrycks and Gimpel, 2016, arXiv:1606.08415.
    """

    letters: ClassVar[str] = "z · Φ(z) = z/2 · (1 + erf(z / √2))"
    slope_letters: ClassVar[str] = "Φ(z) + z · exp(−z · z / 2) / √(2π)"

    type: Literal["gelu"] = "gelu"
    approximate: Literal["none", "tanh"] = "none"

    @property
    def formula(self) -> str:
        if self.approximate == "tanh":
            return "g(z) = z/2 · (1 + tanh(√(2/π) · (z + 0.044715 z³)))"
        return super().formula

    @property
    def slope_formula(self) -> str:
        if self.approximate == "tanh":
            gate = "s = 1 / (1 + exp(−√(8/π) · (z + 0.044715 z³)))"
            return f"g′(z) = s · (1 + z · (1 − s) · √(8/π) · (1 + 0.134145 z · z)), {gate}"
        return super().slope_formula

    def value_at(self, z: Array) -> Array:
        value: Array = z * self._gate(z)
        return value

    def slope_at(self, z: Array) -> Array:
        gate = self._gate(z)
        if self.approximate == "tanh":  # gate = σ(p), p = √(8/π) · (z + 0.044715 z³)
            slope: Array = gate * (1 + z * (1 - gate) * math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * z**2))
        else:
            slope = gate + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return slope

    def _gate(self, z: Array) -> Array:
        """Return Φ(Z), or what stands for it: ½(1 + tanh(y)) = σ(2y)."""
        if self.approximate == "tanh":
            return _sigmoid(-math.sqrt(8 / math.pi) * (z + 0.044715 * z**3))
        exact = (0.5 * math.erfc(-x / math.sqrt(2)) for x in z.ravel().tolist())
        return np.fromiter(exact, z.dtype, z.size).reshape(z.shape)
