"""Pages are filled in at once: a name that looks like a place of the template stays a name."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from string import Template

import numpy as np
import PIL.Image
import pytest

from convcli.explaining import Request, explain
from convcli.formats.pages import escaped
from convcli.render.explain import FORMATS
from convcli.render.report import page
from report.cases import RECORD, voted

PACKAGES = ("convcli.render.explain", "convcli.render.report", "convcli.render.page")
HOSTILE = [
    *("@steps@", "@title@", "@colours@", "$steps", "${steps}", "$$", "$", "$title", "${title} $links", "%s"),
    *("{steps}", "\\g<0>", "\\1", "</title><script>", "<!--", "&lt;", "$sections"),
]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_template_is_one_of_string_template(package):
    template = Template((files(package) / "page.html").read_text("utf-8"))
    assert template.is_valid()
    assert {"title", "colours"} <= set(template.get_identifiers())
    assert not re.search("@[a-z]+@", template.template)


@pytest.mark.parametrize("name", HOSTILE)
def test_an_image_of_any_name_is_explained_on_one_page(name, tmp_path):
    source = tmp_path / f"{name.replace('/', '∕')}.png"
    PIL.Image.fromarray(np.arange(36, dtype=np.uint8).reshape(6, 6)).save(source)
    shown = explain("backward", Request(input=f"{source}@0,0,3,3", kernels=("1 0; 0 1",)))
    html, plain = (FORMATS["html"](one).decode() for one in (shown, replace(shown, title="plain")))
    assert html.count("<section") == len(shown.steps) == plain.count("<section")
    assert html.count("<script>") == 2  # of what is live, and of the page
    assert f"<title>{escaped(source.name)}</title>" in html  # of the photo
    titled = FORMATS["html"](replace(shown, title=name)).decode()
    assert f"<title>{escaped(name)}</title>" in titled
    assert f"<h1>{escaped(name)}</h1>" in titled


def of_six(names):
    """Return the page of a report on six classes and a run of the first one's name."""
    votes = 5 * np.eye(6, dtype=int)
    votes[2] = 5, 0, 1, 0, 0, 0
    shown = voted(votes.tolist(), range(6), tuple(names))
    return page(replace(shown, record=replace(RECORD, name=names[0]))).decode()


def test_a_report_of_any_names_is_one_page():
    sections = of_six("abcdef").count("<section")
    for start in range(0, len(HOSTILE), 6):
        names = (*HOSTILE[start : start + 6], "a", "b")[:6]
        html = of_six(names)
        assert html.count("<section") == sections
        assert "<script" not in html
        assert all(escaped(name) in html for name in names)
