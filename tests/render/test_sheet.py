"""A sheet on paper: pages of A4 that are the same for the same seed, each with what belongs on it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from convcli.learn import lessons_of, make_sheet
from convcli.render.drawing.pdf import pdf
from convcli.render.drawing.scene import Path, Raster, Rect, Scene, Text
from convcli.render.sheet import sheet_pdf

COMMAND = "convcli learn --sheet 10 --seed 3"


def boxes(data):
    """Return the sizes of a PDF's pages in points."""
    found = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", data)
    return [(round(float(width)), round(float(height))) for width, height in found]


@pytest.fixture(scope="module")
def sheet():
    return make_sheet(3, 3, lessons_of("2,8,backward"))


@pytest.mark.parametrize("answers", [False, True])
def test_a_sheet_is_of_a4_and_the_same_for_the_same_seed(sheet, answers):
    data = sheet_pdf(sheet, COMMAND, answers=answers)
    assert data.startswith(b"%PDF-")
    assert set(boxes(data)) == {(595, 842)}
    assert data == sheet_pdf(sheet, COMMAND, answers=answers)


def test_every_kind_of_shape_can_be_drawn():
    import numpy as np

    shapes = (
        Rect(1, 1, 20, 20, "window", "ink"),
        Path(((0, 0), (9, 9)), "muted"),
        Path(((0, 0), (9, 0), (9, 9)), "muted", 1, "block"),
        Raster(0, 0, 40, 40, np.zeros((2, 2), np.uint8)),
        Raster(0, 0, 40, 40, np.zeros((2, 2, 3), np.uint8)),
        Text(5, 5, "− × · √ Σ ⌊n⌋ dA′ $x^2$", mono=True),
    )
    assert len(boxes(pdf([Scene(100, 140, shapes)] * 2, "shapes"))) == 2


@pytest.mark.long
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler's pdftotext")
def test_what_stands_on_a_sheet_can_be_read_and_the_answers_are_elsewhere(tmp_path):
    sheet = make_sheet(10, 3, lessons_of(None))
    texts = []
    for answers in (False, True):
        place = tmp_path / "sheet.pdf"
        place.write_bytes(sheet_pdf(sheet, COMMAND, answers=answers))
        texts.append(
            subprocess.run(
                ["pdftotext", "-layout", place, "-"], capture_output=True, check=True
            ).stdout.decode()
        )
    questions, key = (" ".join(text.split()) for text in texts)
    assert "Name" in questions
    assert "Date" in questions
    assert COMMAND in questions
    assert re.search(r"page 1 of \d", questions)
    for question in sheet.questions:
        assert " ".join(question.exercise.question.split()[:4]) in questions
    assert "Answer:" in key
    for line in (row[0].text for question in sheet.questions for row in question.exercise.solution.rows[-1:]):
        assert line[:20] in key
        assert line not in questions
