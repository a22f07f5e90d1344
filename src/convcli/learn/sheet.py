"""A sheet of exercises: different for each seed, the same for the same one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convcli.errors import UsageError
from convcli.explaining.elements import Explanation, Row, Step, Words
from convcli.learn.exercises import Exercise, name_of
from convcli.learn.lesson import Lesson, draws

MOST = 100

RULES = (
    "Rows and columns count from 1: out[2, 1] stands in row 2, column 1. Kernels are laid on as they stand, "
    "unflipped. Without a word on it there is no padding and the stride is 1."
)


@dataclass(frozen=True)
class Question:
    """An exercise of a sheet, and where it comes from."""

    number: int
    lesson: Lesson
    kind: str
    exercise: Exercise


@dataclass(frozen=True)
class Sheet:
    """Exercises in the order of the lessons."""

    seed: int
    lessons: tuple[Lesson, ...]
    questions: tuple[Question, ...]

    @property
    def title(self) -> str:
        """What it is about."""
        return self.lessons[0].title if len(self.lessons) == 1 else "Convolutional networks"

    def explanation(self, *, answers: bool) -> Explanation:
        """Return it as steps that every renderer knows: the questions, or with `answers` the key."""
        steps = tuple(_key(question) if answers else _asked(question) for question in self.questions)
        title = f"{self.title}: {'answers' if answers else 'exercises'} (seed {self.seed})"
        return Explanation("sheet", title, steps, self.document(), tuple(range(len(steps))))

    def document(self) -> dict[str, object]:
        """Return what is given, asked and answered as plain JSON."""
        questions = [
            {
                "number": question.number,
                "lesson": question.lesson.name,
                "kind": question.kind,
                "question": question.exercise.question,
                "given": dict(question.exercise.given),
                "answer": question.exercise.answer.typed,
            }
            for question in self.questions
        ]
        return {"seed": self.seed, "questions": questions}


def _asked(question: Question) -> Step:
    rows: tuple[Row, ...] = ((Words(question.exercise.question),), *question.exercise.rows)
    return Step(question.lesson.title, rows)


def _key(question: Question) -> Step:
    exercise = question.exercise
    rows = ((Words(exercise.question),), *exercise.answer.rows, *exercise.solution.rows)
    return Step(question.lesson.title, rows)


def make_sheet(count: int, seed: int, lessons: Sequence[Lesson]) -> Sheet:
    """Return a sheet of so many exercises from some lessons.

    Lessons take turns, and a kind comes again only when all of its lesson were asked.

    Raises
    ------
    UsageError
        If there are to be none, or too many.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"--sheet {count}: expected 1 to {MOST} exercises.")
    chosen = sorted(_chosen(count, seed, lessons), key=lambda pair: pair[0].number)
    questions = tuple(
        Question(n, lesson, kind, lesson.kind[kind](draws(seed, 1_000 + n, lesson.number)))
        for n, (lesson, kind) in enumerate(chosen, 1)
    )
    return Sheet(seed, tuple(lessons), questions)


def _chosen(count: int, seed: int, lessons: Sequence[Lesson]) -> Iterator[tuple[Lesson, str]]:
    """Yield lessons, in turn, with a kind each."""
    source = draws(seed, 1_000)
    waiting: dict[str, list[str]] = {lesson.name: [] for lesson in lessons}
    order: list[Lesson] = []
    for _ in range(count):
        if not order:
            order = [lessons[int(n)] for n in source.permutation(len(lessons))]
        lesson = order.pop()
        kinds = waiting[lesson.name]
        if not kinds:
            kinds += [name_of(lesson.kinds[int(n)]) for n in source.permutation(len(lesson.kinds))]
        yield lesson, kinds.pop()
