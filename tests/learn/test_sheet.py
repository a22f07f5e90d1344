"""Sheets: the same for a seed, others for another; every question of five of them solved by plain loops."""

from __future__ import annotations

import json

import pytest

from convcli.errors import UsageError
from convcli.learn import lessons_of, make_sheet
from learn.solved import SOLVED, as_typed


def test_a_sheet_is_the_same_for_a_seed_and_another_for_another():
    sheets = [json.dumps(make_sheet(10, seed, lessons_of(None)).document()) for seed in (3, 3, 4)]
    assert sheets[0] == sheets[1] != sheets[2]


@pytest.mark.parametrize("seed", range(5))
def test_the_answers_of_a_sheet_are_what_plain_loops_make_of_it(seed):
    for question in make_sheet(20, seed, lessons_of(None)).questions:
        answer = question.exercise.answer
        given = json.loads(json.dumps(question.exercise.given))
        text = as_typed(SOLVED[question.lesson.name, question.kind](given))
        assert answer.right(answer.read(text)), (seed, question.number)


def test_lessons_take_turns_and_kinds_come_again_only_when_all_were_asked():
    sheet = make_sheet(12, 7, lessons_of(None))
    assert [question.lesson.number for question in sheet.questions] == list(range(1, 13))
    kinds = [question.kind for question in make_sheet(8, 7, lessons_of("volume")).questions]
    assert sorted(kinds) == sorted(2 * list(lessons_of("volume")[0].kind))


def test_no_two_questions_of_a_long_sheet_are_the_same():
    questions = make_sheet(60, 1, lessons_of(None)).questions
    assert len({(q.exercise.question, json.dumps(q.exercise.given)) for q in questions}) == 60


def test_questions_do_not_hold_their_answers():
    sheet = make_sheet(12, 2, lessons_of(None))
    for step, question in zip(sheet.explanation(answers=False).steps, sheet.questions, strict=True):
        assert step.rows[1:] == question.exercise.rows


@pytest.mark.parametrize("count", [0, -1, 101])
def test_a_sheet_has_one_to_a_hundred_exercises(count):
    with pytest.raises(UsageError, match="expected 1 to 100 exercises"):
        make_sheet(count, 1, lessons_of(None))
