"""One exercise being answered: a hint after the first wrong answer, the solution after the second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from convcli.errors import UsageError
from convcli.learn.exercises import Exercise

TRIES = 2


@dataclass(frozen=True)
class Reply:
    """What is said to an answer.

    Attributes
    ----------
    verdict
        `unreadable` answers are no tries; `wrong` leaves another one; at `told` the solution is due.
    lines
        A diagnosis, a hint, what is expected.
    """

    verdict: Literal["right", "wrong", "told", "unreadable"]
    lines: tuple[str, ...] = ()


@dataclass
class Attempt:
    """An exercise, and how often it was answered wrongly."""

    exercise: Exercise
    wrong: int = 0
    over: bool = False

    def answer(self, text: str) -> Reply:
        """Return what there is to say to an answer."""
        exercise = self.exercise
        try:
            value = exercise.answer.read(text)
        except UsageError as error:
            return Reply("unreadable", error.lines)
        if exercise.answer.right(value):
            self.over = True
            return Reply("right")
        self.wrong += 1
        diagnosis = exercise.diagnosis(value)
        looks = (f"{diagnosis[0].upper()}{diagnosis[1:]}.",) if diagnosis else ()
        if self.wrong < TRIES:
            return Reply("wrong", (*looks, exercise.hint))
        self.over = True
        return Reply("told", looks)

    def skip(self) -> Reply:
        """Return the solution without an answer."""
        self.over = True
        return Reply("told")
