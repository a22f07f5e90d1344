"""An exercise as data, and what its numbers are drawn from: small whole numbers, easy on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.elements import Cell, Row, Step
from convcli.explaining.notation import number
from convcli.learn.answers import Answer, close

Draws: TypeAlias = np.random.Generator


@dataclass(frozen=True, eq=False)
class Exercise:
    """One question on given numbers.

    Attributes
    ----------
    question
        A sentence or two.
    rows
        What is given, as `explain` draws it.
    hint
        What helps after a first wrong answer, without the result.
    working
        How the result comes about, or what makes that when it is asked for.
    given
        The same numbers as plain JSON, by which somebody else may solve it.
    mistakes
        Wrong answers that are known, and what each looks like.
    """

    question: str
    rows: tuple[Row, ...]
    answer: Answer
    hint: str
    working: Step | Callable[[], Step]
    given: Mapping[str, Any]
    mistakes: tuple[tuple[Any, str], ...] = field(default=())

    @property
    def solution(self) -> Step:
        """How the result comes about."""
        return self.working if isinstance(self.working, Step) else self.working()

    def diagnosis(self, value: Any) -> str:
        """Return what a wrong value looks like, or nothing."""
        for wrong, words in self.mistakes:
            if same(value, wrong):
                return words
        return self.answer.nearly(value)


Kind: TypeAlias = Callable[[Draws], Exercise]
"""What makes an exercise of one kind; its name is the function's."""


def name_of(kind: Kind) -> str:
    """Return the name of a kind of exercises."""
    return kind.__name__.strip("_").replace("_", "-")


def matrix(draws: Draws, rows: int, columns: int, low: int = 0, high: int = 4) -> Array:
    """Return whole numbers from `low` to `high` (rows, columns)."""
    return draws.integers(low, high + 1, (rows, columns)).astype(np.float64)


def kernel(draws: Draws, side: int) -> Array:
    """Return weights from −1 to 2 that are not the same when flipped or transposed, some of them 0."""
    while True:
        weights = draws.choice([-1.0, 0.0, 0.0, 1.0, 1.0, 2.0], (side, side))
        alike = (weights[::-1, ::-1], weights.T, weights[::-1], weights[:, ::-1])
        if (weights != 0).sum() >= side and not any(np.array_equal(weights, other) for other in alike):
            return weights


def cell(draws: Draws, shape: tuple[int, int]) -> Cell:
    """Return a place that is another one with rows and columns exchanged, where there is one."""
    places = [(i, j) for i in range(shape[0]) for j in range(shape[1]) if i != j] or [(0, 0)]
    i, j = places[int(draws.integers(len(places)))]
    return i, j


def one_of(draws: Draws, things: Iterable[Any]) -> Any:
    """Return one of several things."""
    choices = list(things)
    return choices[int(draws.integers(len(choices)))]


def typed(array: Array) -> str:
    """Return a matrix, or a volume (h, w, c), as one types it in.

    >>> typed(np.array([[1.0, -2.0], [0.0, 0.5]]))
    '1 -2; 0 0.5'
    """
    if array.ndim == 3:
        return " | ".join(typed(array[:, :, c]) for c in range(array.shape[2]))
    return "; ".join(" ".join(number(value).replace("−", "-") for value in row) for row in array.tolist())


def known(right: Any, *mistakes: tuple[Any, str]) -> tuple[tuple[Any, str], ...]:
    """Return those mistakes whose result is not the right one by chance."""
    return tuple((wrong, words) for wrong, words in mistakes if not same(wrong, right))


def same(one: Any, other: Any) -> bool:
    """Whether two values, words or arrays are the same, to three decimals."""
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return first.shape == second.shape and bool(close(first, second).all())
