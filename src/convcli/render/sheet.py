"""A sheet of exercises on paper: questions with room to answer, and a key for who corrects them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from convcli.explaining.elements import Formula, Row
from convcli.learn.answers import Answer, Choice, Matrix
from convcli.learn.sheet import RULES, Question, Sheet
from convcli.render.drawing.layout import beside, stacked
from convcli.render.drawing.pdf import RATIO, pdf
from convcli.render.drawing.scene import Path, Scene, Shape, Text, text_width, wrapped
from convcli.render.explain.elements import draw
from convcli.render.explain.steps import lines
from convcli.wording import printable

WIDTH, KEY_WIDTH = 744.0, 930.0
"""Of a page in units, of which 14 are a line: the key is smaller, since it is only read."""

MARGIN = 58.0
BODY, SMALL, HEADING, TITLE = 14.0, 11.0, 14.0, 21.0
SQUARE = (WIDTH - 2 * MARGIN) / 35  # about 5 mm on paper
GAP, BETWEEN = 12.0, 22.0


def sheet_pdf(sheet: Sheet, command: str, *, answers: bool) -> bytes:
    """Return the questions, or with `answers` the key, on pages of A4; `command` makes the sheet again."""
    width = KEY_WIDTH if answers else WIDTH
    inner = width - 2 * MARGIN
    title = f"{sheet.title}: {'answers' if answers else 'exercises'}"
    blocks = [_key(question, inner) if answers else _asked(question, inner) for question in sheet.questions]
    pages = _pages(_head(title, inner, answers=answers), blocks, width * RATIO - 2 * MARGIN - 24)
    drawn = [_page(parts, width, command, n, len(pages)) for n, parts in enumerate(pages, 1)]
    return pdf(drawn, title)


def _pages(head: Scene, blocks: Iterable[Scene], height: float) -> list[list[Scene]]:
    """Return what stands on each page: as many blocks as there is room for, none of them parted."""
    pages, taken = [[head]], head.height
    for block in blocks:
        if taken + BETWEEN + block.height > height and len(pages[-1]) > (len(pages) == 1):
            pages.append([])
            taken = -BETWEEN
        pages[-1].append(block)
        taken += BETWEEN + block.height
    return pages


def _page(parts: Sequence[Scene], width: float, command: str, number: int, count: int) -> Scene:
    height = width * RATIO
    foot = height - MARGIN
    shapes = stacked(list(parts), BETWEEN).at(MARGIN, MARGIN)
    shapes.append(Path(((MARGIN, foot - 12), (width - MARGIN, foot - 12)), "line", 0.8))
    shapes.append(Text(MARGIN, foot, printable(command), SMALL, "muted", "start"))
    shapes.append(Text(width - MARGIN, foot, f"page {number} of {count}", SMALL, "muted", "end"))
    return Scene(width, height, tuple(shapes))


def _head(title: str, inner: float, *, answers: bool) -> Scene:
    """Return the title, where name and date go, and what holds for all exercises."""
    parts = [_words(title, inner, TITLE, bold=True)]
    if not answers:
        parts += [_to_fill_in((("Name", 0.62), ("Date", 0.30)), inner)]
        parts += [_words(RULES, inner, SMALL, colour="muted")]
    return stacked(parts, 14.0)


def _to_fill_in(fields: Iterable[tuple[str, float]], inner: float) -> Scene:
    """Return words with a line behind each, which takes a share of the width."""
    x, shapes = 0.0, list[Shape]()
    for word, share in fields:
        end = x + inner * share
        begin = x + text_width(word, BODY) + 8
        shapes += [Text(x, 20, word, BODY, anchor="start"), Path(((begin, 27), (end, 27)), "muted", 0.9)]
        x = end + inner * 0.08
    return Scene(inner, 30, tuple(shapes))


def _words(text: str, inner: float, size: float, *, bold: bool = False, colour: str = "ink") -> Scene:
    """Return a text in lines."""
    found = wrapped(printable(text), inner / (1.1 if bold else 1.0), size)
    step = size * 1.4
    shapes = tuple(
        Text(0, step * (n + 0.5), line, size, colour, anchor="start", bold=bold)
        for n, line in enumerate(found)
    )
    return Scene(inner, step * len(found), shapes)


def _heading(question: Question, inner: float) -> Scene:
    shapes = (
        Text(0, 10, f"{question.number}", HEADING, bold=True, anchor="start"),
        Text(32, 10, question.lesson.title, SMALL, "muted", "start"),
        Path(((0, 22), (inner, 22)), "faint", 1.0),
    )
    return Scene(inner, 24, shapes)


def _asked(question: Question, inner: float) -> Scene:
    exercise = question.exercise
    parts = [_heading(question, inner), _words(exercise.question, inner, BODY)]
    given = _rows(exercise.rows, inner)
    beside_it = inner - (given[-1].width if given else 0.0) - 2 * SQUARE
    if given and beside_it > inner / 3:
        shown = stacked(given, GAP) if max(one.width for one in given) == given[-1].width else given[-1]
        parts += given[: 0 if shown is not given[-1] else -1]
        parts.append(_side_by_side(shown, _room(exercise.answer, beside_it, shown.height), inner))
    else:
        parts += [*given, _room(exercise.answer, inner)]
    return stacked(parts, GAP)


def _key(question: Question, inner: float) -> Scene:
    exercise = question.exercise
    element = exercise.answer.element
    parts = [_heading(question, inner), _words(exercise.question, inner, BODY, colour="muted")]
    if isinstance(element, Formula):
        parts.append(_words(f"Answer: {element.text}", inner, BODY, bold=True))
        return stacked([*parts, *_rows(exercise.solution.rows, inner)], GAP)
    drawn = draw(element, inner)
    parts.append(beside([_line("Answer:", 0.0), drawn]))
    return stacked([*parts, *_rows(exercise.solution.rows, inner)], GAP)


def _rows(rows: Sequence[Row], inner: float) -> list[Scene]:
    return [line for row in rows for line in lines(row, inner)]


def _side_by_side(left: Scene, right: Scene, inner: float) -> Scene:
    """Return two scenes whose tops are at one height, the second at the right end."""
    shapes = (*left.shapes, *right.at(inner - right.width, 0))
    return Scene(inner, max(left.height, right.height), shapes)


def _room(answer: Answer, width: float, height: float = 0.0) -> Scene:
    """Return squared paper to work on, at least so high, and a line for the answer; a matrix goes on it."""
    columns = int(width / SQUARE + 1e-6)
    if isinstance(answer, Matrix):
        rows = max(6, len(answer.values) + 3, round(height / SQUARE) - 2)
        return stacked([_line(f"{answer.name} =", 0.0), _squares(rows, columns)], 4.0)
    rows = max(2 if isinstance(answer, Choice) else 4, round(height / SQUARE) - 2)
    return stacked([_squares(rows, columns), _line("Answer:", min(columns * SQUARE, 300.0) - 80)], 6.0)


def _squares(rows: int, columns: int) -> Scene:
    width, height = columns * SQUARE, rows * SQUARE
    shapes = [Path(((0, n * SQUARE), (width, n * SQUARE)), "faint", 0.7) for n in range(rows + 1)]
    shapes += [Path(((n * SQUARE, 0), (n * SQUARE, height)), "faint", 0.7) for n in range(columns + 1)]
    return Scene(width, height, tuple(shapes))


def _line(word: str, length: float) -> Scene:
    begin = text_width(word, BODY, bold=True) + 8
    shapes: list[Shape] = [Text(0, 12, word, BODY, bold=True, anchor="start")]
    if length:
        shapes.append(Path(((begin, 20), (begin + length, 20)), "muted", 0.9))
    return Scene(begin + length, 22, tuple(shapes), 11)
