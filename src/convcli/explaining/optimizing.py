"""One step of an optimizer with all that stands between the gradient and the new weight."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.notation import factor, number
from convcli.formats import toml
from convcli.nn.config import complaints
from convcli.nn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, RMSProp
from convcli.wording import shortened, suggestion


def optimizer_of(text: str, learning_rate: float) -> Optimizer:
    """Return the optimizer that a text such as `sgd momentum=0.9 nesterov=true` describes.

    `learning_rate` is its, where the text has none. Options are those of a configuration's
    `[training.optimizer]`.

    Raises
    ------
    UsageError
        If there is no such optimizer or option, or a value is out of range.
    """
    name, *words = text.split() or [""]
    kind = OPTIMIZERS[name]
    options: dict[str, Any] = {"learning_rate": learning_rate}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key == "type" or key not in kind.model_fields:
            known = [field for field in kind.model_fields if field != "type"]
            raise UsageError(
                f"--optimizer {shortened(text)}: {name} has no option {shortened(key)!r}."
                f"{suggestion(key, known)} They are written as KEY=VALUE, such as {known[0]}=0.01."
            )
        options[key] = _value(value)
    try:
        return kind(**options)
    except ValidationError as error:
        raise UsageError(f"--optimizer {shortened(text)}: {'; '.join(complaints(error))}.") from None


def _value(text: str) -> Any:
    try:
        return toml.loads(f"value = {text}")["value"]
    except (ValueError, tomllib.TOMLDecodeError):
        return text  # which the option says that it cannot be


def told(rule: Optimizer, *, rate: bool = True) -> str:
    """Return an optimizer with its options, as `optimizer_of` takes them, in the shortest way.

    >>> told(SGD(momentum=0.9, learning_rate=0.1))
    'sgd learning_rate=0.1 momentum=0.9'
    """
    given = {
        key: value
        for key, value in rule.model_dump().items()
        if (key == "learning_rate" and rate)
        or (key not in ("type", "learning_rate") and value != type(rule).model_fields[key].default)
    }
    values = (f"{key}={str(value).lower() if value is True else value}" for key, value in given.items())
    return " ".join([rule.name(), *values])


@dataclass(frozen=True, eq=False)
class Taken:
    """A step that was taken: of which rule, its number from 1, and all vectors (size,) before and after.

    `decay` is 1 where weight decay applies and 0 elsewhere, `rates` each weight's learning rate.
    """

    rule: Optimizer
    step: int
    before: Array
    gradient: Array
    decay: Array
    rates: Array
    state_before: Mapping[str, Array]
    state: Mapping[str, Array]
    after: Array

    @property
    def decayed(self) -> Array:
        """The gradient with weight decay in it, where the rule adds it there."""
        return np.asarray(self.gradient + self.rule.weight_decay * self.decay * self.before)


def walk(
    rule: Optimizer,
    weights: Array,
    gradients: Iterable[Array],
    biases: Array | None = None,
    decay: Array | None = None,
) -> list[Taken]:
    """Take a step for each of the gradients (size,).

    `biases` is 1 where a weight is a bias and `decay` 1 where weight decay applies; without them none is a
    bias, and all decay.
    """
    weights = weights.copy()
    decay = np.ones_like(weights) if decay is None else decay
    rates = np.full_like(weights, rule.learning_rate)
    if biases is not None:
        rates[biases > 0] *= rule.bias_rate_factor
    state, taken = rule.start(weights), list[Taken]()
    for step, gradient in enumerate(gradients, 1):
        before, state_before = weights.copy(), {name: vector.copy() for name, vector in state.items()}
        rule.step(weights, gradient.copy(), decay, state, rates, step)
        after = {name: vector.copy() for name, vector in state.items()}
        taken.append(Taken(rule, step, before, gradient, decay, rates, state_before, after, weights.copy()))
    return taken


class Quantity(NamedTuple):
    """What stands between a gradient and a new weight: of all weights, and how that of one comes about."""

    name: str
    values: Array
    how: Callable[[int], str]


def quantities(taken: Taken) -> list[Quantity]:
    """Return all that a step computes, in order; the last is the new weight."""
    kind = next((kind for kind in type(taken.rule).__mro__ if kind in _TELLING), None)
    between = _TELLING[kind](taken) if kind is not None else []
    change = taken.before - taken.after
    if not between or between[-1].name != "w":
        between.append(
            Quantity(
                "w",
                taken.after,
                lambda i: f"{number(taken.before[i])} − {factor(change[i])} = {number(taken.after[i])}",
            )
        )
    return between


def _decayed(taken: Taken) -> list[Quantity]:
    """Return the gradient that the rule goes on with, where weight decay changes it."""
    decay = taken.rule.weight_decay
    if not decay:
        return []
    return [
        Quantity(
            "g + λw",
            taken.decayed,
            lambda i: (
                f"{number(taken.gradient[i])} + {number(decay * taken.decay[i])}·{factor(taken.before[i])} "
                f"= {number(taken.decayed[i])}"
            ),
        )
    ]


def _moved(name: str, old: Array, keep: float, new: Array, share: float, square: str, to: Array) -> Quantity:
    """Return an average that moves: keep · old + share · new, or with `square` of its square."""

    def how(i: int) -> str:
        added = f"{factor(new[i])}{square}"
        added = added if share == 1 else f"{number(share)}·{added}"
        return f"{number(keep)}·{factor(old[i])} + {added} = {number(to[i])}"

    return Quantity(name, to, how)


def _change(rates: Array, along: Array, change: Array) -> Quantity:
    return Quantity(
        "change", change, lambda i: f"{number(rates[i])}·{factor(along[i])} = {number(change[i])}"
    )


def _sgd(taken: Taken) -> list[Quantity]:
    rule = taken.rule
    assert isinstance(rule, SGD)
    found, along = _decayed(taken), taken.decayed
    if rule.momentum:
        old, velocity = taken.state_before["velocity"], taken.state["velocity"]
        found.append(_moved("v", old, rule.momentum, along, 1, "", velocity))
        g, along = along, velocity
        if rule.nesterov:
            along = g + rule.momentum * velocity
            found.append(
                Quantity(
                    "g + μv",
                    along,
                    lambda i: (
                        f"{number(g[i])} + {number(rule.momentum)}·{factor(velocity[i])} = {number(along[i])}"
                    ),
                )
            )
    return [*found, _change(taken.rates, along, taken.before - taken.after)]


def _rmsprop(taken: Taken) -> list[Quantity]:
    rule = taken.rule
    assert isinstance(rule, RMSProp)
    g, old, square = taken.decayed, taken.state_before["square"], taken.state["square"]
    scaled = g / (np.sqrt(square) + rule.epsilon)
    found = [
        *_decayed(taken),
        _moved("s", old, rule.rho, g, 1 - rule.rho, "²", square),
        Quantity(
            "g / (√s + ε)",
            scaled,
            lambda i: (
                f"{factor(g[i])} / (√{number(square[i])} + {number(rule.epsilon)}) = {number(scaled[i])}"
            ),
        ),
    ]
    along = scaled
    if rule.momentum:
        along = taken.state["velocity"]
        found.append(_moved("v", taken.state_before["velocity"], rule.momentum, scaled, 1, "", along))
    return [*found, _change(taken.rates, along, taken.before - taken.after)]


def _adam(taken: Taken) -> list[Quantity]:
    rule, t = taken.rule, taken.step
    assert isinstance(rule, Adam)
    apart = isinstance(rule, AdamW) and rule.weight_decay
    g = taken.gradient if isinstance(rule, AdamW) else taken.decayed
    m, v = taken.state["mean"], taken.state["square"]
    m_hat, v_hat = m / (1 - rule.beta1**t), v / (1 - rule.beta2**t)
    along = m_hat / (np.sqrt(v_hat) + rule.epsilon)
    found = [
        *([] if isinstance(rule, AdamW) else _decayed(taken)),
        _moved("m", taken.state_before["mean"], rule.beta1, g, 1 - rule.beta1, "", m),
        _moved("v", taken.state_before["square"], rule.beta2, g, 1 - rule.beta2, "²", v),
        _unbiased("m̂", m, rule.beta1, t, m_hat),
        _unbiased("v̂", v, rule.beta2, t, v_hat),
        Quantity(
            "m̂ / (√v̂ + ε)",
            along,
            lambda i: (
                f"{factor(m_hat[i])} / (√{factor(v_hat[i])} + {number(rule.epsilon)}) = {number(along[i])}"
            ),
        ),
    ]
    if not apart:
        return [*found, _change(taken.rates, along, taken.before - taken.after)]
    return [
        *found,
        Quantity(
            "w",
            taken.after,
            lambda i: (
                f"(1 − {number(taken.rates[i])}·{number(rule.weight_decay * taken.decay[i])})"
                f"·{factor(taken.before[i])} − {number(taken.rates[i])}·{factor(along[i])} "
                f"= {number(taken.after[i])}"
            ),
        ),
    ]


def _unbiased(name: str, mean: Array, beta: float, t: int, result: Array) -> Quantity:
    def how(i: int) -> str:
        return f"{factor(mean[i])} / (1 − {number(beta)}{_power(t)}) = {number(result[i])}"

    return Quantity(name, result, how)


def _power(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


_TELLING: dict[type, Callable[[Taken], list[Quantity]]] = {SGD: _sgd, RMSProp: _rmsprop, Adam: _adam}
"""What each rule computes on its way; of a rule that is not here, what comes out is shown alone."""
