"""Lessons from Python: exercises that check numbers, arrays and texts; and the notebooks that hold them."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import convcli
from convcli.errors import UsageError
from convcli.learn import LESSONS
from convcli.learn.answers import Matrix, Number, Sizes
from convcli.render.lesson_notebook import METADATA, file_name, notebook


@pytest.mark.parametrize("name", LESSONS)
def test_right_answers_as_python_has_them_are_right(name):
    lesson = convcli.lesson(name, seed=2)
    for kind, exercise in zip(LESSONS[name].kind, lesson.exercises, strict=True):
        answer = LESSONS[name].draw(kind, 2).answer
        match answer:
            case Matrix():
                values = [answer.values, answer.values.tolist(), answer.values.astype(np.float32)]
            case Number():
                values = [answer.value, np.float64(answer.value), Fraction(answer.value)]
            case Sizes():
                values = [answer.sizes, list(answer.sizes), np.array(answer.sizes)]
            case _:
                values = []
        for value in [*values, answer.typed]:
            assert exercise.check(value), (kind, value)


def test_no_answer_is_no_try_and_a_second_wrong_one_brings_the_solution():
    exercise = convcli.lesson("padding").exercise(1)
    assert repr(exercise.check(...)).startswith("Write your answer in place of the dots: a whole number")
    assert exercise.check(99)._repr_svg_() is None
    told = exercise.check(99)
    assert not told
    assert told._repr_svg_().startswith("<svg")
    assert exercise.check(99).solution is not None


@pytest.mark.parametrize("answer", [None, "none", [[1, 2], [3]], object(), float("nan"), []])
def test_what_is_no_answer_is_told_what_is_expected(answer):
    verdict = convcli.lesson("padding").exercise(1).check(answer)
    assert not verdict
    assert "Expected a whole number" in repr(verdict)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(UsageError, match="there are 5"):
        convcli.lesson("padding").exercise(6)
    with pytest.raises(UsageError, match="0 or more"):
        convcli.lesson("padding", seed=-1)
    with pytest.raises(UsageError, match="Did you mean 'padding'"):
        convcli.lesson("paddin")


def test_a_notebook_shows_itself_and_its_exercises():
    lesson = convcli.lesson(2, seed=1)
    assert lesson.exercise(1)._repr_svg_().startswith("<svg")
    assert convcli.lesson("softmax").exercise(4)._repr_svg_() is None
    assert "Exercise 1" in repr(lesson.exercise(1))
    assert len(lesson.figure) == 2


@pytest.mark.long
def test_the_notebook_of_a_lesson_runs_and_checks(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells, of_lessons = [], {}
    for name, lesson in LESSONS.items():
        document = json.loads(notebook(lesson, 3))
        assert document["metadata"] == METADATA
        right = [lesson.draw(kind, 3).answer.typed for kind in lesson.kind]
        run = nbformat.from_dict(document)
        nbformat.validate(run)
        checks = [cell for cell in run.cells if ".check(" in cell.source and cell.cell_type == "code"]
        assert len(checks) == len(right)
        for cell, text in zip(checks[1:], right[1:], strict=True):
            cell.source = cell.source.replace("...", repr(text), 1)
        of_lessons[name] = checks
        # To start a kernel takes two seconds: one runs all, and forgets every name in between.
        cells += [*run.cells, nbformat.v4.new_code_cell("%reset -f")]
    run.cells = cells
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(run, timeout=120, kernel_name="python3", resources=place).execute()
    for name, checks in of_lessons.items():
        said = [cell.outputs[0].data["text/plain"] for cell in checks]
        assert said[0].startswith("Write your answer in place of the dots"), name
        assert said[1:] == ["Right."] * (len(checks) - 1), name


def test_notebooks_lie_in_the_order_of_the_lessons():
    names = [file_name(LESSONS[name]) for name in LESSONS]
    assert names == sorted(names)
    assert names[0] == "01-pixels.ipynb"
