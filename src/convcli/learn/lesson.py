"""What a lesson is made of, and which there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convcli.errors import UsageError
from convcli.explaining.elements import Explanation, Formula
from convcli.learn.exercises import Draws, Exercise, Kind, name_of
from convcli.registry import Registry


@dataclass(frozen=True)
class Lesson:
    """A short text, a figure on fresh numbers, and kinds of exercises.

    Attributes
    ----------
    text
        Paragraphs, and formulas between them.
    figure
        An explanation of few steps.
    topic
        What `convcli explain` shows more of.
    """

    name: str
    title: str
    text: tuple[Formula, ...]
    figure: Callable[[Draws], Explanation]
    kinds: tuple[Kind, ...]
    topic: str

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return NAMES.index(self.name) + 1

    @cached_property
    def kind(self) -> dict[str, Kind]:
        """The kinds by their names."""
        return {name_of(kind): kind for kind in self.kinds}

    def draw_figure(self, seed: int) -> Explanation:
        """Return its figure, the same for the same seed."""
        return self.figure(draws(seed, self.number, 0))

    def draw(self, kind: str, seed: int) -> Exercise:
        """Return an exercise of a kind, the same for the same seed."""
        return self.kind[kind](draws(seed, self.number, list(self.kind).index(kind) + 1))


def draws(*seeds: int) -> Draws:
    """Return what is drawn from, the same for the same numbers."""
    return np.random.default_rng(seeds)


NAMES = (
    *("pixels", "convolution", "edges", "padding", "stride", "volume"),
    *("layer", "sharing", "pooling", "softmax", "pooling-backward", "backward"),
)
"""The lessons in their order; each has a file of its name in `lessons/`."""

LESSONS: Registry[Lesson] = Registry(
    "lesson", homes={name: f"{__package__}.lessons.{name.replace('-', '_')}" for name in NAMES}
)


def register(lesson: Lesson) -> Lesson:
    """Add a lesson to the list."""
    return LESSONS.register(lesson.name)(lesson)


def lesson_of(text: str) -> Lesson:
    """Return the lesson of a name or a number."""
    text = text.strip().lower()
    if text.isdecimal() and len(text) < 4:
        if not 1 <= int(text) <= len(NAMES):
            raise UsageError(f"There are {len(NAMES)} lessons, from 1 to {len(NAMES)}; found {text}.")
        return LESSONS[NAMES[int(text) - 1]]
    return LESSONS[text]


def lessons_of(text: str | None) -> list[Lesson]:
    """Return the lessons of a list such as `1-3,stride`, in their order, all if there is none.

    >>> [lesson.name for lesson in lessons_of("stride,1-2")]
    ['pixels', 'convolution', 'stride']
    """
    if text is None:
        return [LESSONS[name] for name in NAMES]
    chosen = set[str]()
    for part in text.split(","):
        if span := re.fullmatch(r"\s*(\d{1,3})\s*-\s*(\d{1,3})\s*", part):
            first, last = (lesson_of(digits).number for digits in span.groups())
            if last < first:
                raise UsageError(f"Expected lessons such as 1-3, found {part.strip()}.")
            chosen |= set(NAMES[first - 1 : last])
        else:
            chosen.add(lesson_of(part).name)
    return [LESSONS[name] for name in NAMES if name in chosen]
