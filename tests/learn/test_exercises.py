"""Exercises: every answer is what plain loops make of what is given; what is known to be wrong is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convcli.explaining import TOPICS
from convcli.learn import LESSONS, lesson_of, lessons_of
from convcli.learn.exercises import same
from learn.solved import SOLVED, as_typed

SEEDS = range(8)
CASES = [(lesson.name, kind) for lesson in lessons_of(None) for kind in lesson.kind]


def test_every_kind_is_solved_here():
    assert set(SOLVED) == set(CASES)
    assert len(LESSONS) == 12


@pytest.mark.parametrize(("lesson", "kind"), CASES)
def test_the_answer_is_what_plain_loops_make_of_what_is_given(lesson, kind):
    for seed in SEEDS:
        exercise = LESSONS[lesson].draw(kind, seed)
        given = json.loads(json.dumps(exercise.given))
        for text in (as_typed(SOLVED[lesson, kind](given)), exercise.answer.typed):
            assert exercise.answer.right(exercise.answer.read(text)), (seed, text)


@pytest.mark.parametrize(("lesson", "kind"), CASES)
def test_what_is_known_to_be_wrong_is_wrong_and_named(lesson, kind):
    for seed in SEEDS:
        exercise = LESSONS[lesson].draw(kind, seed)
        for wrong, words in exercise.mistakes:
            value = wrong if isinstance(wrong, tuple | str) else np.asarray(wrong)
            assert not exercise.answer.right(value), (seed, words)
            assert exercise.diagnosis(value)
            first = next(said for other, said in exercise.mistakes if same(other, wrong))
            assert exercise.diagnosis(value) == first


def test_exercises_are_the_same_for_the_same_seed_and_others_for_another():
    for lesson in lessons_of(None):
        for kind in lesson.kind:
            once, again = (json.dumps(lesson.draw(kind, 5).given) for _ in range(2))
            assert once == again
        drawn = {json.dumps([lesson.draw(kind, seed).given for kind in lesson.kind]) for seed in SEEDS}
        assert len(drawn) == len(SEEDS)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_text_a_figure_and_a_topic_to_go_on_with(name):
    lesson = LESSONS[name]
    assert lesson.topic in TOPICS
    assert len(lesson.text) >= 2
    assert 1 <= len(lesson.draw_figure(3).steps) <= 2 or name == "sharing"


def test_numbers_are_small_enough_for_paper():
    for name, kind in CASES:
        for seed in SEEDS:
            cells = json.dumps(LESSONS[name].draw(kind, seed).given)
            numbers = [
                float(text)
                for text in cells.replace("[", " ").replace("]", " ").replace(",", " ").split()
                if text.lstrip("-").replace(".", "").isdigit()
            ]
            assert max(map(abs, numbers), default=0) <= 250


def test_lessons_are_found_by_number_name_and_span():
    assert lesson_of("2").name == lesson_of(" Convolution ").name == "convolution"
    assert [lesson.name for lesson in lessons_of("1-2,stride")] == ["pixels", "convolution", "stride"]
