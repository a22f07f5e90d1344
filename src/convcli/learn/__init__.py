"""Lessons with exercises on fresh numbers: drawn, asked, checked, explained; on paper and in notebooks, too.

`lessons/` holds a file a lesson. An exercise is data: what is given, what is asked, which answers are right,
which wrong ones are known. Who asks, and how that looks, is the callers' business.
"""

from convcli.learn.attempt import Attempt, Reply
from convcli.learn.exercises import Exercise
from convcli.learn.lesson import LESSONS, Lesson, lesson_of, lessons_of
from convcli.learn.sheet import Sheet, make_sheet

__all__ = [
    "LESSONS",
    "Attempt",
    "Exercise",
    "Lesson",
    "Reply",
    "Sheet",
    "lesson_of",
    "lessons_of",
    "make_sheet",
]
