"""Lessons as files: sheets of exercises with their answers beside them, and notebooks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convcli.cli.output import out
from convcli.errors import UsageError
from convcli.wording import counted

if TYPE_CHECKING:
    from convcli.learn import Lesson, Sheet


def write_sheet(sheet: Sheet, chosen: str | None, targets: Mapping[str, Path], *, force: bool) -> None:
    """Write a sheet and its key in each format; all places are judged before any work.

    `chosen` is how the lessons were named.

    Raises
    ------
    UsageError
        If there is no place to write to, or two results would go to one.
    OutputError
        If something cannot or may not be written.
    """
    from convcli import files
    from convcli.render.explain import FORMATS
    from convcli.render.sheet import sheet_pdf

    if not targets:
        raise UsageError("--sheet needs a file to write: --pdf sheet.pdf, --markdown, --latex or --html.")
    places = [place for target in targets.values() for place in (target, answers_beside(target))]
    judged = [str(files.judge(place, force=force).place) for place in places]
    if len(set(judged)) < len(judged):
        raise UsageError("Two outputs would go to one place; give each its own file.")
    names = [] if chosen is None else [shlex.quote(chosen)]
    count = len(sheet.questions)
    command = " ".join(["convcli learn", *names, f"--sheet {count} --seed {sheet.seed}"])
    made: dict[Path, bytes] = {}
    for form, target in targets.items():
        for place, answers in ((target, False), (answers_beside(target), True)):
            if form == "pdf":
                made[place] = sheet_pdf(sheet, command, answers=answers)
            else:
                made[place] = FORMATS[form](sheet.explanation(answers=answers))
    for target in targets.values():
        for place, what in ((target, counted(count, "exercise")), (answers_beside(target), "answers")):
            files.write(place, made[place], force=force)
            out(f"{place}  {what}, seed {sheet.seed}")


def write_notebooks(lessons: Sequence[Lesson], seed: int, folder: Path, *, force: bool) -> None:
    """Write a notebook a lesson into a folder, which is made if it is missing; errors as of `write_sheet`."""
    from convcli import files
    from convcli.render.lesson_notebook import file_name, notebook

    places = {lesson.name: folder / file_name(lesson) for lesson in lessons}
    for place in places.values():
        files.judge(place, force=force, made=True)
    made = {lesson.name: notebook(lesson, seed) for lesson in lessons}
    files.make_folder(folder)
    for lesson in lessons:
        files.write(places[lesson.name], made[lesson.name], force=force)
        out(f"{places[lesson.name]}  {counted(len(lesson.kinds), 'exercise')}, seed {seed}")


def answers_beside(target: Path) -> Path:
    """Return where the answers of a sheet go.

    >>> answers_beside(Path("class/sheet.pdf")).name
    'sheet-answers.pdf'
    """
    return target.with_name(f"{target.stem}-answers{target.suffix}") if target.name else target
