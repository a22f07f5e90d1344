"""Lessons from Python: a figure, exercises on fresh numbers, and answers that are checked; for notebooks."""

from __future__ import annotations

from numbers import Real
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcli import learn
from convcli.errors import UsageError
from convcli.explaining import elements
from convcli.learn.answers import Sizes
from convcli.public.explanation import Explanation


class Verdict:
    """What there is to say to an answer; true if it was right. A notebook shows the solution once due."""

    def __init__(self, lines: tuple[str, ...], right: bool, solution: Explanation | None = None) -> None:
        self.lines, self.right, self.solution = lines, right, solution

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_svg_(self) -> str | None:
        return None if self.solution is None else self.solution.svg()


class Exercise:
    """A question on fresh numbers. A notebook shows what is given; `check` takes an answer."""

    def __init__(self, core: learn.Exercise, number: int) -> None:
        self._core, self._number = core, number
        self._attempt = learn.Attempt(core)

    @property
    def question(self) -> str:
        """What is asked."""
        return self._core.question

    @property
    def given(self) -> dict[str, Any]:
        """The numbers that are given, as plain JSON; places count from 0 there."""
        return dict(self._core.given)

    @property
    def solution(self) -> Explanation:
        """How the result comes about."""
        step = self._core.solution
        shown = elements.Step(step.title, (*step.rows, *self._core.answer.rows), step.data)
        return Explanation(elements.Explanation("lesson", "The solution", (shown,), {}, (0,)))

    def check(self, answer: ArrayLike | str | EllipsisType) -> Verdict:
        """Return whether an answer is right; if not, a hint, and after a second wrong one the solution.

        Parameters
        ----------
        answer
            A number, a matrix (lists or an array), sizes or a place (a tuple, counted from 1), or any of
            them as one types it in: "1/9", "1 2; 3 4", "5x5x2". `...` stands for no answer yet.
        """
        expects = self._core.answer.expects
        if isinstance(answer, EllipsisType):
            return Verdict((f"Write your answer in place of the dots: {expects}.",), False)
        if self._attempt.over:
            self._attempt = learn.Attempt(self._core, wrong=1)
        reply = self._attempt.answer(self._typed(answer))
        if reply.verdict == "right":
            return Verdict(("Right.",), True)
        if reply.verdict == "told":
            return Verdict(("Not yet.", *reply.lines), False, self.solution)
        return Verdict(("Not yet.",) * (reply.verdict == "wrong") + reply.lines, False)

    def _typed(self, answer: Any) -> str:
        """Return an answer as text."""
        if isinstance(answer, str):
            return answer
        if isinstance(answer, Real):
            return repr(float(answer))
        try:
            array = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError):
            return str(answer)
        if array.ndim == 0:
            return repr(float(array))
        if isinstance(self._core.answer, Sizes):
            return "x".join(f"{size:g}" for size in array.ravel())
        return str(array.tolist())

    def __repr__(self) -> str:
        return f"Exercise {self._number}: {self.question}"

    def _repr_svg_(self) -> str | None:
        if not self._core.rows:
            return None
        step = elements.Step(f"Exercise {self._number}", self._core.rows)
        return Explanation(elements.Explanation("lesson", self.question, (step,), {}, (0,))).svg()


class Lesson:
    """A lesson with its numbers drawn. A notebook shows its text."""

    def __init__(self, core: learn.Lesson, seed: int) -> None:
        self._core, self.seed = core, seed
        drawn = (core.draw(kind, seed) for kind in core.kind)
        self.exercises = tuple(Exercise(one, number) for number, one in enumerate(drawn, 1))

    @property
    def name(self) -> str:
        """Its name, such as "stride"."""
        return self._core.name

    @property
    def title(self) -> str:
        """What it is about."""
        return self._core.title

    @property
    def text(self) -> str:
        """What it says, a paragraph a line."""
        return "\n".join(part.text for part in self._core.text)

    @property
    def figure(self) -> Explanation:
        """Its figure."""
        return Explanation(self._core.draw_figure(self.seed))

    def exercise(self, number: int) -> Exercise:
        """Return an exercise, counted from 1."""
        if not 1 <= number <= len(self.exercises):
            raise UsageError(f"exercise {number}: there are {len(self.exercises)}, counted from 1.")
        return self.exercises[number - 1]

    def __repr__(self) -> str:
        return f"Lesson {self._core.number}: {self.title} ({len(self.exercises)} exercises, seed {self.seed})"


def lesson(name: str | int, seed: int = 0) -> Lesson:
    """Return a lesson by its name or number, its numbers drawn by a seed.

    Raises
    ------
    UsageError
        If there is no such lesson, or the seed is negative.

    Examples
    --------
    >>> import convcli
    >>> convcli.lesson("padding").exercise(1).check(99)
    Not yet.
    Without padding f − 1 rows and columns are lost. How many have to be added on each of the two sides?
    """
    if seed < 0:
        raise UsageError(f"seed: expected 0 or more, found {seed}.")
    return Lesson(learn.lesson_of(str(name)), seed)
