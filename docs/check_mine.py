"""Writes two tables of docs/check-mine.md: the usual mistakes, and what programs of learners are told.

Run it after changing either; the second runs all programs of tests/grading/programs, which takes a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from convcli.grading.grade import Graded, grade
from convcli.grading.mistakes import MISTAKES
from convcli.grading.program import Program

TARGET = Path(__file__).with_name("check-mine.md")
PROGRAMS = Path(__file__).parent.parent / "tests" / "grading" / "programs"


def mistakes() -> str:
    """Return a row for each usual mistake: its name, what it looks like, what to change."""
    rows = ["| name | this looks like | what to change |", "| --- | --- | --- |"]
    rows += [
        f"| {mistake.name} | {_cell(mistake.sentence)} | {_cell(mistake.change)} |" for mistake in MISTAKES
    ]
    return "\n".join(rows)


def programs() -> str:
    """Return a row for each program of a learner: how many functions are right, and what the others get."""
    rows = ["| program | functions that are right | wrong, and what it looks like |", "| --- | ---: | --- |"]
    for path in sorted(PROGRAMS.glob("*/*.py")):
        graded = grade(Program.read(path))
        right = sum(judgement.right for judgement in graded.judgements)
        rows.append(
            f"| `{path.parent.name}/{path.stem}` | {right} of {len(graded.judgements)} | "
            f"{_cell('; '.join(told(graded)))} |"
        )
    return "\n".join(rows)


def told(graded: Graded) -> Iterator[str]:
    """Yield the name of each wrong function with the mistakes that it looks like."""
    for judgement, diagnoses in zip(graded.judgements, graded.diagnoses, strict=True):
        if not judgement.right:
            names = ", ".join(diagnosis.mistake.name for diagnosis in diagnoses)
            yield f"`{judgement.subject.name}`: {names or 'none of the usual mistakes'}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def written(text: str, name: str, table: str) -> str:
    """Return a page with a table put between the marks of its name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL)


def main() -> None:
    text = TARGET.read_text("utf-8")
    for name, table in (("mistakes", mistakes()), ("programs", programs())):
        text = written(text, name, table)
    TARGET.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
