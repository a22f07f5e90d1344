"""g in A = g(Z) and its derivative, side by side, both in place; each derivative is told from A alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convcli.engine.batch.pool import masked
from convcli.engine.workspace import Array
from convcli.registry import Registry

LEAKY_SLOPE = 0.01


@dataclass(frozen=True)
class Activation:
    """One function g.

    Attributes
    ----------
    formula
        g as one would write it.
    apply
        Turn Z into A = g(Z), in place.
    derive
        Turn dA into dZ = dA · g′(Z), in place, given A.
    rectifies
        Whether He's initialisation suits it; otherwise Glorot's.
    increasing
        Whether a larger Z gives a larger A, or both have no gradient: then it may as well be applied after a
        maximum. Functions that level out, such as tanh, are left alone, since rounding decides their ties.
    """

    formula: str
    apply: Callable[[Array], object]
    derive: Callable[[Array, Array], object]
    rectifies: bool = False
    increasing: bool = False


_SOFTMAX = "softmax belongs to the loss (cross_entropy has it): leave `activation` out of the last layer."
_HINTS = {
    **dict.fromkeys(("softmax", "log_softmax", "logsoftmax"), _SOFTMAX),
    **dict.fromkeys(("linear", "identity"), "That is called 'none' here."),
}
ACTIVATIONS: Registry[Activation] = Registry("activation", _HINTS)


FAR = -80.0  # below, 1 + exp(−z) is exp(−z) in either dtype, and further below it overflows


def _sigmoid(z: Array) -> None:
    # Not by way of tanh, which takes half the time: near −1 it rounds small values away.
    far = z < FAR
    tails = np.exp(z[far]) if far.any() else None
    with np.errstate(over="ignore"):
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        np.reciprocal(z, out=z)
    if tails is not None:
        z[far] = tails


def _derive_relu(da: Array, a: Array) -> None:
    mask = a <= 0
    masked(da, np.logical_not(mask, out=mask), da)  # NaN is not ≤ 0


def _leaky_relu(z: Array) -> None:
    np.maximum(z, z * z.dtype.type(LEAKY_SLOPE), out=z)


def _derive_leaky_relu(da: Array, a: Array) -> None:
    one = da.dtype.type(1)
    da *= np.where(a > 0, one, one * LEAKY_SLOPE)  # faster than a product with `where=`


ACTIVATIONS.register("none")(Activation("g(z) = z", lambda z: None, lambda da, a: None, increasing=True))
ACTIVATIONS.register("relu")(
    Activation(
        "g(z) = max(z, 0)",
        lambda z: np.clip(z, 0, np.inf, out=z),  # faster than np.maximum(z, 0)
        _derive_relu,
        rectifies=True,
        increasing=True,
    )
)
ACTIVATIONS.register("leaky_relu")(
    Activation(
        f"g(z) = max(z, {LEAKY_SLOPE} z)", _leaky_relu, _derive_leaky_relu, rectifies=True, increasing=True
    )
)
ACTIVATIONS.register("sigmoid")(
    Activation("g(z) = 1 / (1 + exp(−z))", _sigmoid, lambda da, a: np.multiply(da, a * (1 - a), out=da))
)
ACTIVATIONS.register("tanh")(
    Activation(
        "g(z) = tanh(z)",
        lambda z: np.tanh(z, out=z),
        lambda da, a: np.multiply(da, (1 - a) * (1 + a), out=da),  # 1 − a² would round a² first
    )
)
