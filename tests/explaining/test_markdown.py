"""Markdown as its readers see it: through a renderer of GitHub's kind."""

from __future__ import annotations

import re

import numpy as np
import pytest
from markdown_it import MarkdownIt

from convcli.explaining import TOPICS
from convcli.explaining.elements import Arrow, Explanation, Formula, Grid, Picture, Step
from convcli.render.explain import FORMATS
from explaining.cases import made


def rendered(shown):
    source = FORMATS["markdown"](shown).decode()
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(source)


def words_of(html):
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


@pytest.mark.parametrize("topic", TOPICS)
def test_every_grid_becomes_a_table(topic):
    shown = made(topic)
    grids = [e for step in shown.steps for row in step.rows for e in row if isinstance(e, Grid)]
    assert rendered(shown).count("<thead>") == len(grids)


def test_elements_of_a_row_stand_beside_each_other_and_cells_say_what_they_are():
    marks = {(0, 0): "window", (0, 1): "result", (1, 0): "padding", (1, 1): "unused"}
    grid = Grid.of(np.array([[1, -2], [0, 5]]), "input 2 × 2", marks)
    shown = Explanation("any", "T", (Step.of("S", [(grid, Arrow("→", "s = 2"), grid)], {}),), {}, (0,))
    html = rendered(shown)
    assert html.count("<table><tr>") == 1
    assert len(re.findall(r"<td>\n", html)) == 3
    for cell in ("<strong>1</strong>", "<ins><strong>−2</strong></ins>", "<em>0</em>", "<s>5</s>"):
        assert html.count(cell) == 2
    assert "Marked: under the window , the result , padding , in no window" in words_of(html)


@pytest.mark.parametrize(
    "line", ["- a list", "+ 1", "1. one", "# x", "a_1 * b_2 * c", "~~x~~ & <b>", "$x$ [1](2)", "&amp;"]
)
def test_lines_stay_what_they_are(line):
    shown = Explanation("any", "T", (Step("S", ((Formula(line),),)),), {}, (0,))
    paragraph = re.search(r"<p>(.*)</p>", rendered(shown))[1]
    assert paragraph.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == line


def test_small_pictures_are_large_enough_to_be_seen():
    import base64
    import io

    import PIL.Image

    picture = Picture(np.zeros((8, 4), np.uint8), "p")
    shown = Explanation("any", "T", (Step("S", ((picture,),)),), {}, (0,))
    data = re.search(r"base64,([^)\"]*)", rendered(shown))[1]
    assert PIL.Image.open(io.BytesIO(base64.b64decode(data))).size == (64, 128)
